// Which numbers dropout keeps, drawn as torch draws them on a CPU: by the Mersenne Twister (Matsumoto & Nishimura
// 1998), two numbers of 32 bits a draw, but as many draws at once as vectors hold.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace elman {

// The generator as torch keeps it, from the ninth byte of `torch.Generator.get_state` on.
struct Mersenne {
    static constexpr int WORDS = 624, MIDDLE = 397;

    int32_t left;  // one more than there are words to be given before all are made anew
    int32_t seeded;
    uint64_t next;  // the word that is given next
    uint64_t words[WORDS];
};

class Draws {
    static constexpr int WORDS = Mersenne::WORDS, MIDDLE = Mersenne::MIDDLE;
    static constexpr uint32_t MATRIX = 0x9908b0df, UPPER = 0x80000000, LOWER = 0x7fffffff;

    Mersenne& torch;
    uint32_t words[WORDS], given[WORDS];
    int left, next;

  public:
    explicit Draws(Mersenne& torch) : torch(torch), left(torch.left - 1), next(int(torch.next)) {
        for (int at = 0; at < WORDS; ++at) words[at] = uint32_t(torch.words[at]);
        temper();
    }

    ~Draws() {
        for (int at = 0; at < WORDS; ++at) torch.words[at] = words[at];
        torch.left = left + 1, torch.next = uint64_t(next);
    }

    // The next word.
    uint32_t word() {
        if (left == 0) renew();
        --left;
        return given[next++];
    }

    // Of `count` draws from [0, 1) those below `rate` become 1 / rate, divided as torch divides, the others zero.
    void mark(int64_t count, double rate, float* to) {
        const float value = 1 / float(rate);
        const uint64_t limit = uint64_t(std::ceil(std::ldexp(rate, 53)));
        for (int64_t done = 0; done < count;) {
            const int64_t pairs = std::min<int64_t>(count - done, left / 2);
            if (pairs == 0) {  // the two words of a draw may stand in two generations
                const uint32_t high = word(), low = word();
                to[done++] = below(high, low, limit) ? value : 0;
                continue;
            }
            for (int64_t at = 0; at < pairs; ++at)
                to[done + at] = below(given[next + 2 * at], given[next + 2 * at + 1], limit) ? value : 0;
            done += pairs, next += int(2 * pairs), left -= int(2 * pairs);
        }
    }

  private:
    // A double has 53 bits, so a draw is a whole multiple of 2^-53.
    static bool below(uint32_t high, uint32_t low, uint64_t limit) {
        return (uint64_t(high & 0x1fffff) << 32 | low) < limit;
    }

    static uint32_t twist(uint32_t first, uint32_t second) {
        return ((first & UPPER) | (second & LOWER)) >> 1 ^ (second & 1 ? MATRIX : 0);
    }

    void renew() {
        for (int at = 0; at < WORDS - MIDDLE; ++at) words[at] = words[at + MIDDLE] ^ twist(words[at], words[at + 1]);
        for (int at = WORDS - MIDDLE; at < WORDS - 1; ++at)
            words[at] = words[at + MIDDLE - WORDS] ^ twist(words[at], words[at + 1]);
        words[WORDS - 1] = words[MIDDLE - 1] ^ twist(words[WORDS - 1], words[0]);
        left = WORDS, next = 0;
        temper();
    }

    void temper() {
        for (int at = 0; at < WORDS; ++at) {
            uint32_t word = words[at];
            word ^= word >> 11;
            word ^= word << 7 & 0x9d2c5680;
            word ^= word << 15 & 0xefc60000;
            given[at] = word ^ word >> 18;
        }
    }
};

}  // namespace elman
