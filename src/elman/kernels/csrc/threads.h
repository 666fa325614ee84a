// Threads are those of the program that loads us (torch's OpenMP pool): it lends the function that runs a team.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <thread>

#include "arena.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace elman {

// The signature of GOMP_parallel, and of omp_get_num_threads and omp_get_thread_num, which say who asks.
using RunTeam = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);
using Ask = int (*)();

struct Pool {
    RunTeam run_team = nullptr;
    Ask team_size = nullptr, member = nullptr;
};

inline Pool& pool() {
    static Pool lent;
    return lent;
}

// A process that was forked has one thread, and the pool would wait for the others for ever: there is no pool in it.
inline void lend(const Pool& lent) {
    pool() = lent;
#if defined(__unix__) || defined(__APPLE__)
    static const int once = pthread_atfork(nullptr, nullptr, [] { pool() = {}; });
    (void)once;
#endif
}

// Call `work(member, size)` in a team of at most `threads`; the pool may give fewer, and without a pool it is one.
template <class Work>
void in_team(int64_t threads, Work work) {
    if (threads < 2 || !pool().run_team) return work(int64_t(0), int64_t(1));
    auto body = [](void* data) { (*static_cast<Work*>(data))(int64_t(pool().member()), int64_t(pool().team_size())); };
    pool().run_team(body, &work, unsigned(threads), 0);
}

// Nobody passes before all members have come. Each has a line of memory of its own to say so, since a line that all
// write would travel between them. Steps are short, so members wait awake, but soon let others run.
class Barrier {
  public:
    static constexpr int64_t LINE = 64;

    struct alignas(LINE) Flag {
        std::atomic<int64_t> round{0};
    };

    explicit Barrier(Flag* flags) : flags(flags) {}

    void wait(int64_t member, int64_t members) {
        if (members < 2) return;
        const int64_t now = flags[member].round.load(std::memory_order_relaxed) + 1;
        flags[member].round.store(now, std::memory_order_release);
        for (int64_t other = 0; other < members; ++other)
            for (int spins = 0; flags[other].round.load(std::memory_order_acquire) < now; ++spins) {
                if (spins > AWAKE)
                    std::this_thread::yield();
                else
                    pause();
            }
    }

  private:
    static constexpr int AWAKE =
        300;  // pauses, some microseconds: where two members share a processor, awake is wasted

    static void pause() {
#if defined(__x86_64__)
        _mm_pause();
#endif
    }

    Flag* flags;
};

inline void clear_flags(Barrier::Flag* flags, int64_t count) {
    for (int64_t at = 0; at < count; ++at) new (flags + at) Barrier::Flag();
}

inline Barrier::Flag* take_flags(Arena& arena, int64_t count) {
    Barrier::Flag* flags = arena.take<Barrier::Flag>(count);
    clear_flags(flags, count);
    return flags;
}

struct Span {
    int64_t begin, end;

    // Number `at` of these at this step: from the first to the last at one step, back at the next. Of weights that are
    // too many for a cache, those that the last step read last are still there, and are read first.
    int64_t in_turn(int64_t at, int64_t step) const { return step % 2 ? begin + end - 1 - at : at; }
};

// Part `member` of `size` parts of [0, total), in whole multiples of `grain`.
inline Span share(int64_t total, int64_t member, int64_t size, int64_t grain = 1) {
    if (size == 1) return {0, total};  // a division takes as long as a hundred products
    int64_t grains = (total + grain - 1) / grain;
    int64_t begin = grains * member / size * grain, end = grains * (member + 1) / size * grain;
    return {begin < total ? begin : total, end < total ? end : total};
}

// How the members of a team divide tasks: whole tasks, or, where members are left over, the panels of each, among
// `most` members or fewer.
struct Shares {
    int64_t member, size, tasks, panels, most;

    int64_t helpers() const {  // members a task
        const int64_t each = size / tasks, bound = most < panels ? most : panels;
        return each < bound ? (each < 1 ? 1 : each) : bound;
    }
    bool idle() const { return member >= tasks * helpers(); }
    int64_t first_task() const { return member / helpers(); }
    int64_t next_task(int64_t task) const { return helpers() > 1 ? tasks : task + size; }
    int64_t helper() const { return member % helpers(); }
    Span own_panels() const { return share(panels, helper(), helpers()); }
};

// Whether threads share steps that are so short that waking one may take longer. Those that come now and then are taken
// alone. Those that follow each other are timed in blocks, for a busy machine has no processor for the others, and a
// program may want them to sleep: after two blocks alone, of which the faster counts, blocks are shared as long as what
// they save over it pays for those that take longer; now and then those alone are timed anew. Where it does not, steps
// are taken alone, at first for a moment and then for twice as long each time, until such trials lose a hundredth.
template <class Clock>
class SharingBy {
  public:
    SharingBy(int64_t threads, int64_t bytes)
        : most(std::max<int64_t>(1, std::min<int64_t>(threads, bytes / LEAST_BYTES))) {}

    int64_t threads() const { return most; }  // of a shared step

    // Call `step(threads)`, with one or all of them.
    template <class Step>
    void take(Step step) {
        if (most < 2) return step(int64_t(1));
        const auto begin = Clock::now();
        const bool follows = begin - end < AWAKE;
        step(follows && shared ? most : 1);
        end = Clock::now();
        if (follows) took(std::max<int64_t>(1, std::chrono::nanoseconds(end - begin).count()));
    }

  private:
    static constexpr int64_t LEAST_BYTES = 512 * 1024;  // weights a thread below which a step is never shared
    static constexpr std::chrono::milliseconds AWAKE{1};
    static constexpr int64_t BLOCK = 16;                          // steps
    static constexpr int64_t ALONE = 2, KEPT = 20, SHARED = 200;  // blocks: timed alone, whose savings count, in a row

    void took(int64_t time) {
        sum += time, --left;
        if (!shared) {
            if (left % BLOCK) return;
            alone = left ? sum : std::min(alone, sum), sum = 0;
            if (left == 0) switch_to(true, SHARED);
            return;
        }
        if (sum > alone + saved) {  // perhaps before the block's end
            const int64_t lost = sum - alone * (BLOCK - left % BLOCK) / BLOCK - saved;
            pause = std::max(ALONE, std::min(2 * pause, 100 * lost / alone));
            switch_to(false, pause);
        } else if (left % BLOCK == 0) {
            saved = std::min(saved + alone - sum, KEPT * alone), sum = 0;
            if (saved == KEPT * alone) pause = ALONE;
            if (left == 0) switch_to(false, ALONE);
        }
    }

    void switch_to(bool as_shared, int64_t blocks) {
        shared = as_shared, left = blocks * BLOCK, sum = 0;
        if (!shared) saved = 0;
    }

    int64_t most;
    typename Clock::time_point end{};  // of the last step
    bool shared = false;
    int64_t left = ALONE * BLOCK;  // steps to come of these
    int64_t sum = 0;               // nanoseconds of those of this block
    int64_t alone = 0;             // of a block that is taken alone
    int64_t saved = 0;             // by shared blocks
    int64_t pause = ALONE;         // blocks alone after those that did not pay
};

using Sharing = SharingBy<std::chrono::steady_clock>;

}  // namespace elman
