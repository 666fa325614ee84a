// The kernels cut open, so that a harness sees more: memory piece by piece and exact in size, copies of any width,
// barriers that can be left open, and small calls that threads share all the same.
#pragma once

#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

// A seam: the kernels' own class gets another name, and its name goes to one of ours.
#define Arena ArenaInUse
#define Buffer BufferInUse
#include "arena.h"
#undef Arena
#undef Buffer

namespace elman {

inline bool apart = false;  // every piece is a heap block of its own, where AddressSanitizer sees one byte too far

inline void* exact_block(size_t bytes, int fill) {
    void* start = nullptr;
    if (posix_memalign(&start, 64, bytes)) throw std::bad_alloc();
    return memset(start, fill, bytes);
}

class Arena {
  public:
    ~Arena() { release(); }

    void begin() {
        release();
        whole.begin();
    }

    void end() {
        release();
        whole.end();
    }

    template <class T>
    T* take(int64_t count) {
        if (!apart) return whole.take<T>(count);
        // All ones: a NaN in every float, and pointers that lead nowhere.
        pieces.push_back(exact_block(size_t(count) * sizeof(T), 0xff));
        return static_cast<T*>(pieces.back());
    }

  private:
    void release() {
        for (void* piece : pieces) std::free(piece);
        pieces.clear();
    }

    ArenaInUse whole;
    std::vector<void*> pieces;
};

template <class T>
class Buffer {
  public:
    explicit Buffer(int64_t count) : whole(apart ? 0 : count) {
        if (apart) piece.reset(static_cast<T*>(exact_block(size_t(count) * sizeof(T), 0)));
    }
    T* get() const { return piece ? piece.get() : whole.get(); }

  private:
    struct Free {
        void operator()(T* start) const { std::free(start); }
    };

    BufferInUse<T> whole;
    std::unique_ptr<T, Free> piece;
};

}  // namespace elman

#if __has_feature(thread_sanitizer)
// ThreadSanitizer does not look at loads and stores of more than 16 bytes, nor, told to leave the OpenMP runtime alone,
// into memcpy and memset. All vectors of the kernels go through these, which here say what they touch.
extern "C" void __tsan_read_range(void* from, unsigned long size);
extern "C" void __tsan_write_range(void* to, unsigned long size);

inline __attribute__((always_inline)) void* watched_copy(void* to, const void* from, size_t size) {
    __tsan_read_range(const_cast<void*>(from), size);
    __tsan_write_range(to, size);
    return memcpy(to, from, size);
}

inline void* watched_set(void* to, int value, size_t size) {
    __tsan_write_range(to, size);
    return memset(to, value, size);
}

#define memcpy watched_copy
#define memset watched_set
#endif

#define Barrier BarrierInUse
#define Shares SharesInUse
#define Sharing SharingInUse
#define in_team in_team_in_use
#include "threads.h"
#undef Barrier
#undef Shares
#undef Sharing
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

inline bool eager = false;                  // all threads share every call and every step, however small
inline thread_local int64_t permitted = 1;  // threads that the call at hand may have

struct Shares : SharesInUse {
    Shares(int64_t member, int64_t size, int64_t tasks, int64_t panels, int64_t most)
        : SharesInUse{member, size, tasks, panels, eager ? size : most} {}
};

struct Sharing : SharingInUse {
    Sharing(int64_t threads, int64_t bytes) : SharingInUse(threads, eager ? INT64_MAX : bytes) {}
};

template <class Work>
void in_team(int64_t threads, Work work) {
    in_team_in_use(eager ? permitted : threads, work);
}

}  // namespace elman

#include "kernels.cpp"

#undef memcpy
#undef memset
