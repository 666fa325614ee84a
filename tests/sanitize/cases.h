// One call of the kernels: inputs laid out so that a wrong read shows, forward and backward run, answers looked at.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "scalar.h"
#include "seams.h"

inline bool crooked = false;  // arrays begin where a vector never would, as a slice of a tensor may
inline std::atomic<int64_t> cases{0}, wrong{0};

// An array that is a heap block of its own, exact in size, where AddressSanitizer sees one number too far. Empty it is
// null, as torch's are. Its bytes are all ones, a NaN in every float, so that what was not written shows.
template <class T>
class Array {
  public:
    explicit Array(int64_t count = 0) : size(count) {
        const size_t skew = crooked ? sizeof(T) : 0, bytes = size_t(count) * sizeof(T);
        if (!count) return;
        block = static_cast<char*>(malloc(skew + bytes));
        if (!block) throw std::bad_alloc();
        memset(block, 0xff, skew + bytes);
        data = reinterpret_cast<T*>(block + skew);
    }
    Array(Array&& other) noexcept { *this = std::move(other); }
    Array& operator=(Array&& other) noexcept {
        std::swap(block, other.block), std::swap(data, other.data), std::swap(size, other.size);
        return *this;
    }
    ~Array() { free(block); }

    int64_t size;
    T* data = nullptr;

  private:
    char* block = nullptr;
};

inline Array<float> draw(int64_t count, std::mt19937& random, float bound) {
    Array<float> to(count);
    for (int64_t i = 0; i < count; ++i) to.data[i] = (float(random()) / 2147483648.f - 1) * bound;
    return to;
}

struct Size {
    int64_t rows, time, input_size, hidden_size;
};

enum Lengths { ALL, MIXED, NONE, SORTED };

struct Case {
    int64_t kind, activation;
    Size size;
    int64_t directions;
    Lengths lengths;
    bool reset, bias, packed;
    bool optional;  // what may be left out of a backward pass is asked for and given

    std::string name() const {
        static const char* const KINDS[] = {"rnn", "lstm", "gru"};
        static const char* const LENGTHS[] = {"all steps", "mixed lengths", "no steps", "longest first"};
        return std::string(KINDS[kind]) + (kind == RNN ? " activation " + std::to_string(activation) : "") + ", " +
               std::to_string(size.rows) + " rows, " + std::to_string(size.time) + " steps, D " +
               std::to_string(size.input_size) + ", H " + std::to_string(size.hidden_size) + ", " +
               std::to_string(directions) + " directions, " + LENGTHS[lengths] + (reset ? ", reset" : "") + (bias ? ", bias" : "") +
               (packed ? ", packed" : "") + (optional ? "" : ", no grad_x") + (crooked ? ", crooked" : "") +
               (elman::apart ? ", memory apart" : "") + (elman::eager ? ", eager" : "");
    }
};

inline thread_local std::string at_hand;  // what a report is about

inline void complain(const std::string& what) {
    static std::mutex one;
    std::lock_guard<std::mutex> alone(one);
    ++wrong;
    fprintf(stderr, "%s: %s\n", at_hand.c_str(), what.c_str());
}

inline void check(bool holds, const std::string& what) {
    if (!holds) complain(what);
}

// Finite, and within `tolerance` of the largest number. `expected` may be null: then only finite.
inline void compare(const std::string& name, const float* found, const float* expected, int64_t count,
                    float tolerance) {
    float largest = 1;
    for (int64_t i = 0; expected && i < count; ++i) largest = std::max(largest, std::fabs(expected[i]));
    for (int64_t i = 0; i < count; ++i) {
        const bool near = !expected || std::fabs(found[i] - expected[i]) <= tolerance * largest;
        if (near && std::isfinite(found[i])) continue;
        return complain(name + "[" + std::to_string(i) + "] of " + std::to_string(count) + " is " +
                        std::to_string(found[i]) + (expected ? ", not " + std::to_string(expected[i]) : ""));
    }
}

// All that a case reads. What stands behind a row's end is NaN, and its restarts are set.
struct Inputs {
    Case of;
    int64_t steps = 0, gates;  // real steps; rows of H in a weight
    Array<int64_t> lengths;
    Array<uint8_t> reset;
    Array<float> x, weight_ih[2], weight_hh[2], bias_ih[2], bias_hh[2], hidden, cell, start_hidden, start_cell;
    Array<float> grad_outputs, grad_final_hidden, grad_final_cell;

    explicit Inputs(const Case& given) : of(given), gates(given.kind == LSTM ? 4 : given.kind == GRU ? 3 : 1) {
        const auto [rows, time, D, H] = of.size;
        std::mt19937 random(unsigned(rows * 7 + time * 5 + D * 3 + H));
        const float bound = 1 / std::sqrt(float(H));
        if (of.lengths != ALL) lengths = Array<int64_t>(rows);
        for (int64_t row = 0; row < lengths.size; ++row)
            lengths.data[row] = of.lengths == NONE     ? 0
                                : of.lengths == SORTED ? (rows > 1 ? time * (rows - 1 - row) / (rows - 1) : time)
                                : row == 1             ? 0
                                                       : int64_t(random() % unsigned(time + 1));
        if (of.reset) reset = Array<uint8_t>(rows * time);
        for (int64_t row = 0; row < rows; ++row) {
            const int64_t length = of.lengths == ALL ? time : lengths.data[row];
            for (int64_t t = 0; of.reset && t < time; ++t)
                reset.data[row * time + t] = t >= length || random() % 4 == 0;
            steps += length;
        }
        x = inputs(random, D);
        for (int64_t direction = 0; direction < of.directions; ++direction) {
            weight_ih[direction] = draw(gates * H * D, random, bound), weight_hh[direction] = draw(gates * H * H, random, bound);
            if (of.bias) bias_ih[direction] = draw(gates * H, random, bound), bias_hh[direction] = draw(gates * H, random, bound);
        }
        const int64_t states = rows * of.directions * H, cells = of.kind == LSTM ? states : 0;
        hidden = draw(states, random, 1), cell = draw(cells, random, 1);
        start_hidden = draw(states, random, 1), start_cell = draw(cells, random, 1);
        grad_outputs = inputs(random, of.directions * H);
        if (of.optional) grad_final_hidden = draw(states, random, 1), grad_final_cell = draw(cells, random, 1);
    }

