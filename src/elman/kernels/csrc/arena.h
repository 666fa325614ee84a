// Scratch memory of one thread: taken piece by piece in a call, kept for the next one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

namespace elman {

class Arena {
  public:
    ~Arena() { release(); }

    // Everything taken before is given up; what is kept for reuse is at most KEPT bytes.
    void begin() {
        if (blocks.size() == 1 && blocks[0].size <= KEPT) {
            used = 0;
            return;
        }
        size_t total = 0;
        for (const Block& block : blocks) total += block.size;
        release();
        if (total && total <= KEPT) grow(total);
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

    void grow(size_t bytes) {
        size_t size = bytes < LEAST ? LEAST : (bytes + 63) / 64 * 64;
        char* start = static_cast<char*>(std::aligned_alloc(64, size));
        if (!start) throw std::bad_alloc();
        blocks.push_back({start, size});
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
