// A cell's weights in panels, as the forward pass reads them.
#pragma once

#include "cells.h"
#include "plan.h"

namespace elman {

// The weights of one direction, packed in panels: for each k, the COLUMNS vectors of a panel stand side by side.
struct ForwardWeights {
    float *ih, *hh;      // panels of (D, COLUMNS) and (H, COLUMNS) vectors
    float* bias;         // panels of COLUMNS vectors: everything that is added before the recurrent product
    float* bias_inside;  // H': the b_hn of GRU, which r multiplies
};

template <int64_t KIND>
ForwardWeights take_forward_weights(const ElmanCall& call, Arena& arena) {
    using S = Shape<KIND>;
    int64_t width = S::panels(call.hidden_size) * S::COLUMNS * LANES;
    return {arena.take<float>(width * call.input_size), arena.take<float>(width * call.hidden_size),
            arena.take<float>(width), arena.take<float>(S::panels(call.hidden_size) * LANES)};
}

// Rows of weights as the lanes of a panel, whole vectors of them; `row(lane)` gives them, null for a row of zeros.
template <class Row>
void pack_lanes(int64_t depth, int64_t lanes, Row row, float* panel) {
    for (int64_t k = 0; k < depth; k += LANES)
        for (int64_t lane = 0; lane < lanes; lane += LANES) {
            Vec square[LANES];
            for (int i = 0; i < LANES; ++i) {
                const float* from = row(lane + i);
                square[i] = from ? load(from + k, depth - k) : Vec{};
            }
            transpose(square);
            for (int64_t i = 0; i < LANES && k + i < depth; ++i) store(panel + (k + i) * lanes + lane, square[i]);
        }
}

template <int64_t KIND>
void pack_forward(const ElmanCall& call, int64_t direction, int64_t panel, const ForwardWeights& to) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, D = call.input_size, lanes = S::COLUMNS * LANES;
    auto row_of = [&](int64_t lane) {  // torch's row of a lane, -1 where there is none
        const int64_t gate = S::GATES == 1 ? 0 : lane / LANES, within = S::GATES == 1 ? lane : lane % LANES;
        const int64_t unit = panel * S::UNITS * LANES + within;
        return unit < H ? gate * H + unit : -1;
    };
    auto rows_of = [&](const float* weight, int64_t columns) {
        return [=](int64_t lane) { return row_of(lane) < 0 ? nullptr : weight + row_of(lane) * columns; };
    };
    pack_lanes(D, lanes, rows_of(call.weight_ih[direction], D), to.ih + panel * D * lanes);
    pack_lanes(H, lanes, rows_of(call.weight_hh[direction], H), to.hh + panel * H * lanes);
    const float *bias_ih = call.bias_ih[direction], *bias_hh = call.bias_hh[direction];
    for (int64_t lane = 0; lane < lanes; ++lane) {
        const int64_t row = row_of(lane);
        const float outer = row >= 0 && bias_ih ? bias_ih[row] : 0, inner = row >= 0 && bias_hh ? bias_hh[row] : 0;
        const bool inside = KIND == GRU && lane / LANES == 2;
        to.bias[panel * lanes + lane] = inside ? outer : outer + inner;
        if (inside) to.bias_inside[panel * LANES + lane % LANES] = inner;
    }
}

}  // namespace elman
