// What one core can do at most: multiply-adds from registers, and reads from each level of memory. C++17, no headers but
// the standard ones; compiled for the machine at hand by ceilings.py.
#include <chrono>
#include <cstddef>

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif
constexpr int CHAINS = 12;  // more than latency times units of any core; with two operands they fit in 16 registers

typedef float Vector __attribute__((vector_size(WIDTH * sizeof(float))));

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The sum is stored where the compiler cannot know that nobody reads it, or it would leave the whole loop out.
static volatile float sink;

static void keep(const Vector* vectors) {
    float sum = 0;
    for (int i = 0; i < CHAINS; i++) sum += vectors[i][0];
    sink = sum;
}

extern "C" double multiply_adds(long turns) {  // operations a second
    Vector chain[CHAINS], factor, term;
    for (int j = 0; j < WIDTH; j++) factor[j] = 0.999f, term[j] = 0.001f;
    for (int i = 0; i < CHAINS; i++) chain[i] = term * float(i);
    const double begin = now();
    for (long turn = 0; turn < turns; turn++)
        for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * factor + term;
    const double seconds = now() - begin;
    keep(chain);
    return 2.0 * WIDTH * CHAINS * turns / seconds;
}

extern "C" double reads(const float* data, long count, long turns) {  // bytes a second; count: a multiple of 8 vectors
    Vector sum[CHAINS] = {};
    const double begin = now();
    for (long turn = 0; turn < turns; turn++) {
        const Vector* vector = reinterpret_cast<const Vector*>(data);
        for (long at = 0; at < count / WIDTH; at += 8)
            for (int i = 0; i < 8; i++) sum[i] += vector[at + i];
        asm volatile("" ::: "memory");  // the next turn reads again
    }
    const double seconds = now() - begin;
    keep(sum);
    return 4.0 * count * turns / seconds;
}
