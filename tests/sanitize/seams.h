// The kernels cut open at four places, so that a harness sees more: scratch memory piece by piece, barriers that can be left
// open, and small calls that threads share all the same.
#pragma once

#include <cstring>
#include <vector>

// A seam: the kernels' own class gets another name, and its name goes to one of ours.
#define Arena ArenaInUse
#include "arena.h"
#undef Arena

namespace elman {

// Scratch memory as it is, or with every piece a heap block of its own, where AddressSanitizer sees one byte too far.
class Arena {
  public:
    inline static bool apart = false;

    ~Arena() { release(); }

    void begin() {
        release();
        whole.begin();
    }

    template <class T>
    T* take(int64_t count) {
        if (!apart) return whole.take<T>(count);
        void* start = nullptr;
        if (posix_memalign(&start, 64, size_t(count) * sizeof(T))) throw std::bad_alloc();
        memset(start, 0xff, size_t(count) * sizeof(T));  // a NaN in every float, and pointers that lead nowhere
        pieces.push_back(start);
        return static_cast<T*>(start);
    }

  private:
    void release() {
        for (void* piece : pieces) std::free(piece);
        pieces.clear();
    }

    ArenaInUse whole;
    std::vector<void*> pieces;
};

}  // namespace elman

#define Barrier BarrierInUse
#define Shares SharesInUse
#define in_team in_team_in_use
#include "threads.h"
#undef Barrier
#undef Shares
#undef in_team

namespace elman {

class Barrier : public BarrierInUse {
  public:
    inline static bool open = false;  // a race, by intent: ThreadSanitizer must report it

    using BarrierInUse::BarrierInUse;

    void wait(int64_t member, int64_t members) {
        if (!open) BarrierInUse::wait(member, members);
    }
};

inline bool eager = false;  // all threads share every call and every step, however small

struct Shares : SharesInUse {
    Shares(int64_t member, int64_t size, int64_t tasks, int64_t panels, int64_t most)
        : SharesInUse{member, size, tasks, panels, eager ? size : most} {}
};

inline thread_local int64_t asked = 1;  // threads that the call at hand may have

template <class Work>
void in_team(int64_t threads, Work work) {
    in_team_in_use(eager ? asked : threads, work);
}

}  // namespace elman

#include "kernels.cpp"
