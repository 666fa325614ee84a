// One step of one cell with the weights as they stand in torch: for a call now and then, where packing them would take
// longer than the step.
#pragma once

#include "cells.h"

namespace elman {

struct SingleStep {
    int64_t kind, activation, rows, input_size, hidden_size;
    const float *x, *weight_ih, *weight_hh, *bias_ih, *bias_hh;  // biases may be null
    const float *hidden, *cell;                                  // (rows, H)
    float *next_hidden, *next_cell;
};

INLINE float sum_of(Vec v) {
    float sum = 0;
    for (int lane = 0; lane < LANES; ++lane) sum += v[lane];
    return sum;
}

// to[row] = weight[row] . x + bias[row] for rows [0, count); four at a time, so that x is loaded once for them.
inline void multiply_rows(const float* weight, const float* bias, const float* x, int64_t count, int64_t depth,
                          float* to) {
    constexpr int TOGETHER = 4;
    for (int64_t row = 0; row < count; row += TOGETHER) {
        const float* from[TOGETHER];
        Vec sum[TOGETHER][2] = {};
        for (int at = 0; at < TOGETHER; ++at) from[at] = weight + (row + at < count ? row + at : count - 1) * depth;
        int64_t k = 0;
        for (; k + 2 * LANES <= depth; k += 2 * LANES)
            for (int part = 0; part < 2; ++part) {
                const Vec some = load(x + k + part * LANES);
#pragma GCC unroll 4
                for (int at = 0; at < TOGETHER; ++at)
                    sum[at][part] = load(from[at] + k + part * LANES) * some + sum[at][part];
            }
        for (; k < depth; k += LANES) {
            const Vec some = load(x + k, depth - k);
            for (int at = 0; at < TOGETHER; ++at) sum[at][0] = load(from[at] + k, depth - k) * some + sum[at][0];
        }
        for (int at = 0; at < TOGETHER && row + at < count; ++at)
            to[row + at] = sum_of(sum[at][0] + sum[at][1]) + (bias ? bias[row + at] : 0);
    }
}

template <int64_t KIND>
void single_step(const SingleStep& call, Arena& arena) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, D = call.input_size, gates = S::GATES * H;
    float *of_x = arena.take<float>(gates), *of_h = arena.take<float>(gates);
    for (int64_t row = 0; row < call.rows; ++row) {
        const float* before = call.hidden + row * H;
        multiply_rows(call.weight_ih, call.bias_ih, call.x + row * D, gates, D, of_x);
        multiply_rows(call.weight_hh, call.bias_hh, before, gates, H, of_h);
        for (int64_t u = 0; u < H; u += LANES) {
            auto both = [&](int64_t gate) {
                return load(of_x + gate * H + u, H - u) + load(of_h + gate * H + u, H - u);
            };
            Vec hidden;
            if constexpr (S::GATES == 1) {
                hidden = activate(call.activation, both(0));
            } else if constexpr (KIND == LSTM) {
                Vec gate[] = {both(0), both(1), both(2), both(3)}, c = load(call.cell + row * H + u, H - u);
                hidden = lstm_step(gate, c);
                store(call.next_cell + row * H + u, c, H - u);
            } else {
                Vec gate[] = {both(0), both(1), load(of_x + 2 * H + u, H - u)};
                hidden = gru_step(gate, load(of_h + 2 * H + u, H - u), load(before + u, H - u));
            }
            store(call.next_hidden + row * H + u, hidden, H - u);
        }
    }
}

}  // namespace elman
