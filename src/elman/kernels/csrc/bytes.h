// Products of int8 weights with activations that are rounded on the way: to two bytes up to 515 of them, to fewer
// levels the longer the sum is, so that it fits into four bytes (1,000 levels at 16,384). Half the instructions of
// turning each weight into a float.
#pragma once

#include <cmath>

#include "vec.h"

namespace elman {

// One row of activations as whole multiples of `step`, two bytes each; an odd row is filled up with a zero.
struct Rounded {
    int16_t* values;
    float step;
};

// No sum of `count` products with weights up to 127 leaves int32.
inline int64_t largest_value(int64_t count) {
    const int64_t fitting = INT32_MAX / (127 * (count + 1));
    return fitting < INT16_MAX ? fitting : INT16_MAX;
}

inline Rounded round_row(const float* from, int64_t count, int16_t* to) {
    Vec largest{},
        broken{};  // the second becomes a NaN where a number is none or infinite: then every product must be one
    for (int64_t k = 0; k < count; k += LANES) {
        const Vec x = load(from + k, count - k), size = x < Vec{} ? -x : x;
        largest = size > largest ? size : largest;
        broken += x * Vec{};
    }
    float most = 0, sum = 0;
    for (int lane = 0; lane < LANES; ++lane) {
        most = largest[lane] > most ? largest[lane] : most;
        sum += broken[lane];
    }
    const bool finite = sum == 0;
    const float step = most > 0 ? most / float(largest_value(count)) : 1, per_step = 1 / step;
    for (int64_t k = 0; k < count; ++k) to[k] = finite ? int16_t(std::lrintf(from[k] * per_step)) : 0;
    if (count % 2) to[count] = 0;
    return {to, finite ? step : NAN};
}

// What the whole numbers of a row of weights are to be multiplied by: they reach 127; a NaN if a weight is no number.
inline float scale_of(const float* from, int64_t count) {
    float most = 0;
    for (int64_t k = 0; k < count; ++k) {
        if (!std::isfinite(from[k])) return NAN;
        most = std::fmax(most, std::fabs(from[k]));
    }
    return most > 0 ? most / 127 : 1;
}

// sum += for each lane the product of two activations with its two weights.
INLINE Ints add_pair(Ints sum, const int16_t* activations, const int8_t* weights) {
#if defined(__AVX2__)
    int32_t both;
    memcpy(&both, activations, sizeof both);
#endif
#if defined(__AVX512BW__)
    const __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i*)weights));
    return sum + (Ints)_mm512_madd_epi16(_mm512_set1_epi32(both), wide);
#elif defined(__AVX2__)
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)weights));
    return sum + (Ints)_mm256_madd_epi16(_mm256_set1_epi32(both), wide);
#else
    for (int lane = 0; lane < LANES; ++lane)
        sum[lane] += activations[0] * weights[2 * lane] + activations[1] * weights[2 * lane + 1];
    return sum;
#endif
}

// result (M, N vectors) = rows of activations x a panel of weights: for each pair of activations N vectors of pairs.
template <int M, int N>
INLINE void multiply_bytes(const Rounded* a, const int8_t* b, int64_t depth, Vec (&result)[M][N]) {
    Ints sum[M][N] = {};
    for (int64_t k = 0; k < depth; k += 2)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n)
#pragma GCC unroll 4
            for (int m = 0; m < M; ++m) sum[m][n] = add_pair(sum[m][n], a[m].values + k, b + (k * N + 2 * n) * LANES);
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) result[m][n] = __builtin_convertvector(sum[m][n], Vec) * splat(a[m].step);
}

}  // namespace elman
