// One vector of floats: as wide as the instruction set that this file is compiled for, and the functions of it we need.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define INLINE static ALWAYS_INLINE

namespace elman {

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;  // SSE2, NEON
#endif

typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));

constexpr int64_t padded(int64_t size) {
    return (size + LANES - 1) / LANES * LANES;
}

INLINE Vec splat(float value) {
    return value - Vec{};
}

INLINE Vec load(const float* from) {
    Vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float* to, Vec v) {
    memcpy(to, &v, sizeof v);
}

// The first `count` lanes; the rest are zero. Memory behind them is not touched.
INLINE Vec load(const float* from, int64_t count) {
    if (count >= LANES) return load(from);
    if (count <= 0) return Vec{};
#if defined(__AVX512F__)
    return (Vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#else
    Vec v{};
    memcpy(&v, from, count * sizeof(float));
    return v;
#endif
}

INLINE void store(float* to, Vec v, int64_t count) {
    if (count >= LANES) return store(to, v);
    if (count <= 0) return;
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)v);
#else
    memcpy(to, &v, count * sizeof(float));
#endif
}

// What `transpose` makes of two rows that stand STEP apart: of each pair of columns that stand as far apart, the one
// that comes first, of both rows, or the other one. A lane of the second row counts from LANES on.
constexpr int crossed_lane(int lane, int step, bool other) {
    return lane & step ? LANES + lane - !other * step : lane + other * step;
}

template <int STEP, bool OTHER, int... LANE>
INLINE Vec crossed(Vec a, Vec b, std::integer_sequence<int, LANE...>) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, crossed_lane(LANE, STEP, OTHER)...);
#else
    return __builtin_shuffle(a, b, Ints{crossed_lane(LANE, STEP, OTHER)...});
#endif
}

// Rows become columns: first the quarters of a square off its diagonal change places, then those within each.
template <int STEP = LANES / 2>
ALWAYS_INLINE void transpose(Vec (&rows)[LANES]) {
    constexpr auto all = std::make_integer_sequence<int, LANES>();
#pragma GCC unroll 16
    for (int i = 0; i < LANES; ++i)
        if (!(i & STEP)) {
            const Vec a = rows[i], b = rows[i + STEP];
            rows[i] = crossed<STEP, false>(a, b, all), rows[i + STEP] = crossed<STEP, true>(a, b, all);
        }
    if constexpr (STEP > 1) transpose<STEP / 2>(rows);
}

// A product that no addition may draw into itself: whether one does is the compiler's choice, place by place.
INLINE Vec kept(Vec v) {
#if defined(__x86_64__)
    asm("" : "+v"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#endif
    return v;
}

// A NaN fails every comparison and so stays a NaN.
INLINE Vec clamp(Vec x, float low, float high) {
    x = x > splat(high) ? splat(high) : x;
    return x < splat(low) ? splat(low) : x;
}

// exp(x) = 2^n * (1 + tail) with |x - n log 2| <= log(2) / 2; tail by a polynomial of degree 6 (Cephes expf).
struct Exponential {
    Vec scale, tail;
};

INLINE Exponential exponential(Vec x) {
    const Vec magic =
        splat(12582912.f);  // 1.5 * 2^23: adding it rounds to a whole number, which its low bits then hold
    Vec shifted = x * splat(1.44269504f) + magic;
    Vec n = shifted - magic;
    Vec r = x - n * splat(0.693359375f);
    r = r - n * splat(-2.12194440e-4f);
    Vec p = splat(1.9875691500e-4f);
    p = p * r + splat(1.3981999507e-3f);
    p = p * r + splat(8.3334519073e-3f);
    p = p * r + splat(4.1665795894e-2f);
    p = p * r + splat(1.6666665459e-1f);
    p = p * r + splat(5.0000001201e-1f);
    Ints exponent = ((Ints)shifted << 23) + (127 << 23);
    return {(Vec)exponent, p * (r * r) + r};
}

INLINE Vec sigmoid(Vec x) {
    Exponential e = exponential(clamp(-x, -87.f, 87.f));
    return splat(1.f) / (splat(1.f) + (e.scale * e.tail + e.scale));
}

// (e^2x - 1) / (e^2x + 1), where e^2x - 1 is formed without cancellation, so that small x keep their digits.
INLINE Vec tanh(Vec x) {
    Exponential e = exponential(clamp(x + x, -20.f, 20.f));
    Vec less_one = e.scale * e.tail + (e.scale - splat(1.f));
    return less_one / (less_one + splat(2.f));
}

}  // namespace elman
