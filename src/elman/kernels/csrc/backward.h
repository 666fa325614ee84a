// The way back through time: one pass that leaves the gradient of every gate in memory, then the products that need no
// order: the gradients of the weights, each in one product over all steps, and of the inputs.
#pragma once

#include "forward.h"

namespace elman {

// A matrix (K, columns) as panels of (K, WIDE), padded with zeros; `row(k)` gives its rows, null for a row of zeros.
template <class Row>
void pack_panel(int64_t panel, int64_t depth, int64_t columns, Row row, float* to) {
    for (int64_t k = 0; k < depth; ++k) {
        const float* from = row(k);
        for (int v = 0; v < VECTORS; ++v) {
            int64_t at = panel * WIDE + v * LANES;
            store(to + k * WIDE + v * LANES, from ? load(from + at, columns - at) : Vec{});
        }
    }
}

// What is left of one direction on the way back. Gradients of gates: packed rows of S slots, see `Shape`.
struct BackwardData {
    float *hh, *ih;               // packed weights, S' H' deep
    float* gates;                 // gradients, (N, S, H')
    const float** hidden_before;  // packed row -> hidden state before the step, H numbers
    const float** cell_before;    // likewise
    const float** inputs;         // packed row -> x
    float** grad_inputs;
};

// Gradients of the gates of one step, for some rows and one panel of units, from those of the step after it.
template <int64_t KIND, bool AFTER>  // AFTER: these rows have a step after this one
struct BackTile {
    using S = Shape<KIND>;
    const ElmanCall& call;
    const Plan& plan;
    Group group;
    const BackwardData& data;
    int64_t way, s;       // s = -1: before the first step
    float *carry, *cell;  // gradients of hidden state (beside the product's) and cell state, rows of H'
    const float* panel;
    int64_t unit;  // the panel's first

    template <int M>
    ALWAYS_INLINE void run(int64_t first) {
        const int64_t H = call.hidden_size, slot = padded(H), row_size = S::SLOTS * slot;
        Vec sum[M][VECTORS];
        for (int m = 0; m < M; ++m)
            for (int v = 0; v < VECTORS; ++v) sum[m][v] = Vec{};
        const int64_t later = AFTER ? plan.offset[s + 1] + group.at(first) : 0;
        if constexpr (AFTER)
            multiply<M, VECTORS>(data.gates + later * row_size, group.stride * row_size, panel, S::GATES * slot, sum);
        for (int m = 0; m < M; ++m) {
            bool restarted = AFTER && plan.restart[way] && plan.restart[way][later + m * group.stride];
            for (int v = 0; v < VECTORS; ++v) {
                int64_t u = unit + v * LANES;
                if (u < slot) finish(group.at(first + m), u, sum[m][v], restarted);
            }
        }
    }

    // `hidden`: gradient of the hidden state after step s that came through the step after it.
    ALWAYS_INLINE void finish(int64_t place, int64_t u, Vec hidden, bool restarted) {
        const int64_t H = call.hidden_size, slot = padded(H), row_size = S::SLOTS * slot;
        float *carried = carry + place * slot + u, *cell_carried = cell + place * slot + u;
        hidden += load(carried);
        Vec dc = KIND == LSTM ? load(cell_carried) : Vec{};
        const int64_t state = (plan.row[place] * call.ways + way) * H + u;
        if (restarted) {  // the step after this one began from the start state
            store(call.grad_start_hidden + state, load(call.grad_start_hidden + state, H - u) + hidden, H - u);
            if (KIND == LSTM)
                store(call.grad_start_cell + state, load(call.grad_start_cell + state, H - u) + dc, H - u);
            hidden = dc = Vec{};
        }
        if (s < 0) {
            store(call.grad_hidden + state, hidden, H - u);
            if (KIND == LSTM) store(call.grad_cell + state, dc, H - u);
            return;
        }
        const int64_t j = plan.offset[s] + place;
        const int64_t output = plan.place[way][j] * call.ways * H + way * H + u;
        const Vec one = splat(1.f), dh = hidden + load(call.grad_outputs + output, H - u);
        float* gate = data.gates + j * row_size + u;
        if constexpr (S::GATES == 1) {
            store(gate, dh * squash_slope(call.squash, load(call.outputs + output, H - u)));
            store(carried, Vec{});
        } else {
            const float* kept = call.gates + (way * call.room + j) * row_size + u;
            if constexpr (KIND == LSTM) {
                Vec i_ = load(kept), f = load(kept + slot), g = load(kept + 2 * slot), o = load(kept + 3 * slot);
                Vec squashed = tanh(load(call.cells + (way * call.room + j) * slot + u));
                dc = dc + dh * o * (one - squashed * squashed);
                store(gate, dc * g * i_ * (one - i_));
                store(gate + slot, dc * load(data.cell_before[j] + u, H - u) * f * (one - f));
                store(gate + 2 * slot, dc * i_ * (one - g * g));
                store(gate + 3 * slot, dh * squashed * o * (one - o));
                store(cell_carried, dc * f);
                store(carried, Vec{});
            } else {
                Vec r = load(kept), z = load(kept + slot), n = load(kept + 2 * slot), inside = load(kept + 3 * slot);
                Vec dn = dh * (one - z) * (one - n * n);
                store(gate, dn * r);
                store(gate + slot, dn * inside * r * (one - r));
                store(gate + 2 * slot, dh * (load(data.hidden_before[j] + u, H - u) - n) * z * (one - z));
                store(gate + 3 * slot, dn);
                store(carried, dh * z);
            }
        }
    }
};

template <int64_t KIND>
struct BackwardTask {
    using S = Shape<KIND>;
    const ElmanCall& call;
    const Plan& plan;
    Group group;
    const BackwardData& data;
    int64_t way;
    float *carry, *cell;  // of all places
    Barrier barrier;
    int64_t helper, helpers;  // this one of those that share the group, and its panels
    Span panels;

