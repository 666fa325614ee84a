// Memory for the kernels: buffers for weights, and scratch.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace elman {

// `count` zeros at the start of a cache line, or of a large page where there are enough of them: a walk through
// megabytes of weights a step would else wait for page tables.
template <class T>
class Buffer {
  public:
    explicit Buffer(int64_t count) {
        const size_t align = size_t(count) * sizeof(T) < PAGE ? 64 : PAGE;
        const size_t wanted = size_t(count < 1 ? 1 : count) * sizeof(T), bytes = (wanted + align - 1) / align * align;
        start = static_cast<T*>(std::aligned_alloc(align, bytes));
        if (!start) throw std::bad_alloc();
#if defined(__linux__)
        if (align == PAGE) madvise(start, bytes, MADV_HUGEPAGE);
#endif
        std::memset(static_cast<void*>(start), 0, bytes);
    }
    Buffer(Buffer&& other) noexcept : start(other.start) { other.start = nullptr; }
    Buffer(const Buffer&) = delete;
    ~Buffer() { std::free(start); }

    T* get() const { return start; }

  private:
    static constexpr size_t PAGE = size_t(2) << 20;
    T* start;
};

// Scratch memory of one thread: taken piece by piece in a call, kept for the next one.
class Arena {
  public:
    ~Arena() { release(); }

    void begin() {
        size_t total = size();
        if (blocks.size() > 1) {
            release();
            grow(total);
        }
        used = 0;
    }

    // What was taken is given up; at most KEPT bytes are kept for the next call.
    void end() {
        if (size() > KEPT) release();
    }

    template <class T>
    T* take(int64_t count) {
        size_t bytes = (size_t(count < 1 ? 1 : count) * sizeof(T) + 63) / 64 * 64;
        if (blocks.empty() || used + bytes > blocks.back().size) grow(bytes);
        T* start = reinterpret_cast<T*>(blocks.back().start + used);
        used += bytes;
        return start;
    }

  private:
    static constexpr size_t KEPT = size_t(64) << 20;
    static constexpr size_t LEAST = size_t(1) << 16;
    struct Block {
        char* start;
        size_t size;
    };

    size_t size() const {
        size_t total = 0;
        for (const Block& block : blocks) total += block.size;
        return total;
    }

    void grow(size_t bytes) {
        const size_t size = bytes < LEAST ? LEAST : (bytes + 63) / 64 * 64;
        blocks.push_back({nullptr, 0});
        blocks.back().start = static_cast<char*>(std::aligned_alloc(64, size));
        if (!blocks.back().start) throw std::bad_alloc();
        blocks.back().size = size;
        used = 0;
    }

    void release() {
        for (const Block& block : blocks) std::free(block.start);
        blocks.clear();
        used = 0;
    }

    std::vector<Block> blocks;
    size_t used = 0;
};

}  // namespace elman
