// A layer over whole sequences: the input product in chunks that stay in the cache, then step by step the recurrent
// product with the gates at its end. Only real steps are computed.
#pragma once

#include "pack.h"
#include "threads.h"

namespace elman {

// Zeros after the end of rows [rows.begin, rows.end) of a padded (rows, time, width).
inline void clear_padding(const ElmanCall& call, float* to, int64_t width, Span rows) {
    if (!call.lengths || !call.time) return;  // without steps there may be no memory to point to
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const int64_t from = row * call.time + call.lengths[row];
        memset(to + from * width, 0, ((row + 1) * call.time - from) * width * sizeof(float));
    }
}

// The input product of some packed rows for one panel.
template <int64_t KIND>
struct InputTile {
    using S = Shape<KIND>;
    const float* x;
    int64_t depth, row_size;  // of x, of gates
    const float *panel, *bias;
    float* gates;           // of the panel's first unit
    const int64_t* target;  // where each row goes
    int64_t left;           // vectors until H', of a cell without gates

    template <int M>
    ALWAYS_INLINE void run(int64_t first) {
        Vec sum[M][S::COLUMNS];
        for (int c = 0; c < S::COLUMNS; ++c)
            for (int m = 0; m < M; ++m) sum[m][c] = load(bias + c * LANES);
        multiply<M, S::COLUMNS>(x + first * depth, depth, panel, depth, sum);
        for (int m = 0; m < M; ++m)
            for (int c = 0; c < S::COLUMNS; ++c)
                if (S::GATES > 1 || c < left) store(gates + target[first + m] * row_size + c * LANES, sum[m][c]);
    }
};

// One step of some rows for one panel: recurrent product, gates, new state.
template <int64_t KIND, bool KEEP>
struct StepTile {
    using S = Shape<KIND>;
    const float* before;  // hidden states: rows of H', `stride` rows apart, as all rows here
    float *after, *cell;  // likewise; the cell state is replaced
    float *gates, *kept_cells;
    const int64_t* place;
    int64_t stride, gates_stride;         // of states, places and kept cells; of gates
    int64_t slot, row_size, hidden_size;  // H', S * H', H
    const float *panel, *bias_inside;
    int64_t unit;  // the panel's first
    float* outputs;
    int64_t output_size, kind;  // of an RNN's activation

    template <int M>
    ALWAYS_INLINE void run(int64_t first) {
        Vec sum[M][S::COLUMNS];
        for (int m = 0; m < M; ++m)
            for (int c = 0; c < S::COLUMNS; ++c) {
                const float* gate = gates + (first + m) * gates_stride * row_size + unit * S::SLOTS + c * LANES;
                bool inside = KIND == GRU && c == 2;
                sum[m][c] = inside ? load(bias_inside) : S::GATES > 1 || unit + c * LANES < slot ? load(gate) : Vec{};
            }
        multiply<M, S::COLUMNS>(before + first * stride * slot, stride * slot, panel, hidden_size, sum);
        for (int m = 0; m < M; ++m) {
            const int64_t row = (first + m) * stride, at = row * slot + unit;
            float* gate = gates + (first + m) * gates_stride * row_size + unit * S::SLOTS;
            float* output = outputs + place[row] * output_size + unit;
            if constexpr (S::GATES == 1) {
                for (int c = 0; c < S::COLUMNS; ++c)
                    if (unit + c * LANES < slot)
                        finish(at + c * LANES, output + c * LANES, c, activate(kind, sum[m][c]));
            } else if constexpr (KIND == LSTM) {
                Vec c = load(cell + at);
                const Vec h = lstm_step_in<M>(sum[m], c);
                store(cell + at, c);
                if constexpr (KEEP) {
                    for (int g = 0; g < 4; ++g) store(gate + g * LANES, sum[m][g]);
                    store(kept_cells + at, c);
                }
                finish(at, output, 0, h);
            } else {
                Vec gates_of[] = {sum[m][0], sum[m][1], load(gate + 2 * LANES)};
                const Vec h = gru_step_in<M>(gates_of, sum[m][2], load(before + at));
                if constexpr (KEEP) {
                    for (int g = 0; g < 3; ++g) store(gate + g * LANES, gates_of[g]);
                    store(gate + 3 * LANES, sum[m][2]);
                }
                finish(at, output, 0, h);
            }
        }
    }

    ALWAYS_INLINE void finish(int64_t at, float* output, int column, Vec hidden) {
        store(after + at, hidden);
        store(output, hidden, hidden_size - unit - column * LANES);
    }
};

constexpr int64_t CHUNK_BYTES =
    192 * 1024;  // of gates: with the weights they are met by, what a second-level cache holds