    // (rows, time, width), or (steps, width).
    Array<float> inputs(std::mt19937& random, int64_t width) const {
        if (of.packed) return draw(steps * width, random, 1);
        Array<float> to = draw(of.size.rows * of.size.time * width, random, 1);
        for (int64_t row = 0; row < lengths.size; ++row)
            for (int64_t at = lengths.data[row] * width; at < of.size.time * width; ++at)
                to.data[row * of.size.time * width + at] = NAN;
        return to;
    }

    ElmanCall call(int64_t threads) const {
        ElmanCall to{};
        to.kind = of.kind, to.activation = of.activation, to.directions = of.directions, to.packed = of.packed, to.threads = threads;
        to.rows = of.size.rows, to.time = of.size.time;
        to.input_size = of.size.input_size, to.hidden_size = of.size.hidden_size;
        to.capacity = of.optional ? steps : to.rows * to.time;
        to.lengths = lengths.data, to.reset = reset.data, to.x = x.data;
        for (int direction = 0; direction < 2; ++direction) {
            to.weight_ih[direction] = weight_ih[direction].data, to.weight_hh[direction] = weight_hh[direction].data;
            to.bias_ih[direction] = bias_ih[direction].data, to.bias_hh[direction] = bias_hh[direction].data;
        }
        to.hidden = hidden.data, to.cell = cell.data;
        to.start_hidden = start_hidden.data, to.start_cell = start_cell.data;
        to.grad_outputs = grad_outputs.data;
        to.grad_final_hidden = grad_final_hidden.data, to.grad_final_cell = grad_final_cell.data;
        return to;
    }
};

// All that the kernels write.
using Answers = std::vector<std::pair<std::string, Array<float>>>;

inline Answers answer(const Inputs& in, int64_t threads) {
    const auto [rows, time, D, H] = in.of.size;
    const int64_t directions = in.of.directions, states = rows * directions * H, cells = in.of.kind == LSTM ? states : 0;
    const int64_t places = in.of.packed ? in.steps : rows * time, slot = elman::padded(H);
    ElmanCall call = in.call(threads);
    elman::permitted = threads;
    Answers all;
    auto wanted = [&](const char* name, int64_t count) {
        all.emplace_back(name, Array<float>(count));
        return all.back().second.data;
    };
    for (bool keep : {false, true}) {
        call.outputs = wanted("outputs", places * directions * H);
        call.final_hidden = wanted("final_hidden", states), call.final_cell = wanted("final_cell", cells);
        // What is kept has no answer to be compared with.
        Array<float> gates(keep && in.of.kind != RNN ? directions * call.capacity * 4 * slot : 0);
        Array<float> kept(keep && in.of.kind == LSTM ? directions * call.capacity * slot : 0);
        call.gates = gates.data, call.cells = kept.data;
        check(elman_forward(&call) == 0, "elman_forward failed");
        if (!keep) continue;
        if (in.of.optional) call.grad_x = wanted("grad_x", places * D);
        call.grad_hidden = wanted("grad_hidden", states), call.grad_cell = wanted("grad_cell", cells);
        call.grad_start_hidden = wanted("grad_start_hidden", states);
        call.grad_start_cell = wanted("grad_start_cell", cells);
        for (int64_t direction = 0; direction < directions; ++direction) {
            call.grad_weight_ih[direction] = wanted("grad_weight_ih", in.gates * H * D);
            call.grad_weight_hh[direction] = wanted("grad_weight_hh", in.gates * H * H);
            if (!in.of.bias) continue;
            call.grad_bias_ih[direction] = wanted("grad_bias_ih", in.gates * H);
            call.grad_bias_hh[direction] = wanted("grad_bias_hh", in.gates * H);
        }
        check(elman_backward(&call) == 0, "elman_backward failed");
    }
    return all;
}

constexpr int64_t QUICK = 2 * 1000 * 1000;  // products that the scalar cells are given

// One thread answers as the scalar cells do, and more threads as one.
inline void try_case(const Case& of, const std::vector<int64_t>& team_sizes) {
    ++cases;
    at_hand = of.name();
    const Inputs in(of);
    const Answers alone = answer(in, 1);
    const int64_t H = of.size.hidden_size;
    for (const auto& [name, found] : alone) compare(name, found.data, nullptr, found.size, 0);
    if (in.steps * of.directions * in.gates * H * (H + of.size.input_size) <= QUICK) {
        const scalar::Results expected = scalar::forward(in.call(1));
        const std::vector<float>* const all[] = {&expected.outputs, &expected.final_hidden, &expected.final_cell};
        for (int at = 0; at < 6; ++at)  // without and with what a backward pass needs
            compare(alone[at].first, alone[at].second.data, all[at % 3]->data(), alone[at].second.size, 1e-4f);
    }
    for (int64_t threads : team_sizes) {
        at_hand = of.name() + ", " + std::to_string(threads) + " threads";
        const Answers together = answer(in, threads);
        for (size_t i = 0; i < alone.size(); ++i)
            compare(alone[i].first, together[i].second.data, alone[i].second.data, alone[i].second.size, 1e-4f);
    }
}
