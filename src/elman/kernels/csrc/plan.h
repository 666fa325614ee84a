// Which row of the batch takes which step when: rows are sorted by length, so that those still alive stand in front.
#pragma once

#include "abi.h"
#include "arena.h"

namespace elman {

// Real steps are numbered step by step, within a step by place: step s of the row at place p is packed row offset[s] +
// p.
struct Plan {
    int64_t rows = 0, steps = 0;     // of the batch; of its longest row
    int64_t total = 0;               // real steps of all rows: the number of packed rows
    int64_t* row = nullptr;          // place -> row of the batch, longest first
    int64_t* length = nullptr;       // place -> its real steps
    int64_t* live = nullptr;         // step -> rows alive, for 0 to steps (there it is 0)
    int64_t* offset = nullptr;       // step -> packed rows before it, for 0 to steps
    int64_t* place[2] = {};          // direction, packed row -> row of x and outputs
    const uint8_t* restart[2] = {};  // direction, packed row -> whether it restarts before this step; null: none does
};

// Every `stride`-th place from `first` on: some rows of the batch, as long as those of any other group.
struct Group {
    int64_t first, stride;

    int64_t count(int64_t rows) const { return rows > first ? (rows - first + stride - 1) / stride : 0; }
    int64_t at(int64_t i) const { return first + i * stride; }
};

inline int64_t length_of(const ElmanCall& call, int64_t row) {
    return call.lengths ? call.lengths[row] : call.time;
}

// Thrown where a length is none, where there are more real steps than the capacity, or where a packed batch is not
// sorted.
struct BadLengths {};

inline Plan make_plan(const ElmanCall& call, Arena& arena) {
    Plan plan;
    const int64_t rows = plan.rows = call.rows, time = call.time;
    // Counting sort, longest first, equals in their order; with `packed` it leaves rows where they are.
    int64_t* longer = arena.take<int64_t>(time + 1);  // length -> rows that are longer, which are the rows alive there
    for (int64_t t = 0; t <= time; ++t) longer[t] = 0;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t length = length_of(call, row);
        if (length < 0 || length > time) throw BadLengths();
        ++longer[length];
    }
    for (int64_t t = time, above = 0; t >= 0; --t) {
        const int64_t equal = longer[t];
        longer[t] = above;
        above += equal;
    }
    while (plan.steps < time && longer[plan.steps]) ++plan.steps;
    plan.live = arena.take<int64_t>(plan.steps + 1);
    plan.offset = arena.take<int64_t>(plan.steps + 1);
    for (int64_t s = 0; s <= plan.steps; ++s) {
        plan.live[s] = longer[s];
        plan.offset[s] = plan.total;
        plan.total += longer[s];
    }
    if (plan.total > call.capacity) throw BadLengths();
    plan.row = arena.take<int64_t>(rows);
    plan.length = arena.take<int64_t>(rows);
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t length = length_of(call, row), place = longer[length]++;
        if (call.packed && place != row) throw BadLengths();
        plan.row[place] = row;
        plan.length[place] = length;
    }
    for (int64_t direction = 0; direction < call.directions; ++direction) {
        int64_t* place = plan.place[direction] = arena.take<int64_t>(plan.total);
        uint8_t* restart = call.reset ? arena.take<uint8_t>(plan.total) : nullptr;
        plan.restart[direction] = restart;
        for (int64_t s = 0, packed = 0; s < plan.steps; ++s)
            for (int64_t p = 0; p < plan.live[s]; ++p, ++packed) {
                const int64_t t = direction ? plan.length[p] - 1 - s : s, row = plan.row[p];
                place[packed] = call.packed ? plan.offset[t] + row : row * time + t;
                // The backward direction crosses the border before step t + 1 from the other side.
                if (restart)
                    restart[packed] = direction ? s > 0 && call.reset[row * time + t + 1] : call.reset[row * time + t];
            }
    }
    return plan;
}

}  // namespace elman