constexpr int64_t LARGE_BYTES = 384 * 1024;  // of recurrent weights: more than a second-level cache holds beside them
constexpr int64_t LEAST_ROWS = 6;            // of a group
constexpr int64_t STEP_WORK = 8 * 1024, CALL_WORK = 200 * 1000;  // products, see below

// What one thread does of one group in one direction: all of it, or the panels of its share.
template <int64_t KIND, bool KEEP>
struct ForwardTask {
    using S = Shape<KIND>;
    const ElmanCall& call;
    const Plan& plan;
    Group group;
    const ForwardWeights& weights;
    int64_t direction;
    float *hidden[2], *cell;  // states of all places, H' wide
    float* gates;             // of a chunk of this group, or of all packed rows of this direction where they are kept
    int64_t chunk_rows;
    float* inputs;    // x of a chunk, this thread's own
    int64_t* target;  // where the gates of each row of a chunk go, likewise
    Barrier barrier;
    int64_t helper, helpers;  // this one of those that share the group, and its panels
    Span panels;

    int64_t H() const { return call.hidden_size; }
    int64_t slot() const { return padded(H()); }
    int64_t live(int64_t step) const { return group.count(plan.live[step]); }

    void run() {
        for (int64_t i = 0; i < group.count(plan.rows); ++i) begin_row(group.at(i), hidden[0], call.hidden, call.cell);
        end_rows(0, live(0), group.count(plan.rows));
        restart_rows(0);
        barrier.wait(helper, helpers);
        for (int64_t begin = 0, end; begin < plan.steps; begin = end) {
            int64_t rows = live(begin);
            for (end = begin + 1; end < plan.steps && rows + live(end) <= chunk_rows; ++end) rows += live(end);
            project(begin, end);
            for (int64_t s = begin, done = 0; s < end; done += live(s++)) step(s, done);
        }
    }

    void project(int64_t begin, int64_t end) {
        const int64_t D = call.input_size;
        int64_t rows = 0;
        for (int64_t s = begin; s < end; ++s)
            for (int64_t i = 0; i < live(s); ++i, ++rows) {
                const int64_t packed = plan.offset[s] + group.at(i);
                memcpy(inputs + rows * D, call.x + plan.place[direction][packed] * D, D * sizeof(float));
                target[rows] = KEEP ? packed : rows;
            }
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
            const int64_t unit = panel * S::UNITS * LANES;
            InputTile<KIND> tile{inputs,
                                 D,
                                 S::SLOTS * slot(),
                                 weights.ih + panel * D * S::COLUMNS * LANES,
                                 weights.bias + panel * S::COLUMNS * LANES,
                                 gates + unit * S::SLOTS,
                                 target,
                                 (slot() - unit) / LANES};
            for_rows<S::ROWS>(0, rows, tile);
        }
    }

    // Step s of the rows alive; the gates of its first row stand `done` rows after those of the chunk.
    void step(int64_t s, int64_t done) {
        const int64_t packed = plan.offset[s] + group.first, from = group.first * slot();
        for (int64_t at = panels.begin; at < panels.end; ++at) {
            const int64_t panel = panels.in_turn(at, s);
            StepTile<KIND, KEEP> tile{
                hidden[s % 2] + from,
                hidden[(s + 1) % 2] + from,
                cell + from,
                gates + (KEEP ? packed : done) * S::SLOTS * slot(),
                KEEP && KIND == LSTM ? call.cells + (direction * call.capacity + packed) * slot() : nullptr,
                plan.place[direction] + packed,
                group.stride,
                KEEP ? group.stride : 1,
                slot(),
                S::SLOTS * slot(),
                H(),
                weights.hh + panel * H() * S::COLUMNS * LANES,
                weights.bias_inside + panel * LANES,
                panel * S::UNITS * LANES,
                call.outputs + direction * H(),
                call.directions * H(),
                call.activation};
            for_rows<S::ROWS>(0, live(s), tile);
        }
        end_rows(s + 1, s + 1 < plan.steps ? live(s + 1) : 0, live(s));
        if (s + 1 < plan.steps) restart_rows(s + 1);
        barrier.wait(helper, helpers);
    }

    int64_t state_at(int64_t place) const { return (plan.row[place] * call.directions + direction) * H(); }

    template <class Work>
    void for_units(Work work) const {  // the first unit of every vector that is this thread's
        for (int64_t unit = panels.begin * S::UNITS * LANES; unit < panels.end * S::UNITS * LANES; unit += LANES)
            if (unit < slot()) work(unit);
    }

    void begin_row(int64_t place, float* into, const float* from_hidden, const float* from_cell) {
        const int64_t state = state_at(place);
        for_units([&](int64_t unit) {
            store(into + place * slot() + unit, load(from_hidden + state + unit, H() - unit));
            if (KIND == LSTM) store(cell + place * slot() + unit, load(from_cell + state + unit, H() - unit));
        });
    }

    // The group's rows [begin, end) have taken their last step, `step` of them in all.
    void end_rows(int64_t step, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t at = group.at(i) * slot(), state = state_at(group.at(i));
            for_units([&](int64_t unit) {
                store(call.final_hidden + state + unit, load(hidden[step % 2] + at + unit), H() - unit);
                if (KIND == LSTM) store(call.final_cell + state + unit, load(cell + at + unit), H() - unit);
            });
        }
    }

    void restart_rows(int64_t step) {
        if (!plan.restart[direction] || step >= plan.steps) return;
        for (int64_t i = 0; i < live(step); ++i)
            if (plan.restart[direction][plan.offset[step] + group.at(i)])
                begin_row(group.at(i), hidden[step % 2], call.start_hidden, call.start_cell);
    }
};

