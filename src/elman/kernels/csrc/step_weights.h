// The weights of a stepper: packed once, as float, bfloat16 or int8, in the panels of the forward pass.
#pragma once

#include "arena.h"
#include "bytes.h"
#include "cells.h"
#include "halves.h"

namespace elman {

// One layer of a stepper. All have the same hidden size, and each but the first reads the one before it.
struct StepLayer {
    int64_t input_size, hidden_size;
    const float *weight_ih, *weight_hh, *bias_ih, *bias_hh;  // as in torch; biases may be null
};

enum StepWeights : int64_t { FLOAT32, BFLOAT16, INT8 };

// W_ih or W_hh: for each panel (depth, COLUMNS) vectors; of bfloat16 and int8 two steps of the depth lie together, so
// that a load brings pairs. int8 has a scale for each lane.
template <int COLUMNS, class Weight>
struct PackedMatrix {
    static constexpr bool BYTES = std::is_same_v<Weight, int8_t>, PAIRS = !std::is_same_v<Weight, float>;
    static constexpr int64_t WIDTH = COLUMNS * LANES;
    static constexpr int AHEAD = 1024;                                     // bytes
    using Rows = std::conditional_t<BYTES, const Rounded*, const float*>;  // what a product reads: (rows, depth)

    int64_t depth;
    Buffer<Weight> weights;
    Buffer<float> scales;

    PackedMatrix(int64_t panels, int64_t depth)
        : depth(depth), weights(panels * padded_depth(depth) * WIDTH), scales(BYTES ? panels * WIDTH : 0) {}

    // One row of torch's matrix becomes lane `at` of a panel.
    void put(const float* from, int64_t panel, int64_t at) {
        float scale = 1;
        if constexpr (BYTES) scales.get()[panel * WIDTH + at] = scale = scale_of(from, depth);
        Weight* to = weights.get() + panel * padded_depth(depth) * WIDTH;
        for (int64_t k = 0; k < depth; ++k)
            if constexpr (BYTES)
                to[(k / 2 * WIDTH + at) * 2 + k % 2] = std::isfinite(scale) ? int8_t(std::lrintf(from[k] / scale)) : 0;
            else if constexpr (PAIRS)
                to[(k / 2 * WIDTH + at) * 2 + k % 2] = as_bfloat16(from[k]);
            else
                to[k * WIDTH + at] = from[k];
    }

    // The products of M rows, from `first` on, with a panel. Each row's are summed up in the same order, whatever M is:
    // who else is in the batch, and whether steps come one by one, changes no bit.
    template <int M>
    ALWAYS_INLINE void multiply(Rows rows, int64_t first, int64_t panel, Vec (&product)[M][COLUMNS]) const {
        const Weight* from = weights.get() + panel * padded_depth(depth) * WIDTH;
        if constexpr (BYTES) {
            multiply_bytes<M, COLUMNS>(rows + first, from, depth, product);
            for (int c = 0; c < COLUMNS; ++c) {
                const Vec scale = load(scales.get() + panel * WIDTH + c * LANES);
                for (int m = 0; m < M; ++m) product[m][c] = kept(product[m][c] * scale);
            }
        } else {
            constexpr int PARTS = PAIRS && COLUMNS == 3 ? 2 : parts_of(COLUMNS), FITTING = ROWS * VECTORS / (M * PARTS);
            constexpr int TOGETHER = FITTING >= COLUMNS ? COLUMNS : FITTING >= 2 && COLUMNS % 2 == 0 ? 2 : 1;
#pragma GCC unroll 4
            for (int column = 0; column < COLUMNS; column += TOGETHER) {
                Vec sum[M][TOGETHER] = {};
                if constexpr (PAIRS)
                    multiply_halves<PARTS>(rows + first * depth, depth, from + 2 * column * LANES, WIDTH, depth, sum);
                else
                    multiply_parts<PARTS, M == 1 ? AHEAD : 0>(rows + first * depth, depth, from + column * LANES, WIDTH,
                                                              depth, sum);
                for (int m = 0; m < M; ++m)
                    for (int c = 0; c < TOGETHER; ++c) product[m][column + c] = sum[m][c];
            }
        }
    }

    int64_t bytes(int64_t panels) const { return panels * padded_depth(depth) * WIDTH * int64_t(sizeof(Weight)); }

  private:
    static int64_t padded_depth(int64_t depth) { return PAIRS ? (depth + 1) / 2 * 2 : depth; }
};

}  // namespace elman
