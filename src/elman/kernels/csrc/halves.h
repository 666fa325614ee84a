// Products of bfloat16 weights, the upper halves of floats, with activations in float.
#pragma once

#include "vec.h"

namespace elman {

inline uint16_t as_bfloat16(float value) {  // to nearest, ties to even; a NaN stays one
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16) | 0x40;
    return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// As `multiply_parts`, where a lane of b holds the weights of two steps of the depth: one shift and one mask make two
// vectors of floats, where widening each would keep the one port for it busier than the multipliers.
template <int PARTS, int M, int N>
INLINE void multiply_halves(const float* a, int64_t a_row, const uint16_t* b, int64_t b_row, int64_t depth,
                            Vec (&sum)[M][N]) {
    static_assert(PARTS % 2 == 0, "the two steps of a pair have sums of their own");
    typedef uint32_t Pairs __attribute__((vector_size(4 * LANES)));
    const auto pairs = [&](int64_t k, int n) {
        Pairs both;
        memcpy(&both, b + k * b_row + 2 * n * LANES, sizeof both);
        return both;
    };
    Vec part[PARTS][M][N] = {};
    const auto pair = [&](int64_t k, int p) __attribute__((always_inline)) {
        Vec even[N], odd[N];
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            const Pairs both = pairs(k, n);
            even[n] = (Vec)(both << 16), odd[n] = (Vec)(both & 0xffff0000u);
        }
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
            const Vec first = splat(a[m * a_row + k]), second = splat(a[m * a_row + k + 1]);
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                part[p][m][n] = first * even[n] + part[p][m][n];
                part[p + 1][m][n] = second * odd[n] + part[p + 1][m][n];
            }
        }
    };
    int64_t k = 0;
    for (; k + PARTS <= depth; k += PARTS)
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; p += 2) pair(k + p, p);
    for (; k + 2 <= depth; k += 2) pair(k, 0);
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) {
            if (k < depth) part[0][m][n] += splat(a[m * a_row + k]) * (Vec)(pairs(k, n) << 16);
            for (int p = 0; p < PARTS; ++p) sum[m][n] += part[p][m][n];
        }
}

}  // namespace elman
