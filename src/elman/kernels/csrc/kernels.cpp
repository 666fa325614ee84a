// The kernels' front door. This file is compiled once for every instruction set, each into a library of its own.
#include <type_traits>

#include "backward.h"
#include "mersenne.h"
#include "scores.h"
#include "single.h"
#include "step.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace elman {
namespace {

// Scratch for one call, of this thread's own.
class Scratch {
  public:
    Scratch() { own().begin(); }
    ~Scratch() { own().end(); }

    Arena& arena() { return own(); }

  private:
    static Arena& own() {
        thread_local Arena arena;
        return arena;
    }
};

enum Code : int { DONE, NO_MEMORY, BAD_LENGTHS, UNKNOWN };

// What happened: nothing may be thrown into C.
template <class Work>
int guarded(Work work) {
    try {
        work();
        return DONE;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    } catch (const BadLengths&) {
        return BAD_LENGTHS;
    } catch (...) {
        return UNKNOWN;
    }
}

template <class Work>
void for_kind(int64_t kind, Work work) {
    switch (kind) {
        case RNN:
            return work(std::integral_constant<int64_t, RNN>());
        case LSTM:
            return work(std::integral_constant<int64_t, LSTM>());
        case GRU:
            return work(std::integral_constant<int64_t, GRU>());
    }
}

}  // namespace
}  // namespace elman

// The sizes of what Python fills, and the number of the interface: a library of other sources says something else.
EXPORT int64_t elman_layout() {
    return 1000000000 * INTERFACE + 1000000 * sizeof(ElmanCall) + 1000 * sizeof(elman::SingleStep) +
           sizeof(elman::StepLayer);
}

EXPORT int64_t elman_lanes() {
    return elman::LANES;
}

EXPORT void elman_lend_threads(elman::RunTeam run_team, elman::Ask team_size, elman::Ask member) {
    elman::lend({run_team, team_size, member});
}

EXPORT int elman_forward(const ElmanCall* call) {
    return elman::guarded([&] {
        elman::Scratch scratch;
        elman::for_kind(call->kind, [&](auto kind) {
            constexpr int64_t KIND = decltype(kind)::value;
            constexpr bool KEEPS = elman::Shape<KIND>::KEEPS_GATES;
            if (KEEPS && call->gates)
                elman::forward_as<KIND, KEEPS>(*call, scratch.arena());
            else
                elman::forward_as<KIND, false>(*call, scratch.arena());
        });
    });
}

EXPORT int elman_backward(const ElmanCall* call) {
    return elman::guarded([&] {
        elman::Scratch scratch;
        elman::for_kind(call->kind,
                        [&](auto kind) { elman::backward_as<decltype(kind)::value>(*call, scratch.arena()); });
    });
}

EXPORT int elman_single_step(const elman::SingleStep* call) {
    return elman::guarded([&] {
        elman::Scratch scratch;
        elman::for_kind(call->kind,
                        [&](auto kind) { elman::single_step<decltype(kind)::value>(*call, scratch.arena()); });
    });
}

// Null where memory ran out.
EXPORT void* elman_stepper_new(int64_t kind, int64_t activation, int64_t weights, int64_t count,
                               const elman::StepLayer* layers) {
    elman::Stepper* made = nullptr;
    elman::guarded([&] {
        elman::for_kind(kind, [&](auto known) {
            made = elman::make_stepper<decltype(known)::value>(weights, activation, count, layers);
        });
    });
    return made;
}

// Returns 0, or 1 where memory ran out; then no step may be taken. See `Stepper::bind`.
EXPORT int elman_stepper_bind(void* stepper, int64_t rows, int64_t threads, float* const* places) {
    return elman::guarded([&] { static_cast<elman::Stepper*>(stepper)->bind(rows, threads, places); });
}

// See `Stepper::run`; may be called by several threads at once.
EXPORT int elman_stepper_run(const void* stepper, const ElmanCall* call) {
    return elman::guarded([&] {
        elman::Scratch scratch;
        static_cast<const elman::Stepper*>(stepper)->run(*call, scratch.arena());
    });
}

EXPORT void elman_stepper_step(void* stepper) {
    static_cast<elman::Stepper*>(stepper)->step();
}

EXPORT void elman_stepper_free(void* stepper) {
    delete static_cast<elman::Stepper*>(stepper);
}

// Null where memory ran out.
EXPORT void* elman_projection_pack(int64_t depth, int64_t columns, int64_t threads, const float* weight,
                                   const float* bias) {
    elman::Projection* made = nullptr;
    elman::guarded([&] { made = new elman::Projection(depth, columns, threads, weight, bias); });
    return made;
}

// See `Projection::run`; may be called by several threads at once.
EXPORT void elman_projection_run(const void* projection, int64_t rows, int64_t threads, int64_t as_logs, const float* x,
                                 float* scores) {
    static_cast<const elman::Projection*>(projection)->run(rows, threads, as_logs, x, scores);
}

EXPORT void elman_projection_free(void* projection) {
    delete static_cast<elman::Projection*>(projection);
}

// See `Draws::mark`; `generator` is torch's state from its ninth byte on, and is left as torch would leave it.
EXPORT void elman_draws_mark(void* generator, int64_t count, double rate, float* to) {
    elman::Draws(*static_cast<elman::Mersenne*>(generator)).mark(count, rate, to);
}
