// One step at a time, for streams: weights packed once (as float, bfloat16 or int8), states and results at fixed
// places, so that a step costs no more than its products.
#pragma once

#include "arena.h"
#include "bytes.h"
#include "cells.h"

namespace elman {

// One layer of a stepper.
struct StepLayer {
    int64_t input_size, hidden_size;
    const float *weight_ih, *weight_hh, *bias_ih, *bias_hh;  // as in torch; biases may be null
};

enum StepWeights : int64_t { FLOAT32, BFLOAT16, INT8 };

class Stepper {
  public:
    virtual ~Stepper() = default;
    virtual void step() = 0;

    // From now on so many rows, with these places: input (rows, D), output (rows, H) of the last layer, which may be
    // null, hidden and cell state (layers, rows, H). The caller reads and writes them between steps.
    void bind(int64_t count, float* const* places) {
        rows = count;
        input = places[0], output = places[1], hidden = places[2], cell = places[3];
        make_room();
    }

  protected:
    virtual void make_room() = 0;

    int64_t rows = 0;
    float *input = nullptr, *output = nullptr, *hidden = nullptr, *cell = nullptr;
};

inline uint16_t as_bfloat16(float value) {  // to nearest, ties to even; a NaN stays one
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16) | 0x40;
    return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

template <int64_t KIND, class Weight>
class StepperOf final : public Stepper {
    using S = Shape<KIND>;
    static constexpr int COLUMNS = S::COLUMNS, SUMS = KIND == GRU ? 4 : COLUMNS;  // n of GRU keeps x and h apart
    static constexpr bool BYTES = std::is_same_v<Weight, int8_t>;
    static constexpr int ROWS = 2;  // streams are few; a weight that is loaded serves so many of them

    struct Packed {
        int64_t input_size, hidden_size, panels;
        Buffer<Weight> ih, hh;
        Buffer<float> bias, scale_ih, scale_hh;  // SUMS, COLUMNS and COLUMNS vectors a panel; scales of int8 only
    };

    int64_t squash, widest;
    std::vector<Packed> layers;
    std::vector<float> fresh;  // hidden states of one layer after the step, (rows, H)
    // For int8 weights: what the layer reads and its hidden states, rounded; (rows, widest) numbers and a row's
    // `Rounded`.
    std::vector<int16_t> numbers[2];
    std::vector<Rounded> rounded[2];

  public:
    StepperOf(int64_t squash, int64_t count, const StepLayer* given) : squash(squash), widest(given[0].input_size) {
        for (int64_t at = 0; at < count; ++at) {
            layers.push_back(pack(given[at]));
            if (given[at].hidden_size > widest) widest = given[at].hidden_size;
        }
    }

    void step() override {
        const float* x = input;
        for (size_t at = 0; at < layers.size(); ++at) {
            const Packed& layer = layers[at];
            const int64_t states = rows * layer.hidden_size;
            float *before = hidden + at * states, *memory = cell ? cell + at * states : nullptr;
            if constexpr (BYTES) {
                round_rows(0, x, layer.input_size);
                round_rows(1, before, layer.hidden_size);
            }
            for (int64_t panel = 0; panel < layer.panels; ++panel) {
                Tile tile{*this, layer, x, before, memory, panel};
                for_rows<ROWS>(0, rows, tile);
            }
            memcpy(before, fresh.data(), states * sizeof(float));
            x = before;
        }
        if (output) memcpy(output, x, rows * layers.back().hidden_size * sizeof(float));
    }

  private:
    void make_room() override {
        fresh.resize(rows * widest);
        for (int which = 0; BYTES && which < 2; ++which) {
            numbers[which].resize(rows * (widest + 1));
            rounded[which].resize(rows);
        }
    }

    void round_rows(int which, const float* from, int64_t count) {
        for (int64_t row = 0; row < rows; ++row)
            rounded[which][row] = round_row(from + row * count, count, numbers[which].data() + row * (widest + 1));
    }

    static Packed pack(const StepLayer& from) {
        const int64_t H = from.hidden_size, D = from.input_size, panels = S::panels(H), width = COLUMNS * LANES;
        Packed to{D,
                  H,
                  panels,
                  Buffer<Weight>(panels * deep(D) * width),
                  Buffer<Weight>(panels * deep(H) * width),
                  Buffer<float>(panels * SUMS * LANES),
                  Buffer<float>(panels * width),
                  Buffer<float>(panels * width)};
        for (int64_t panel = 0; panel < panels; ++panel)
            for (int64_t at = 0; at < width; ++at) {
                const int64_t column = at / LANES, gate = S::GATES == 1 ? 0 : column;
                const int64_t unit = panel * S::UNITS * LANES + (S::GATES == 1 ? at : at % LANES);
                if (unit >= H) continue;  // stays zero
                const int64_t row = gate * H + unit;
                to.scale_ih.get()[panel * width + at] =
                    put(from.weight_ih + row * D, D, to.ih.get() + panel * deep(D) * width, at);
                to.scale_hh.get()[panel * width + at] =
                    put(from.weight_hh + row * H, H, to.hh.get() + panel * deep(H) * width, at);
                const float ih = from.bias_ih ? from.bias_ih[row] : 0, hh = from.bias_hh ? from.bias_hh[row] : 0;
                const bool apart = KIND == GRU && gate == 2;
                float* bias = to.bias.get() + panel * SUMS * LANES + at;
                bias[0] = apart ? ih : ih + hh;
                if (apart) bias[LANES] = hh;
            }
        return to;
    }

