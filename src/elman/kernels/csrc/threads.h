// Threads are those of the program that loads us (torch's OpenMP pool): it lends the function that runs a team.
#pragma once

#include <atomic>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
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

// Call `work(member, size)` in a team of at most `threads`; the pool may give fewer, and without a pool it is one.
template <class Work>
void in_team(int64_t threads, Work work) {
    if (threads < 2 || !pool().run_team) return work(int64_t(0), int64_t(1));
    auto body = [](void* data) { (*static_cast<Work*>(data))(int64_t(pool().member()), int64_t(pool().team_size())); };
    pool().run_team(body, &work, unsigned(threads), 0);
}

// Nobody passes before all `members` have come. Steps are short, so members wait awake, but let others run in the end.
class Barrier {
  public:
    void wait(int64_t members) {
        if (members < 2) return;
        int64_t now = round.load(std::memory_order_acquire);
        if (come.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
            come.store(0, std::memory_order_relaxed);
            round.store(now + 1, std::memory_order_release);
            return;
        }
        for (int spins = 0; round.load(std::memory_order_acquire) == now; ++spins) {
            if (spins > AWAKE)
                std::this_thread::yield();
            else
                pause();
        }
    }

  private:
    static constexpr int AWAKE = 10000;

    static void pause() {
#if defined(__x86_64__)
        _mm_pause();
#endif
    }

    alignas(64) std::atomic<int64_t> come{0};
    alignas(64) std::atomic<int64_t> round{0};
};

// Part `member` of `size` parts of [0, total), in whole multiples of `grain`.
struct Span {
    int64_t begin, end;
};

inline Span share(int64_t total, int64_t member, int64_t size, int64_t grain = 1) {
    int64_t grains = (total + grain - 1) / grain;
    int64_t begin = grains * member / size * grain, end = grains * (member + 1) / size * grain;
    return {begin < total ? begin : total, end < total ? end : total};
}

// How the members of a team divide tasks: whole tasks, or, where members are left over, the panels of each.
struct Shares {
    int64_t member, size, tasks, panels;

    int64_t helpers() const {  // members a task
        int64_t each = size / tasks;
        return each < 1 ? 1 : each > panels ? panels : each;
    }
    bool idle() const { return member >= tasks * helpers(); }
    int64_t first_task() const { return member / helpers(); }
    int64_t next_task(int64_t task) const { return helpers() > 1 ? tasks : task + size; }
    Span own_panels() const { return share(panels, member % helpers(), helpers()); }
};

}  // namespace elman
