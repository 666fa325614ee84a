// What `Sharing` decides about steps of given times: its clock is moved by each step, and by the pause before it.
#include "threads.h"

namespace {

struct Clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static constexpr bool is_steady = true;

    inline static time_point moment{std::chrono::hours(1)};
    static time_point now() { return moment; }
};

}  // namespace

// Of `count` steps: the nanoseconds before each, and what it takes alone and shared -> whether it was shared.
extern "C" void decide(int64_t count, const int64_t* before, const int64_t* alone, const int64_t* shared,
                       uint8_t* decided) {
    elman::SharingBy<Clock> sharing(2, int64_t(8) << 20);
    for (int64_t at = 0; at < count; ++at) {
        Clock::moment += Clock::duration(before[at]);
        sharing.take([&](int64_t threads) {
            decided[at] = threads > 1;
            Clock::moment += Clock::duration(decided[at] ? shared[at] : alone[at]);
        });
    }
}