    void run() {
        const int64_t H = call.hidden_size, slot = padded(H), rows = group.count(plan.rows);
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t u = panels.begin * WIDE; u < panels.end * WIDE && u < slot; u += LANES) {
                const int64_t place = group.at(i), state = (plan.row[place] * call.ways + way) * H + u;
                store(carry + place * slot + u, final_gradient(call.grad_final_hidden, state, H - u));
                if (KIND == LSTM) store(cell + place * slot + u, final_gradient(call.grad_final_cell, state, H - u));
                store(call.grad_start_hidden + state, Vec{}, H - u);
                if (KIND == LSTM) store(call.grad_start_cell + state, Vec{}, H - u);
            }
        for (int64_t s = plan.steps - 1; s >= -1; --s) {
            const int64_t going_on = group.count(plan.live[s + 1]), all = s < 0 ? rows : group.count(plan.live[s]);
            for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
                const float* weights = data.hh + panel * S::GATES * slot * WIDE;
                BackTile<KIND, true> going{call, plan, group, data, way, s, carry, cell, weights, panel * WIDE};
                for_rows<ROWS>(0, going_on, going);
                BackTile<KIND, false> ending{call, plan, group, data, way, s, carry, cell, weights, panel * WIDE};
                for_rows<1>(going_on, all, ending);
            }
            barrier.wait(helper, helpers);
        }
    }

    static Vec final_gradient(const float* from, int64_t at, int64_t count) {
        return from ? load(from + at, count) : Vec{};
    }
};

// How the product of a weight gradient is cut: gate rows and packed rows that are packed together, to stay in the
// cache.
constexpr int64_t BLOCK_ROWS = 96, BLOCK_BYTES = 128 * 1024;

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
void weight_gradient(const ElmanCall& call, const Plan& plan, const BackwardData& data, int64_t way, bool recurrent,
                     Span rows, float* scratch) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, slot = padded(H), row_size = S::SLOTS * slot;
    const int64_t columns = recurrent ? H : call.input_size, steps = plan.total, panels = panels_of(columns);
    const float* const* inputs = recurrent ? data.hidden_before : data.inputs;
    float* weight = recurrent ? call.grad_weight_hh[way] : call.grad_weight_ih[way];
    float* bias = recurrent ? call.grad_bias_hh[way] : call.grad_bias_ih[way];
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

// Where the steps [steps.begin, steps.end) of every row began from, and what they read.
template <int64_t KIND>
void find_before(const ElmanCall& call, const Plan& plan, int64_t way, Span steps, const BackwardData& data) {
    const int64_t H = call.hidden_size, slot = padded(H), width = call.ways * H;
    const float* kept_cells = call.cells + (KIND == LSTM ? way * call.room * slot : 0);
    for (int64_t s = steps.begin; s < steps.end; ++s)
        for (int64_t p = 0; p < plan.live[s]; ++p) {
            const int64_t j = plan.offset[s] + p, state = (plan.row[p] * call.ways + way) * H;
            const int64_t earlier = s ? plan.offset[s - 1] + p : 0;
            const bool restarts = plan.restart[way] && plan.restart[way][j];
            data.hidden_before[j] = restarts ? call.start_hidden + state
                                    : s      ? call.outputs + plan.place[way][earlier] * width + way * H
                                             : call.hidden + state;
            if (KIND == LSTM)
                data.cell_before[j] = restarts ? call.start_cell + state
                                      : s      ? kept_cells + earlier * slot
                                               : call.cell + state;
            data.inputs[j] = call.x + plan.place[way][j] * call.input_size;
            if (call.grad_x) data.grad_inputs[j] = call.grad_x + plan.place[way][j] * call.input_size;
        }
}

