// A linear map whose weights are packed once, and, if asked, the logarithm of a softmax over what it gives.
#pragma once

#include <cmath>

#include "arena.h"
#include "gemm.h"
#include "pack.h"
#include "threads.h"

namespace elman {

class Projection {
    static constexpr int64_t BLOCK = 16;  // panels a member takes at a time, where there are enough for two

    int64_t depth, columns, panels;
    Buffer<float> packed;  // panels of (depth, WIDE), and the bias (panels, WIDE)

  public:
    Projection(int64_t depth, int64_t columns, int64_t threads, const float* weight, const float* bias)
        : depth(depth), columns(columns), panels(panels_of(columns)), packed(panels * WIDE * (depth + 1)) {
        in_team(useful(threads, depth), [&](int64_t member, int64_t size) {
            const Span mine = own_panels(member, size);
            for (int64_t panel = mine.begin; panel < mine.end; ++panel) {
                auto row = [&](int64_t lane) {
                    const int64_t at = panel * WIDE + lane;
                    return at < columns ? weight + at * depth : nullptr;
                };
                pack_lanes(depth, WIDE, row, packed.get() + panel * depth * WIDE);
            }
        });
        memcpy(packed.get() + panels * depth * WIDE, bias, columns * sizeof(float));
    }

    // x (rows, depth) -> logits or log-probabilities (rows, columns). A row is the same whoever stands beside it.
    void run(int64_t rows, int64_t threads, bool as_logs, const float* x, float* scores) const {
        in_team(useful(threads, rows), [&](int64_t member, int64_t size) {
            const Span mine = own_panels(member, size);
            for (int64_t panel = mine.begin; panel < mine.end; ++panel) {
                ScoresTile tile{x,
                                depth,
                                packed.get() + panel * depth * WIDE,
                                packed.get() + (panels * depth + panel) * WIDE,
                                scores,
                                columns,
                                panel * WIDE};
                for_rows<ROWS>(0, rows, tile);
            }
        });
        if (!as_logs) return;
        in_team(threads < rows ? threads : rows, [&](int64_t member, int64_t size) {
            const Span mine = share(rows, member, size);
            for (int64_t row = mine.begin; row < mine.end; ++row) normalise(scores + row * columns);
        });
    }

  private:
    // How many of the threads have enough to do where a panel is `parts` rows of work.
    int64_t useful(int64_t threads, int64_t parts) const {
        const int64_t most = parts * panels / BLOCK + 1;
        return threads < most ? threads : most;
    }

    Span own_panels(int64_t member, int64_t size) const {
        return share(panels, member, size, panels < 2 * BLOCK ? 1 : BLOCK);
    }

    struct ScoresTile {
        const float* x;
        int64_t depth;
        const float *panel, *bias;
        float* scores;
        int64_t columns, column;

        template <int M>
        ALWAYS_INLINE void run(int64_t first) {
            Vec sum[M][VECTORS];
            for (int m = 0; m < M; ++m)
                for (int v = 0; v < VECTORS; ++v) sum[m][v] = load(bias + v * LANES);
            // In one part, for the order of the sums must not depend on how many rows there are.
            multiply_parts<1>(x + first * depth, depth, panel, WIDE, depth, sum);
            for (int m = 0; m < M; ++m)
                for (int v = 0; v < VECTORS; ++v) {
                    const int64_t at = column + v * LANES;
                    store(scores + (first + m) * columns + at, sum[m][v], columns - at);
                }
        }
    };

    // Lowers all by the logarithm of the sum of their exp. Where one is no number, or plus infinity, none is one after.
    void normalise(float* row) const {
        const int64_t whole = columns / LANES * LANES;
        Vec most = splat(row[0]);
        for (int64_t at = 0; at < whole; at += LANES) most = load(row + at) > most ? load(row + at) : most;
        float top = row[0];
        for (int lane = 0; lane < LANES; ++lane) top = most[lane] > top ? most[lane] : top;
        for (int64_t at = whole; at < columns; ++at) top = row[at] > top ? row[at] : top;
        double total = 0;
        for (int64_t begin = 0; begin < columns; begin += SHORT) {  // in floats no longer than rounding allows
            const int64_t end = begin + SHORT < columns ? begin + SHORT : columns;
            Vec sum{};
            for (int64_t at = begin; at < end; at += LANES) {
                const Vec x = clamp((at < whole ? load(row + at) : last(row, whole)) - splat(top), -87.f, 87.f);
                const Exponential e = exponential(x);
                sum += e.scale * e.tail + e.scale;
            }
            for (int lane = 0; lane < LANES; ++lane) total += double(sum[lane]);
        }
        const float log_sum = float(top + std::log(total));
        for (int64_t at = 0; at < whole; at += LANES) store(row + at, load(row + at) - splat(log_sum));
        for (int64_t at = whole; at < columns; ++at) row[at] -= log_sum;
    }

    static constexpr int64_t SHORT = 64 * LANES;

    Vec last(const float* row, int64_t whole) const {
        Vec v = splat(-1e30f);
        for (int64_t at = whole; at < columns; ++at) v[at - whole] = row[at];
        return v;
    }
};

}  // namespace elman
