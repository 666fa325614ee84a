// The kernels under a sanitizer, without Python: every kind of call at sizes that are one, odd, prime, huge or nothing.
//
// harness sizes    calls of every form by one to four threads, each with every array exact in size; steps; projections;
//                  draws
// harness memory   these, and large ones
// harness threads  a shorter one by two to four threads, and calls by several threads of the program at once
// harness overrun  an array that is one number too short: AddressSanitizer must report it
// harness race     barriers left open: ThreadSanitizer must report it
#include <omp.h>

#include <thread>

#include "projections.h"
#include "steppers.h"

namespace {

int most_given = 4;  // a pool may give fewer threads than it is asked for

void run_team(void (*body)(void*), void* data, unsigned threads, unsigned) {
    const std::string caller = at_hand;
#pragma omp parallel num_threads(std::min(int(threads), most_given))
    {
        at_hand = caller;
        body(data);
    }
}

struct Kind {
    int64_t kind, activation;
};

const Kind KINDS[] = {{RNN, TANH}, {RNN, RELU}, {RNN, IDENTITY}, {LSTM, TANH}, {GRU, TANH}};
const Kind THREE_KINDS[] = {{RNN, TANH}, {LSTM, TANH}, {GRU, TANH}};

const Size SMALL[] = {{0, 5, 3, 4},  {3, 0, 3, 4},    {0, 0, 3, 4}, {1, 1, 1, 1},    {1, 33, 5, 17},
                      {2, 7, 3, 31}, {13, 11, 17, 8}, {7, 5, 1, 13}, {19, 3, 33, 40}, {5, 2, 3, 67}};
// Rows enough for groups of them, weights larger than a cache, long, wide, and more rows than anything else.
const Size LARGE[] = {{33, 3, 64, 97}, {40, 5, 24, 190}, {5, 2, 3, 257}, {2, 1009, 3, 5}, {1021, 2, 7, 5}};
const Size WIDE = {3, 2, 1031, 509};
const Size LONG = {7, 90001, 1, 5};  // a backward pass of an LSTM takes more scratch memory than is kept

// What the size leaves open, few enough that each large size is met by all.
struct Form {
    Lengths lengths;
    bool reset, bias, packed, optional;
};

const Form FORMS[] = {
    {MIXED, true, true, false, true}, {ALL, false, false, false, false}, {SORTED, false, true, true, true}};
// For ThreadSanitizer: few rows and many, so that units are shared, or rows.
const Size SHARED[] = {{1, 33, 5, 17}, {2, 7, 3, 31}, {13, 11, 17, 8}, {19, 3, 33, 40}, {33, 3, 24, 97}};

void try_form(Kind kind, Size size, int64_t directions, const Form& form, const std::vector<int64_t>& team_sizes) {
    try_case({kind.kind, kind.activation, size, directions, form.lengths, form.reset, form.bias, form.packed, form.optional},
             team_sizes);
}

// Every form there is: lengths, restarts, biases, packed.
void try_forms(Kind kind, Size size, int64_t directions) {
    for (Lengths lengths : {ALL, MIXED, NONE, SORTED})
        for (bool reset : {false, true})
            for (bool bias : {false, true})
                for (bool packed : {false, true}) {
                    if (packed && (reset || lengths == MIXED)) continue;  // not offered
                    elman::apart = cases % 3 != 0;
                    crooked = cases % 2 != 0;
                    most_given = cases % 5 ? 4 : 3;
                    try_form(kind, size, directions, {lengths, reset, bias, packed, cases % 4 < 2}, {2, 3, 4});
                }
}

// Sizes of steps; `time` is the number of layers.
const Size STEPS[] = {{1, 1, 1, 1}, {1, 1, 5, 17}, {2, 2, 3, 31}, {3, 3, 33, 40}, {5, 1, 64, 67}, {1, 1, 300, 401}};

void try_steps() {
    for (Kind kind : KINDS)
        for (Size size : STEPS)
            for (bool bias : {false, true}) {
                crooked = elman::apart = bias;
                try_single(kind.kind, kind.activation, size, bias);
                for (int64_t weights : {elman::FLOAT32, elman::BFLOAT16, elman::INT8})
                    try_stepper({kind.kind, kind.activation, weights, size.rows, size.time, size.input_size,
                                 size.hidden_size, bias});
            }
}

// Columns that end within a vector, at its end, beyond the sums that are kept in floats; more than one share of them.
const Head HEADS[] = {{1, 1, 1},   {0, 3, 5},    {2, 5, 16},  {3, 7, 17},   {5, 64, 67},
                      {13, 3, 96}, {9, 33, 257}, {4, 5, 521}, {7, 3, 1031}, {2, 9, 2053}};

void try_projections(int64_t callers) {
    for (const Head& head : HEADS)
        for (bool apart : {false, true}) {
            crooked = elman::apart = apart;
            try_projection(head, callers);
        }
}

// Marks by draws against those of the standard library's twister, from a generator whose words have been used `before`.
void try_draws() {
    for (int64_t before : {0, 1, 623, 624})
        for (int64_t count : {0, 1, 311, 312, 313, 10007}) {
            ++cases;
            at_hand = "draws, " + std::to_string(count) + " after " + std::to_string(before) + " words";
            std::mt19937 expected(7);
            Array<elman::Mersenne> own(1);
            own.data->left = 1, own.data->next = 0, own.data->words[0] = 7;
            for (uint64_t at = 1; at < elman::Mersenne::WORDS; ++at) {
                const uint64_t last = own.data->words[at - 1];
                own.data->words[at] = (1812433253 * (last ^ last >> 30) + at) & 0xffffffff;
            }
            Array<float> marks(count);
            for (int64_t at = 0; at < before; ++at) {
                elman::Draws(*own.data).word();
                expected();
            }
            elman_draws_mark(own.data, count, 0.7, marks.data);
            for (int64_t at = 0; at < count; ++at) {
                const uint64_t high = expected(), low = expected();
                const bool kept = double((high << 32 | low) & ((uint64_t(1) << 53) - 1)) * 0x1p-53 < 0.7;
                check(marks.data[at] == (kept ? 1 / 0.7f : 0), "marks differ");
            }
            check(elman::Draws(*own.data).word() == expected(), "the generator is left in another state");
        }
}

// What cannot be: a length below 0 or beyond time, more steps than the capacity. Nothing is read or written for it.
void try_bad_lengths() {
    Inputs in({LSTM, TANH, {3, 4, 2, 5}, 2, MIXED, false, true, false, true});
    at_hand = "bad lengths";
    for (int64_t length : {-1, 5}) {
        in.lengths.data[1] = length;
        const ElmanCall call = in.call(2);
        check(elman_forward(&call) == 2 && elman_backward(&call) == 2, "were taken");
    }
    in.lengths.data[1] = 4;
    ElmanCall call = in.call(2);
    check(elman_forward(&call) == 2 && elman_backward(&call) == 2, "more steps than the capacity were accepted");
}

// Threads of the program that call at the same time, each with a team of its own.
void try_callers() {
    std::vector<std::thread> callers;
    for (int64_t caller = 0; caller < 3; ++caller)
        callers.emplace_back([caller] {
            for (Kind kind : THREE_KINDS)
                for (const Form& form : FORMS) try_form(kind, {13, 11, 17, 8 + caller}, 2, form, {2});
            for (Kind kind : THREE_KINDS) try_stepper({kind.kind, kind.activation, elman::INT8, 2, 2, 5, 17, true});
        });
    for (std::thread& caller : callers) caller.join();
}

void sizes() {
    elman_lend_threads(run_team, omp_get_num_threads, omp_get_thread_num);
    try_bad_lengths();
    try_draws();
    elman::eager = true;
    for (Size size : SMALL)
        for (Kind kind : KINDS)
            for (int64_t directions : {1, 2}) try_forms(kind, size, directions);
    try_steps();
    try_projections(1);
}

void memory() {
    try_form(KINDS[3], {13, 11, 17, 8}, 2, FORMS[0], {2});  // before any threads are lent
    sizes();
    elman::eager = false, crooked = elman::apart = true, most_given = 4;
    for (Size size : LARGE)
        for (Kind kind : THREE_KINDS)
            for (int64_t directions : {1, 2})
                for (const Form& form : FORMS) try_form(kind, size, directions, form, {2, 4});
    for (Kind kind : THREE_KINDS) try_form(kind, WIDE, 1, FORMS[0], {3});
    elman::apart = false;
    try_form(KINDS[3], LONG, 2, FORMS[0], {2});
}

void threads() {
    elman_lend_threads(run_team, omp_get_num_threads, omp_get_thread_num);
    for (bool eager : {false, true}) {
        elman::eager = eager;
        for (Size size : SHARED)
            for (Kind kind : THREE_KINDS)
                for (int64_t directions : {1, 2})
                    for (const Form& form : FORMS) try_form(kind, size, directions, form, {2, 3, 4});
        try_callers();
        try_projections(3);
        crooked = elman::apart = false;
        for (Kind kind : THREE_KINDS)
            for (int64_t weights : {elman::FLOAT32, elman::INT8})
                try_stepper({kind.kind, kind.activation, weights, 5, 2, 24, 97, true});
    }
}

void overrun() {
    Inputs in({RNN, TANH, {2, 3, 5, 7}, 1, ALL, false, true, false, true});
    in.weight_hh[0] = Array<float>(in.weight_hh[0].size - 1);
    answer(in, 1);
}

void race() {
    elman_lend_threads(run_team, omp_get_num_threads, omp_get_thread_num);
    elman::eager = elman::Barrier::open = true;
    const Inputs in({LSTM, TANH, {3, 50, 5, 67}, 1, ALL, false, true, false, true});
    ElmanCall call = in.call(2);
    elman::permitted = 2;
    Array<float> outputs(3 * 50 * 67), final_hidden(3 * 67), final_cell(3 * 67);
    call.outputs = outputs.data, call.final_hidden = final_hidden.data, call.final_cell = final_cell.data;
    elman_forward(&call);
}

}  // namespace

// Of every sanitizer; called where it gives up.
extern "C" void __sanitizer_set_death_callback(void (*callback)());

int main(int count, char** words) {
    __sanitizer_set_death_callback([] { fprintf(stderr, "while at: %s\n", at_hand.c_str()); });
    const std::string what = count == 2 ? words[1] : "";
    if (what == "sizes") sizes();
    else if (what == "memory") memory();
    else if (what == "threads") threads();
    else if (what == "overrun") overrun();
    else if (what == "race") race();
    else return fprintf(stderr, "harness: say sizes, memory, threads, overrun or race\n"), 2;
    printf("%lld cases, %lld wrong\n", (long long)cases, (long long)wrong);
    return wrong ? 1 : 0;
}
