// Steppers in three weight formats, step by step and over whole sequences, and single steps of weights as they stand.
#pragma once

#include "cases.h"

struct Stream {
    int64_t kind, activation, weights, rows, layers, input_size, hidden_size;
    bool bias;
};

inline void try_stepper(const Stream& of) {
    const int64_t D = of.input_size, H = of.hidden_size, gates = of.kind == LSTM ? 4 : of.kind == GRU ? 3 : 1;
    ++cases;
    at_hand = "stepper, kind " + std::to_string(of.kind) + ", activation " + std::to_string(of.activation) + ", weights " +
              std::to_string(of.weights) + ", " + std::to_string(of.rows) + " rows, " + std::to_string(of.layers) +
              " layers, D " + std::to_string(D) + ", H " + std::to_string(H) + (of.bias ? ", bias" : "");
    std::mt19937 random(unsigned(D * 3 + H));
    const float bound = 1 / std::sqrt(float(H));
    std::vector<Array<float>> parameters;
    std::vector<elman::StepLayer> layers;
    auto parameter = [&](int64_t count) {
        parameters.push_back(draw(count, random, bound));
        return parameters.back().data;
    };
    for (int64_t at = 0; at < of.layers; ++at) {
        const int64_t width = at ? H : D;
        const float *ih = parameter(gates * H * width), *hh = parameter(gates * H * H);
        layers.push_back({width, H, ih, hh, parameter(of.bias * gates * H), parameter(of.bias * gates * H)});
    }
    const int64_t states = of.layers * of.rows * H;
    Array<float> input = draw(of.rows * D, random, 1), output(of.rows * H);
    Array<float> hidden = draw(states, random, 1), cell = draw(of.kind == LSTM ? states : 0, random, 1);
    const std::vector<float> first_hidden(hidden.data, hidden.data + states), first_cell(cell.data, cell.data + cell.size);
    std::vector<std::vector<double>> slow_hidden(of.layers * of.rows), slow_cell(of.layers * of.rows);
    for (int64_t at = 0; at < of.layers * of.rows; ++at) {
        slow_hidden[at].assign(hidden.data + at * H, hidden.data + (at + 1) * H);
        if (cell.size) slow_cell[at].assign(cell.data + at * H, cell.data + (at + 1) * H);
    }
    Array<float> expected(states);
    constexpr int STEPS = 5;
    for (int step = 0; step < STEPS; ++step)
        for (int64_t row = 0; row < of.rows; ++row) {
            std::vector<float> x(input.data + row * D, input.data + (row + 1) * D);
            for (int64_t at = 0; at < of.layers; ++at) {
                const elman::StepLayer& layer = layers[at];
                auto &to = slow_hidden[at * of.rows + row], &memory = slow_cell[at * of.rows + row];
                scalar::step(of.kind, of.activation, layer.input_size, H,
                             {layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh}, x.data(), to, memory);
                x.assign(to.begin(), to.end());
                std::copy(x.begin(), x.end(), expected.data + (at * of.rows + row) * H);
            }
        }

    float* const places[] = {input.data, output.data, hidden.data, cell.data};
    void* stepper = elman_stepper_new(of.kind, of.activation, of.weights, of.layers, layers.data());
    parameters.clear();  // a stepper packs its weights; theirs may go
    elman::permitted = 2;
    for (int64_t rows : {int64_t(1), of.rows})
        check(elman_stepper_bind(stepper, rows, elman::permitted, places) == 0, "elman_stepper_bind failed");
    for (int step = 0; step < STEPS; ++step) elman_stepper_step(stepper);

    const float tolerance = of.weights == elman::FLOAT32 ? 1e-4f : 5e-2f;
    compare("hidden", hidden.data, expected.data, states, tolerance);
    compare("output", output.data, hidden.data + states - of.rows * H, of.rows * H, 0);
    compare("cell", cell.data, nullptr, cell.size, 0);
    // The same steps as sequences; every second row has none, and NaN in its padding.
    Array<int64_t> lengths(of.rows);
    Array<float> x(of.rows * STEPS * D);
    for (int64_t row = 0; row < of.rows; ++row) {
        lengths.data[row] = row % 2 ? 0 : STEPS;
        for (int64_t at = 0; row % 2 == 0 && at < STEPS * D; ++at)
            x.data[row * STEPS * D + at] = input.data[row * D + at % D];
        for (int64_t at = 0; row % 2 && at < of.layers; ++at) {
            const int64_t from = (at * of.rows + row) * H;
            std::copy_n(first_hidden.begin() + from, H, hidden.data + from);
            if (cell.size) std::copy_n(first_cell.begin() + from, H, cell.data + from);
        }
    }
    for (int64_t threads : {1, 2, 3}) {
        Array<float> outputs(of.rows * STEPS * H), final_hidden(states), final_cell(cell.size);
        ElmanCall call{};
        call.rows = of.rows, call.time = STEPS, call.capacity = of.rows * STEPS, call.threads = threads;
        call.lengths = lengths.data, call.x = x.data, call.outputs = outputs.data;
        call.hidden = first_hidden.data(), call.cell = first_cell.data();
        call.final_hidden = final_hidden.data, call.final_cell = final_cell.data;
        elman::permitted = threads;
        check(elman_stepper_run(stepper, &call) == 0, "elman_stepper_run failed");
        compare("final_hidden", final_hidden.data, hidden.data, states, 0);
        compare("final_cell", final_cell.data, cell.data, cell.size, 0);
        compare("outputs", outputs.data, nullptr, outputs.size, 0);
        lengths.data[0] = STEPS + 1;
        check(elman_stepper_run(stepper, &call) == 2, "elman_stepper_run took a length beyond its time");
        lengths.data[0] = STEPS;
    }
    elman_stepper_free(stepper);
}