// Into how many groups the batch is dealt: enough to keep the threads busy, each with rows enough for whole tiles.
// Large weights leave the cache at each step, so there the threads share the rows and divide the weights.
template <int64_t KIND>
int64_t groups_of(const ElmanCall& call) {
    const int64_t threads = call.threads / call.directions,
                  bytes = Shape<KIND>::GATES * call.hidden_size * call.hidden_size * 4;
    const int64_t fitting = call.rows / LEAST_ROWS, wanted = bytes > LARGE_BYTES ? 1
                                                             : threads < fitting ? threads
                                                                                 : fitting;
    return wanted < 1 ? 1 : wanted;
}

// How many threads may share a step: a wait for each other costs as much as STEP_WORK products.
template <int64_t KIND>
int64_t most_helpers(const ElmanCall& call) {
    const int64_t most = call.rows * Shape<KIND>::GATES * call.hidden_size * call.hidden_size / STEP_WORK;
    return most < 1 ? 1 : most;
}

// How many threads a call is worth: waking them costs as much as CALL_WORK products.
template <int64_t KIND>
int64_t threads_of(const ElmanCall& call, const Plan& plan) {
    const int64_t size = Shape<KIND>::GATES * call.hidden_size * (call.hidden_size + call.input_size);
    return plan.total * call.directions * size < CALL_WORK ? 1 : call.threads;
}

template <int64_t KIND, bool KEEP>
void forward_as(const ElmanCall& call, Arena& arena) {
    using S = Shape<KIND>;
    const int64_t slot = padded(call.hidden_size), groups = groups_of<KIND>(call), tasks = call.directions * groups;
    const int64_t panels = S::panels(call.hidden_size), group_rows = call.rows / groups + 1;
    const Plan plan = make_plan(call, arena);
    ForwardWeights weights[2];
    for (int64_t direction = 0; direction < call.directions; ++direction)
        weights[direction] = take_forward_weights<KIND>(call, arena);
    int64_t chunk_rows = CHUNK_BYTES / (S::SLOTS * slot * int64_t(sizeof(float)));
    if (chunk_rows < group_rows) chunk_rows = group_rows;
    const int64_t state_size = call.rows * slot, gates_size = KEEP ? 0 : chunk_rows * S::SLOTS * slot;
    float* states = arena.take<float>(call.directions * 3 * state_size);
    float* gates = arena.take<float>(tasks * gates_size);
    float* inputs = arena.take<float>(call.threads * chunk_rows * call.input_size);
    int64_t* targets = arena.take<int64_t>(call.threads * chunk_rows);
    Barrier all(take_flags(arena, call.threads));
    Barrier::Flag* flags = take_flags(arena, tasks * call.threads);

    in_team(threads_of<KIND>(call, plan), [&](int64_t member, int64_t size) {
        for (int64_t job = member; job < call.directions * panels; job += size)
            pack_forward<KIND>(call, job / panels, job % panels, weights[job / panels]);
        if (!call.packed)
            clear_padding(call, call.outputs, call.directions * call.hidden_size, share(call.rows, member, size));
        all.wait(member, size);
        const Shares shares{member, size, tasks, panels, most_helpers<KIND>(call)};
        if (shares.idle()) return;
        for (int64_t task = shares.first_task(); task < tasks; task = shares.next_task(task)) {
            const int64_t direction = task % call.directions;
            float* state = states + direction * 3 * state_size;
            ForwardTask<KIND, KEEP>{
                call,
                plan,
                {task / call.directions, groups},
                weights[direction],
                direction,
                {state, state + state_size},
                state + 2 * state_size,
                KEEP ? call.gates + direction * call.capacity * S::SLOTS * slot : gates + task * gates_size,
                chunk_rows,
                inputs + member * chunk_rows * call.input_size,
                targets + member * chunk_rows,
                Barrier(flags + task * call.threads),
                shares.helper(),
                shares.helpers(),
                shares.own_panels()}
                .run();
        }
    });
}

}  // namespace elman
