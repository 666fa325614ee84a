// What each cell is: how many gates, and what stands between its matrix products, forward and backward.
#pragma once

#include "abi.h"
#include "gemm.h"

namespace elman {

// Gates stand in slots of H' numbers a step. Forward slots are torch's gates (LSTM i f g o, GRU r z n), for GRU with
// W_hn h + b_hn in a fourth one. GRU's gradients stand as n' r z n, n' = r * n for the recurrent weights, so that both
// products read three slots in a row. A panel holds all gates of the same units: its product ends in whole steps.
template <int64_t KIND>
struct Shape {
    static constexpr int GATES = KIND == LSTM ? 4 : KIND == GRU ? 3 : 1;
    static constexpr int SLOTS = KIND == LSTM || KIND == GRU ? 4 : 1;
    static constexpr int UNITS = GATES == 1 ? VECTORS : 1;  // vectors of units a panel
    static constexpr int COLUMNS = GATES * UNITS;           // vectors a panel
#if defined(__AVX512F__)
    static constexpr int ROWS = KIND == GRU ? 8 : 6;
#else
    static constexpr int ROWS = KIND == LSTM ? 3 : KIND == GRU ? 4 : 6;
#endif
    static constexpr int IH_SLOT = KIND == GRU ? 1 : 0;  // the first gradient slot that W_ih, or W_hh, is multiplied by
    static constexpr int HH_SLOT = 0;
    static constexpr bool KEEPS_GATES = SLOTS > 1;  // for the backward pass; an RNN's outputs say all

    static int64_t panels(int64_t hidden) { return (hidden + UNITS * LANES - 1) / (UNITS * LANES); }
    // Slot of a gradient, counted from IH_SLOT or HH_SLOT on -> torch's gate.
    static int64_t gate(bool recurrent, int64_t slot) { return KIND == GRU && recurrent ? (slot + 2) % 3 : slot; }
};

// One step's end, from the sums to the new hidden state: the gates i f g o are put in the place of their sums, and the
// new cell state in that of the old one.
INLINE Vec lstm_step(Vec (&gate)[4], Vec& cell) {
    gate[0] = sigmoid(gate[0]), gate[1] = sigmoid(gate[1]), gate[2] = tanh(gate[2]), gate[3] = sigmoid(gate[3]);
    cell = gate[1] * cell + gate[0] * gate[2];
    return gate[3] * tanh(cell);
}

// Likewise r z n, of whose sums the last is W_in x + b_in; `inside` is W_hn h + b_hn.
INLINE Vec gru_step(Vec (&gate)[3], Vec inside, Vec hidden) {
    gate[0] = sigmoid(gate[0]), gate[1] = sigmoid(gate[1]);
    gate[2] = tanh(gate[2] + gate[0] * inside);
    return gate[1] * (hidden - gate[2]) + gate[2];
}

// The same as functions of their own, for tiles of several rows: inlined, their constants take the registers of the
// sums, and the product runs at two thirds of its speed.
__attribute__((noinline)) inline Vec lstm_step_apart(Vec (&gate)[4], Vec& cell) {
    return lstm_step(gate, cell);
}

__attribute__((noinline)) inline Vec gru_step_apart(Vec (&gate)[3], Vec inside, Vec hidden) {
    return gru_step(gate, inside, hidden);
}

template <int M>  // rows of the tile
INLINE Vec lstm_step_in(Vec (&gate)[4], Vec& cell) {
    return M > 1 ? lstm_step_apart(gate, cell) : lstm_step(gate, cell);
}

template <int M>
INLINE Vec gru_step_in(Vec (&gate)[3], Vec inside, Vec hidden) {
    constexpr bool APART = M > 1 && LANES == 16;  // with fewer registers, tiles are too small to gain by it
    return APART ? gru_step_apart(gate, inside, hidden) : gru_step(gate, inside, hidden);
}

INLINE Vec activate(int64_t kind, Vec x) {
    if (kind == RELU) return x < Vec{} ? Vec{} : x;  // a NaN stays
    return kind == IDENTITY ? x : tanh(x);
}

INLINE Vec activation_slope(int64_t kind, Vec y) {  // of the output
    if (kind == RELU) return y > Vec{} ? splat(1.f) : Vec{};
    return kind == IDENTITY ? splat(1.f) : splat(1.f) - y * y;
}

}  // namespace elman
