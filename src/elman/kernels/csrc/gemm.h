// Matrix products of tiles that stay in registers, over weights that are packed in panels.
#pragma once

#include "vec.h"

namespace elman {

// A panel of general products: VECTORS columns of vectors wide, with ROWS rows of the other matrix at a time.
#if defined(__AVX512F__)
constexpr int VECTORS = 4, ROWS = 6;
#else
constexpr int VECTORS = 2, ROWS = 6;
#endif
constexpr int WIDE = VECTORS * LANES;

constexpr int64_t panels_of(int64_t columns) {
    return (columns + WIDE - 1) / WIDE;
}

template <int M, int N>
INLINE void multiply_step(const float* a, int64_t a_row, const float* b, Vec (&sum)[M][N]) {
    Vec column[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) column[n] = load(b + n * LANES);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
        Vec row = splat(a[m * a_row]);
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sum[m][n] = row * column[n] + sum[m][n];
    }
}

// Of the N vectors at `from` those that come AHEAD bytes after them, into the nearest cache: weights that a product of
// one row walks through come from far, and the processor by itself does not look as far ahead.
template <int AHEAD, int N>
INLINE void look_ahead(const float* from) {
    for (int n = 0; n < N; ++n) __builtin_prefetch((const void*)(uintptr_t(from + n * LANES) + AHEAD));
}

// sum (M, N vectors) += a (M, K) b (K, N vectors); rows of a lie `a_row` apart, those of b `b_row`. In PARTS sums that
// need not wait for each other: row by row of b each in turn.
template <int PARTS, int AHEAD = 0, int M, int N>
INLINE void multiply_parts(const float* a, int64_t a_row, const float* b, int64_t b_row, int64_t depth,
                           Vec (&sum)[M][N]) {
    Vec part[PARTS][M][N];
    for (int p = 0; p < PARTS; ++p)
        for (int m = 0; m < M; ++m)
            for (int n = 0; n < N; ++n) part[p][m][n] = p ? Vec{} : sum[m][n];
    int64_t k = 0;
    for (; k + PARTS <= depth; k += PARTS)
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; ++p) {
            if constexpr (AHEAD > 0) look_ahead<AHEAD, N>(b + (k + p) * b_row);
            multiply_step<M, N>(a + k + p, a_row, b + (k + p) * b_row, part[p]);
        }
    for (; k < depth; ++k) multiply_step<M, N>(a + k, a_row, b + k * b_row, part[0]);
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) {
            sum[m][n] = part[0][m][n];
            for (int p = 1; p < PARTS; ++p) sum[m][n] += part[p][m][n];
        }
}

constexpr int parts_of(int vectors) {  // enough to keep the multipliers busy
    return vectors >= 8 ? 1 : vectors >= 4 ? 2 : vectors == 3 ? 3 : 4;
}

// Likewise, b one panel.
template <int M, int N>
INLINE void multiply(const float* a, int64_t a_row, const float* b, int64_t depth, Vec (&sum)[M][N]) {
    multiply_parts<parts_of(M * N)>(a, a_row, b, N * LANES, depth, sum);
}

// Call `tile.run<M>(first)` for blocks of at most MOST rows. The last two are as even as can be: one of a single row is
// slow.
template <int M, class Tile>
INLINE void call_tile(Tile& tile, int64_t size, int64_t first) {
    if constexpr (M > 0) {
        if (size == M)
            tile.template run<M>(first);
        else
            call_tile<M - 1>(tile, size, first);
    }
}

template <int MOST, class Tile>
INLINE void for_rows(int64_t begin, int64_t end, Tile& tile) {
    for (int64_t size; begin < end; begin += size) {
        const int64_t left = end - begin;
        size = left <= MOST ? left : left < 2 * MOST ? (left + 1) / 2 : MOST;
        call_tile<MOST>(tile, size, begin);
    }
}

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

// One product C rows = A rows x panel, each row of C somewhere of its own; with `add`, C is added to.
struct ProductTile {
    const float* a;
    int64_t a_row;
    const float* panel;
    int64_t depth;
    float* const* c;  // where row i goes
    int64_t column, columns;
    bool add;

    template <int M>
    ALWAYS_INLINE void run(int64_t first) {
        Vec sum[M][VECTORS];
        for (int m = 0; m < M; ++m)
            for (int v = 0; v < VECTORS; ++v) {
                int64_t at = column + v * LANES;
                sum[m][v] = add ? load(c[first + m] + at, columns - at) : Vec{};
            }
        multiply<M, VECTORS>(a + first * a_row, a_row, panel, depth, sum);
        for (int m = 0; m < M; ++m)
            for (int v = 0; v < VECTORS; ++v) {
                int64_t at = column + v * LANES;
                store(c[first + m] + at, sum[m][v], columns - at);
            }
    }
};

}  // namespace elman