    static int64_t deep(int64_t count) { return BYTES ? (count + 1) / 2 * 2 : count; }  // weights a lane of a panel

    // One row of weights into lane `at` of a panel; returns what its products must be multiplied by.
    static float put(const float* from, int64_t count, Weight* panel, int64_t at) {
        constexpr int64_t width = COLUMNS * LANES;
        if constexpr (BYTES) {  // two by two
            float most = 0;
            bool finite = true;
            for (int64_t k = 0; k < count; ++k) {
                most = std::fmax(most, std::fabs(from[k]));
                finite = finite && std::isfinite(from[k]);
            }
            if (!finite) return NAN;  // the weights stay zero: every product is a NaN
            const float scale = most > 0 ? most / 127 : 1;
            for (int64_t k = 0; k < count; ++k)
                panel[(k / 2 * width + at) * 2 + k % 2] = int8_t(std::lrintf(from[k] / scale));
            return scale;
        } else {
            for (int64_t k = 0; k < count; ++k)
                if constexpr (std::is_same_v<Weight, uint16_t>)
                    panel[k * width + at] = as_bfloat16(from[k]);
                else
                    panel[k * width + at] = from[k];
            return 1;
        }
    }

    struct Tile {
        StepperOf& own;
        const Packed& layer;
        const float *x, *before;
        float* memory;
        int64_t panel;

        template <int M>
        ALWAYS_INLINE void run(int64_t first) {
            const int64_t D = layer.input_size, H = layer.hidden_size, width = COLUMNS * LANES;
            Vec of_x[M][COLUMNS], of_h[M][COLUMNS];
            for (int m = 0; m < M; ++m)
                for (int c = 0; c < COLUMNS; ++c) of_x[m][c] = of_h[m][c] = Vec{};
            const Weight *ih = layer.ih.get() + panel * deep(D) * width, *hh = layer.hh.get() + panel * deep(H) * width;
            if constexpr (BYTES) {
                multiply_bytes<M, COLUMNS>(own.rounded[0].data() + first, ih, D, of_x);
                multiply_bytes<M, COLUMNS>(own.rounded[1].data() + first, hh, H, of_h);
                const float *scale_ih = layer.scale_ih.get() + panel * width,
                            *scale_hh = layer.scale_hh.get() + panel * width;
                for (int m = 0; m < M; ++m)
                    for (int c = 0; c < COLUMNS; ++c) {
                        of_x[m][c] *= load(scale_ih + c * LANES);
                        of_h[m][c] *= load(scale_hh + c * LANES);
                    }
            } else {
                multiply<M, COLUMNS>(x + first * D, D, ih, D, of_x);
                multiply<M, COLUMNS>(before + first * H, H, hh, H, of_h);
            }
            const float* bias = layer.bias.get() + panel * SUMS * LANES;
            for (int m = 0; m < M; ++m) finish(first + m, of_x[m], of_h[m], bias);
        }

        ALWAYS_INLINE void finish(int64_t row, Vec (&x)[COLUMNS], Vec (&h)[COLUMNS], const float* bias) {
            const int64_t H = layer.hidden_size, unit = panel * S::UNITS * LANES, at = row * H + unit;
            float* fresh = own.fresh.data() + at;
            if constexpr (S::GATES == 1) {
                for (int c = 0; c < COLUMNS; ++c)
                    store(fresh + c * LANES, elman::squash(own.squash, x[c] + h[c] + load(bias + c * LANES)),
                          H - unit - c * LANES);
            } else if constexpr (KIND == LSTM) {
                Vec gate[4], c = load(memory + at, H - unit);
                for (int g = 0; g < 4; ++g) gate[g] = x[g] + h[g] + load(bias + g * LANES);
                store(fresh, lstm_step(gate, c), H - unit);
                store(memory + at, c, H - unit);
            } else {
                Vec gate[] = {x[0] + h[0] + load(bias), x[1] + h[1] + load(bias + LANES),
                              x[2] + load(bias + 2 * LANES)};
                const Vec inside = h[2] + load(bias + 3 * LANES);
                store(fresh, gru_step(gate, inside, load(before + at, H - unit)), H - unit);
            }
        }
    };
};

template <int64_t KIND>
Stepper* make_stepper(int64_t weights, int64_t squash, int64_t count, const StepLayer* layers) {
    if (weights == BFLOAT16) return new StepperOf<KIND, uint16_t>(squash, count, layers);
    if (weights == INT8) return new StepperOf<KIND, int8_t>(squash, count, layers);
    return new StepperOf<KIND, float>(squash, count, layers);
}

}  // namespace elman
