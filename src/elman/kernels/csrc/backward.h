// The backward pass through time: one walk that leaves the gradient of every gate in memory, then the products that
// need no order, of the weights (gradients.h) and of the inputs.
#pragma once

#include "forward.h"
#include "gradients.h"

namespace elman {

// Gradients of the gates of one step, for some rows and one panel of units, from those of the step after it.
template <int64_t KIND, bool AFTER>  // AFTER: these rows have a step after this one
struct BackTile {
    using S = Shape<KIND>;
    const ElmanCall& call;
    const Plan& plan;
    Group group;
    const BackwardData& data;
    int64_t direction, s;  // s = -1: before the first step
    float *carry, *cell;   // gradients of hidden state (beside the product's) and cell state, rows of H'
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
            bool restarted = AFTER && plan.restart[direction] && plan.restart[direction][later + m * group.stride];
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
        const int64_t state = (plan.row[place] * call.directions + direction) * H + u;
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
        const int64_t output = plan.place[direction][j] * call.directions * H + direction * H + u;
        const Vec one = splat(1.f), dh = hidden + load(call.grad_outputs + output, H - u);
        float* gate = data.gates + j * row_size + u;
        if constexpr (S::GATES == 1) {
            store(gate, dh * activation_slope(call.activation, load(call.outputs + output, H - u)));
            store(carried, Vec{});
        } else {
            const float* kept = call.gates + (direction * call.capacity + j) * row_size + u * S::SLOTS;
            if constexpr (KIND == LSTM) {
                Vec i_ = load(kept), f = load(kept + LANES), g = load(kept + 2 * LANES), o = load(kept + 3 * LANES);
                Vec activated = tanh(load(call.cells + (direction * call.capacity + j) * slot + u));
                dc = dc + dh * o * (one - activated * activated);
                store(gate, dc * g * i_ * (one - i_));
                store(gate + slot, dc * load(data.cell_before[j] + u, H - u) * f * (one - f));
                store(gate + 2 * slot, dc * i_ * (one - g * g));
                store(gate + 3 * slot, dh * activated * o * (one - o));
                store(cell_carried, dc * f);
                store(carried, Vec{});
            } else {
                Vec r = load(kept), z = load(kept + LANES), n = load(kept + 2 * LANES), inside = load(kept + 3 * LANES);
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
    int64_t direction;
    float *carry, *cell;  // of all places
    Barrier barrier;
    int64_t helper, helpers;  // this one of those that share the group, and its panels
    Span panels;

    void run() {
        const int64_t H = call.hidden_size, slot = padded(H), rows = group.count(plan.rows);
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t u = panels.begin * WIDE; u < panels.end * WIDE && u < slot; u += LANES) {
                const int64_t place = group.at(i), state = (plan.row[place] * call.directions + direction) * H + u;
                store(carry + place * slot + u, final_gradient(call.grad_final_hidden, state, H - u));
                if (KIND == LSTM) store(cell + place * slot + u, final_gradient(call.grad_final_cell, state, H - u));
                store(call.grad_start_hidden + state, Vec{}, H - u);
                if (KIND == LSTM) store(call.grad_start_cell + state, Vec{}, H - u);
            }
        for (int64_t s = plan.steps - 1; s >= -1; --s) {
            const int64_t going_on = group.count(plan.live[s + 1]), all = s < 0 ? rows : group.count(plan.live[s]);
            for (int64_t at = panels.begin; at < panels.end; ++at) {
                const int64_t panel = panels.in_turn(at, s + 1);
                const float* weights = data.hh + panel * S::GATES * slot * WIDE;
                BackTile<KIND, true> going{call, plan, group, data, direction, s, carry, cell, weights, panel * WIDE};
                for_rows<ROWS>(0, going_on, going);
                BackTile<KIND, false> ending{call, plan, group, data, direction, s, carry, cell, weights, panel * WIDE};
                for_rows<1>(going_on, all, ending);
            }
            barrier.wait(helper, helpers);
        }
    }

    static Vec final_gradient(const float* from, int64_t at, int64_t count) {
        return from ? load(from + at, count) : Vec{};
    }
};

template <int64_t KIND>
void backward_as(const ElmanCall& call, Arena& arena) {
    using S = Shape<KIND>;
    const int64_t H = call.hidden_size, D = call.input_size, slot = padded(H), row_size = S::SLOTS * slot;
    const int64_t groups = groups_of<KIND>(call), tasks = call.directions * groups;
    const int64_t panels = panels_of(H), input_panels = panels_of(D);
    const int64_t depth = S::GATES * slot;  // of both products
    const Plan plan = make_plan(call, arena);
    BackwardData data[2];
    for (int64_t direction = 0; direction < call.directions; ++direction)
        data[direction] = {arena.take<float>(panels * depth * WIDE),
                           call.grad_x ? arena.take<float>(input_panels * depth * WIDE) : nullptr,
                           arena.take<float>(plan.total * row_size),
                           arena.take<const float*>(plan.total),
                           arena.take<const float*>(KIND == LSTM ? plan.total : 0),
                           arena.take<const float*>(plan.total),
                           arena.take<float*>(call.grad_x ? plan.total : 0)};
    const int64_t state_size = call.rows * slot;
    float* states = arena.take<float>(call.directions * 2 * state_size);
    const int64_t scratch_size = weight_scratch(H) > weight_scratch(D) ? weight_scratch(H) : weight_scratch(D);
    float* scratch = arena.take<float>(call.threads * scratch_size);
    Barrier all(take_flags(arena, call.threads));
    Barrier::Flag* flags = take_flags(arena, tasks * call.threads);

    in_team(threads_of<KIND>(call, plan), [&](int64_t member, int64_t size) {
        for (int64_t job = member; job < call.directions * (panels + input_panels); job += size) {
            const int64_t direction = job % call.directions, panel = job / call.directions;
            auto row_of = [&](const float* weight, bool recurrent, int64_t columns) {
                return [=](int64_t k) {
                    const int64_t unit = k % slot;
                    return unit < H ? weight + (S::gate(recurrent, k / slot) * H + unit) * columns : nullptr;
                };
            };
            if (panel < panels)
                pack_panel(panel, depth, H, row_of(call.weight_hh[direction], true, H),
                           data[direction].hh + panel * depth * WIDE);
            else if (call.grad_x)
                pack_panel(panel - panels, depth, D, row_of(call.weight_ih[direction], false, D),
                           data[direction].ih + (panel - panels) * depth * WIDE);
        }
        for (int64_t direction = 0; direction < call.directions; ++direction)
            find_before<KIND>(call, plan, direction, share(plan.steps, member, size), data[direction]);
        if (call.grad_x && !call.packed) clear_padding(call, call.grad_x, D, share(call.rows, member, size));
        all.wait(member, size);
        const Shares shares{member, size, tasks, panels, most_helpers<KIND>(call)};
        for (int64_t task = shares.first_task(); !shares.idle() && task < tasks; task = shares.next_task(task)) {
            const int64_t direction = task % call.directions;
            float* state = states + direction * 2 * state_size;
            BackwardTask<KIND>{call,
                               plan,
                               {task / call.directions, groups},
                               data[direction],
                               direction,
                               state,
                               state + state_size,
                               Barrier(flags + task * call.threads),
                               shares.helper(),
                               shares.helpers(),
                               shares.own_panels()}
                .run();
        }
        all.wait(member, size);
        for (int64_t direction = 0; direction < call.directions; ++direction) {
            Span rows = share(S::GATES * H, member, size, ROWS);
            weight_gradient<KIND>(call, plan, data[direction], direction, false, rows, scratch + member * scratch_size);
            weight_gradient<KIND>(call, plan, data[direction], direction, true, rows, scratch + member * scratch_size);
        }
        for (int64_t direction = 0; call.grad_x && direction < call.directions; ++direction) {
            if (direction) all.wait(member, size);  // both directions add to the same rows
            Span rows = share(plan.total, member, size, ROWS);
            constexpr int64_t BLOCK = 8 * ROWS;
            for (int64_t begin = rows.begin; begin < rows.end; begin += BLOCK)
                for (int64_t panel = 0; panel < input_panels; ++panel) {
                    ProductTile tile{data[direction].gates + S::IH_SLOT * slot,
                                     row_size,
                                     data[direction].ih + panel * depth * WIDE,
                                     depth,
                                     data[direction].grad_inputs,
                                     panel * WIDE,
                                     D,
                                     direction > 0};
                    for_rows<ROWS>(begin, begin + BLOCK < rows.end ? begin + BLOCK : rows.end, tile);
                }
        }
    });
}

}  // namespace elman
