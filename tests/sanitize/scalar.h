// The cells one number at a time, in double: slow, short, with nothing of the kernels but the equations.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "abi.h"

namespace scalar {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Weights {
    const float *ih, *hh, *bias_ih, *bias_hh;  // biases may be null
};

// One step of one row: replaces its hidden state (H), and the cell state (H) of an LSTM.
inline void step(int64_t kind, int64_t activation, int64_t D, int64_t H, const Weights& weights, const float* x,
                 std::vector<double>& hidden, std::vector<double>& cell) {
    const std::vector<double> before = hidden;
    auto of_x = [&](int64_t row) {
        double sum = weights.bias_ih ? weights.bias_ih[row] : 0;
        for (int64_t k = 0; k < D; ++k) sum += double(weights.ih[row * D + k]) * x[k];
        return sum;
    };
    auto of_h = [&](int64_t row) {
        double sum = weights.bias_hh ? weights.bias_hh[row] : 0;
        for (int64_t k = 0; k < H; ++k) sum += double(weights.hh[row * H + k]) * before[k];
        return sum;
    };
    for (int64_t u = 0; u < H; ++u) {
        auto gate = [&](int64_t index) { return of_x(index * H + u) + of_h(index * H + u); };
        if (kind == LSTM) {
            cell[u] = sigmoid(gate(1)) * cell[u] + sigmoid(gate(0)) * std::tanh(gate(2));
            hidden[u] = sigmoid(gate(3)) * std::tanh(cell[u]);
        } else if (kind == GRU) {
            const double r = sigmoid(gate(0)), z = sigmoid(gate(1));
            const double n = std::tanh(of_x(2 * H + u) + r * of_h(2 * H + u));
            hidden[u] = n + z * (before[u] - n);
        } else {
            const double sum = gate(0);
            hidden[u] = activation == TANH ? std::tanh(sum) : activation == RELU && sum < 0 ? 0 : sum;
        }
    }
}

// What `elman_forward` gives: outputs (rows, time, W * H), or (steps, W * H) of a packed batch, zero after a row's end,
// and final states (rows, W, H).
struct Results {
    std::vector<float> outputs, final_hidden, final_cell;
};

inline Results forward(const ElmanCall& call) {
    const int64_t H = call.hidden_size, D = call.input_size, W = call.directions, T = call.time;
    auto length_of = [&](int64_t row) { return call.lengths ? call.lengths[row] : T; };
    auto place_of = [&](int64_t row, int64_t t) {
        if (!call.packed) return row * T + t;
        int64_t place = row;
        for (int64_t other = 0; other < call.rows; ++other) place += length_of(other) < t ? length_of(other) : t;
        return place;
    };
    const int64_t places = call.packed ? place_of(0, T) : call.rows * T;
    Results to{std::vector<float>(places * W * H), std::vector<float>(call.rows * W * H), {}};
    if (call.kind == LSTM) to.final_cell = to.final_hidden;
    for (int64_t row = 0; row < call.rows; ++row)
        for (int64_t direction = 0; direction < W; ++direction) {
            const int64_t state = (row * W + direction) * H, length = length_of(row);
            std::vector<double> hidden, cell;
            auto begin = [&](const float* from_hidden, const float* from_cell) {
                hidden.assign(from_hidden + state, from_hidden + state + H);
                if (call.kind == LSTM) cell.assign(from_cell + state, from_cell + state + H);
            };
            begin(call.hidden, call.cell);
            for (int64_t s = 0; s < length; ++s) {
                const int64_t t = direction ? length - 1 - s : s, place = place_of(row, t);
                // A restart stands before step t; the backward direction comes to that border from step t + 1.
                if (call.reset && (direction ? s > 0 && call.reset[row * T + t + 1] : call.reset[row * T + t]))
                    begin(call.start_hidden, call.start_cell);
                step(call.kind, call.activation, D, H,
                     {call.weight_ih[direction], call.weight_hh[direction], call.bias_ih[direction], call.bias_hh[direction]},
                     call.x + place * D, hidden, cell);
                for (int64_t u = 0; u < H; ++u) to.outputs[(place * W + direction) * H + u] = float(hidden[u]);
            }
            for (int64_t u = 0; u < H; ++u) {
                to.final_hidden[state + u] = float(hidden[u]);
                if (call.kind == LSTM) to.final_cell[state + u] = float(cell[u]);
            }
        }
    return to;
}

}  // namespace scalar