template <int64_t KIND>
void backward_as(const ElmanCall& call, Arena& arena) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, D = call.input_size, slot = padded(H), row_size = S::SLOTS * slot;
    const int64_t groups = groups_of<KIND>(call), tasks = call.ways * groups;
    const int64_t panels = panels_of(H), input_panels = panels_of(D);
    const int64_t depth = S::GATES * slot;  // of both products
    const Plan plan = make_plan(call, arena);
    BackwardData data[2];
    for (int64_t way = 0; way < call.ways; ++way)
        data[way] = {arena.take<float>(panels * depth * WIDE),
                     call.grad_x ? arena.take<float>(input_panels * depth * WIDE) : nullptr,
                     arena.take<float>(plan.total * row_size),
                     arena.take<const float*>(plan.total),
                     arena.take<const float*>(KIND == LSTM ? plan.total : 0),
                     arena.take<const float*>(plan.total),
                     arena.take<float*>(call.grad_x ? plan.total : 0)};
    const int64_t state_size = call.rows * slot;
    float* states = arena.take<float>(call.ways * 2 * state_size);
    const int64_t scratch_size = weight_scratch(H) > weight_scratch(D) ? weight_scratch(H) : weight_scratch(D);
    float* scratch = arena.take<float>(call.threads * scratch_size);
    Barrier all(take_flags(arena, call.threads));
    Barrier::Flag* flags = take_flags(arena, tasks * call.threads);

    in_team(threads_of<KIND>(call, plan), [&](int64_t member, int64_t size) {
        for (int64_t job = member; job < call.ways * (panels + input_panels); job += size) {
            const int64_t way = job % call.ways, panel = job / call.ways;
            auto row_of = [&](const float* weight, bool recurrent, int64_t columns) {
                return [=](int64_t k) {
                    const int64_t unit = k % slot;
                    return unit < H ? weight + (S::gate(recurrent, k / slot) * H + unit) * columns : nullptr;
                };
            };
            if (panel < panels)
                pack_panel(panel, depth, H, row_of(call.weight_hh[way], true, H), data[way].hh + panel * depth * WIDE);
            else if (call.grad_x)
                pack_panel(panel - panels, depth, D, row_of(call.weight_ih[way], false, D),
                           data[way].ih + (panel - panels) * depth * WIDE);
        }
        for (int64_t way = 0; way < call.ways; ++way)
            find_before<KIND>(call, plan, way, share(plan.steps, member, size), data[way]);
        if (call.grad_x && !call.packed) clear_padding(call, call.grad_x, D, share(call.rows, member, size));
        all.wait(member, size);
        const Shares shares{member, size, tasks, panels, most_helpers<KIND>(call)};
        for (int64_t task = shares.first_task(); !shares.idle() && task < tasks; task = shares.next_task(task)) {
            const int64_t way = task % call.ways;
            float* state = states + way * 2 * state_size;
            BackwardTask<KIND>{call,
                               plan,
                               {task / call.ways, groups},
                               data[way],
                               way,
                               state,
                               state + state_size,
                               Barrier(flags + task * call.threads),
                               shares.helper(),
                               shares.helpers(),
                               shares.own_panels()}
                .run();
        }
        all.wait(member, size);
        for (int64_t way = 0; way < call.ways; ++way) {
            Span rows = share(S::GATES * H, member, size, ROWS);
            weight_gradient<KIND>(call, plan, data[way], way, false, rows, scratch + member * scratch_size);
            weight_gradient<KIND>(call, plan, data[way], way, true, rows, scratch + member * scratch_size);
        }
        for (int64_t way = 0; call.grad_x && way < call.ways; ++way) {
            if (way) all.wait(member, size);  // both directions add to the same rows
            Span rows = share(plan.total, member, size, ROWS);
            constexpr int64_t BLOCK = 8 * ROWS;
            for (int64_t begin = rows.begin; begin < rows.end; begin += BLOCK)
                for (int64_t panel = 0; panel < input_panels; ++panel) {
                    ProductTile tile{data[way].gates + S::IH_SLOT * slot,
                                     row_size,
                                     data[way].ih + panel * depth * WIDE,
                                     depth,
                                     data[way].grad_inputs,
                                     panel * WIDE,
                                     D,
                                     way > 0};
                    for_rows<ROWS>(begin, begin + BLOCK < rows.end ? begin + BLOCK : rows.end, tile);
                }
        }
    });
}

}  // namespace elman
