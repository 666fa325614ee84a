// The gradients of the weights, each in one product over all steps, and what the backward pass needs to know of every
// step.
#pragma once

#include "cells.h"
#include "plan.h"
#include "threads.h"

namespace elman {

// What the backward pass of one direction works with. Gradients of gates: packed rows of S slots, see `Shape`.
struct BackwardData {
    float *hh, *ih;               // packed weights, S' H' deep
    float* gates;                 // gradients, (N, S, H')
    const float** hidden_before;  // packed row -> hidden state before the step, H numbers
    const float** cell_before;    // likewise
    const float** inputs;         // packed row -> x
    float** grad_inputs;
};

// Where the steps [steps.begin, steps.end) of every row began from, and what they read.
template <int64_t KIND>
void find_before(const ElmanCall& call, const Plan& plan, int64_t direction, Span steps, const BackwardData& data) {
    const int64_t H = call.hidden_size, slot = padded(H), width = call.directions * H;
    const float* kept_cells = call.cells + (KIND == LSTM ? direction * call.capacity * slot : 0);
    for (int64_t s = steps.begin; s < steps.end; ++s)
        for (int64_t p = 0; p < plan.live[s]; ++p) {
            const int64_t j = plan.offset[s] + p, state = (plan.row[p] * call.directions + direction) * H;
            const int64_t earlier = s ? plan.offset[s - 1] + p : 0;
            const bool restarts = plan.restart[direction] && plan.restart[direction][j];
            data.hidden_before[j] = restarts ? call.start_hidden + state
                                    : s      ? call.outputs + plan.place[direction][earlier] * width + direction * H
                                             : call.hidden + state;
            if (KIND == LSTM)
                data.cell_before[j] = restarts ? call.start_cell + state
                                      : s      ? kept_cells + earlier * slot
                                               : call.cell + state;
            data.inputs[j] = call.x + plan.place[direction][j] * call.input_size;
            if (call.grad_x) data.grad_inputs[j] = call.grad_x + plan.place[direction][j] * call.input_size;
        }
}

// How the product of a weight gradient is cut: gate rows and packed rows that are packed together, to stay in the
// cache.
constexpr int64_t BLOCK_ROWS = 48, BLOCK_BYTES = 256 * 1024;

inline int64_t block_depth(int64_t columns) {  // packed rows a block
    const int64_t fitting = BLOCK_BYTES / (panels_of(columns) * WIDE * int64_t(sizeof(float)));
    return fitting < 64 ? 64 : fitting > 256 ? 256 : fitting;
}

inline int64_t weight_scratch(int64_t columns) {
    return block_depth(columns) * (panels_of(columns) * WIDE + BLOCK_ROWS);
}

struct WeightTile {
    const float *left, *right;  // packed: (depth, M), (depth, WIDE)
    int64_t depth;
    float* weight;
    int64_t columns, column;
    bool add;

    template <int M>
    ALWAYS_INLINE void run(int64_t) {
        Vec sum[M][VECTORS];
        for (int m = 0; m < M; ++m)
            for (int v = 0; v < VECTORS; ++v) sum[m][v] = Vec{};
        for (int64_t k = 0; k < depth; ++k) multiply_step<M, VECTORS>(left + k * M, 1, right + k * WIDE, sum);
        for (int m = 0; m < M; ++m)
            for (int v = 0; v < VECTORS; ++v) {
                const int64_t at = column + v * LANES;
                float* to = weight + m * columns + at;
                store(to, add ? load(to, columns - at) + sum[m][v] : sum[m][v], columns - at);
            }
    }
};

// The gradient of W_ih or W_hh, for some of its rows: the sum over packed rows of gate gradient x what was multiplied.
// And that of the bias: the sum of the gate gradients themselves. Rows are counted gate by gate in the order of the
// slots.
template <int64_t KIND>
void weight_gradient(const ElmanCall& call, const Plan& plan, const BackwardData& data, int64_t direction,
                     bool recurrent, Span rows, float* scratch) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, slot = padded(H), row_size = S::SLOTS * slot;
    const int64_t columns = recurrent ? H : call.input_size, steps = plan.total, panels = panels_of(columns);
    const float* const* inputs = recurrent ? data.hidden_before : data.inputs;
    float* weight = recurrent ? call.grad_weight_hh[direction] : call.grad_weight_ih[direction];
    float* bias = recurrent ? call.grad_bias_hh[direction] : call.grad_bias_ih[direction];
    if (!weight) return;
    const int64_t depth = block_depth(columns);
    float *right = scratch, *left = scratch + depth * panels * WIDE;
    if (steps == 0)
        for (int64_t row = rows.begin; row < rows.end; ++row) {
            int64_t to = S::gate(recurrent, row / H) * H + row % H;
            memset(weight + to * columns, 0, columns * sizeof(float));
            if (bias) bias[to] = 0;
        }
    for (int64_t j = 0; j < steps; j += depth) {
        const int64_t count = steps - j < depth ? steps - j : depth;
        for (int64_t panel = 0; panel < panels; ++panel)
            pack_panel(panel, count, columns, [&](int64_t k) { return inputs[j + k]; }, right + panel * count * WIDE);
        for (int64_t begin = rows.begin, end; begin < rows.end; begin = end) {
            const int64_t gate = begin / H;  // blocks do not cross the border of a gate
            end = begin + BLOCK_ROWS;
            if (end > rows.end) end = rows.end;
            if (end > (gate + 1) * H) end = (gate + 1) * H;
            const int64_t to = S::gate(recurrent, gate) * H + begin % H;
            const float* from =
                data.gates + j * row_size + ((recurrent ? S::HH_SLOT : S::IH_SLOT) + gate) * slot + begin % H;
            if (bias)
                for (int64_t m = 0; m < end - begin; m += LANES) {
                    Vec sum{};  // of the block: a total of all steps would lose the digits of small ones
                    for (int64_t k = 0; k < count; ++k) sum += load(from + k * row_size + m, end - begin - m);
                    store(bias + to + m, j ? load(bias + to + m, end - begin - m) + sum : sum, end - begin - m);
                }
            for (int64_t m = 0; m < end - begin; m += ROWS) {
                const int64_t width = end - begin - m < ROWS ? end - begin - m : ROWS;
                float* packed = left + m * count;
                for (int64_t k = 0; k < count; ++k)  // nearly all are whole, and a size that is known is copied sooner
                    memcpy(packed + k * width, from + k * row_size + m, (width == ROWS ? ROWS : width) * sizeof(float));
            }
            for (int64_t panel = 0; panel < panels; ++panel)
                for (int64_t m = 0; m < end - begin; m += ROWS) {
                    const int64_t width = end - begin - m < ROWS ? end - begin - m : ROWS;
                    WeightTile tile{left + m * count,
                                    right + panel * count * WIDE,
                                    count,
                                    weight + (to + m) * columns,
                                    columns,
                                    panel * WIDE,
                                    j > 0};
                    call_tile<ROWS>(tile, width, 0);
                }
        }
    }
}

}  // namespace elman