inline void try_single(int64_t kind, int64_t activation, const Size& size, bool bias) {
    const int64_t rows = size.rows, D = size.input_size, H = size.hidden_size;
    const int64_t gates = kind == LSTM ? 4 : kind == GRU ? 3 : 1, states = rows * H;
    ++cases;
    at_hand = "single step, kind " + std::to_string(kind) + ", activation " + std::to_string(activation) + ", " +
              std::to_string(rows) + " rows, D " + std::to_string(D) + ", H " + std::to_string(H) +
              (bias ? ", bias" : "");
    std::mt19937 random(unsigned(D * 3 + H));
    const float bound = 1 / std::sqrt(float(H));
    const Array<float> ih = draw(gates * H * D, random, bound), hh = draw(gates * H * H, random, bound);
    const Array<float> bias_ih = draw(bias * gates * H, random, bound), bias_hh = draw(bias * gates * H, random, bound);
    const Array<float> x = draw(rows * D, random, 1), hidden = draw(states, random, 1);
    const Array<float> cell = draw(kind == LSTM ? states : 0, random, 1);
    Array<float> next_hidden(states), next_cell(cell.size);
    elman::SingleStep call{};
    call.kind = kind, call.activation = activation, call.rows = rows, call.input_size = D, call.hidden_size = H;
    call.x = x.data, call.weight_ih = ih.data, call.weight_hh = hh.data;
    call.bias_ih = bias_ih.data, call.bias_hh = bias_hh.data, call.hidden = hidden.data, call.cell = cell.data;
    call.next_hidden = next_hidden.data, call.next_cell = next_cell.data;
    check(elman_single_step(&call) == 0, "elman_single_step failed");
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t at = row * H;
        std::vector<double> to(hidden.data + at, hidden.data + at + H), memory;
        if (kind == LSTM) memory.assign(cell.data + at, cell.data + at + H);
        scalar::step(kind, activation, D, H, {ih.data, hh.data, bias_ih.data, bias_hh.data}, x.data + row * D, to, memory);
        const std::vector<float> expected(to.begin(), to.end()), expected_cell(memory.begin(), memory.end());
        compare("next_hidden", next_hidden.data + at, expected.data(), H, 1e-4f);
        if (kind == LSTM) compare("next_cell", next_cell.data + at, expected_cell.data(), H, 1e-4f);
    }
}
