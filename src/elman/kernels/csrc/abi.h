// The C interface: one structure that says all of a call, filled by Python (`elman/kernels/library.py` mirrors it).
#pragma once

#include <cstdint>

constexpr int64_t INTERFACE = 3;  // counted up when what a function takes changes

enum ElmanKind : int64_t { RNN, LSTM, GRU };
enum ElmanActivation : int64_t { TANH, RELU, IDENTITY };  // of an RNN

// One layer over a batch. W = directions: 1, or 2 for a forward and a backward direction. All arrays are dense,
// row-major. S = slots: 4 for LSTM and GRU, 1 for RNN. H' = H rounded up to the vector length.
struct ElmanCall {
    int64_t kind, activation, rows, time, input_size, hidden_size, directions;
    int64_t capacity;  // N: at least as many as there are real steps
    int64_t threads;   // upper bound of the team
    // Where steps are: `lengths` (rows) or null for all `time`; with `packed` set, x and outputs hold one row a real
    // step, time-major, and the rows of the batch stand longest first, as in torch's PackedSequence.
    int64_t packed;
    const int64_t* lengths;
    const uint8_t* reset;                                                // (rows, time) or null; not with `packed`
    const float* x;                                                      // (rows, time, D), or (steps, D)
    const float *weight_ih[2], *weight_hh[2], *bias_ih[2], *bias_hh[2];  // as in torch; biases may be null
    const float *hidden, *cell;                                          // (rows, W, H) before the first step
    const float *start_hidden, *start_cell;                              // (rows, W, H) after a reset
    float* outputs;                                                      // (rows, time, W * H), or (steps, W * H)
    float *final_hidden, *final_cell;                                    // (rows, W, H)
    // Kept for the backward pass, or null: gates (W, N, H' / LANES, S, LANES) of LSTM and GRU, cell states (W, N, H')
    // of LSTM.
    float *gates, *cells;
    // Backward: gradients of what the forward pass gave (final ones may be null) and of what it read; those of x and of
    // the weights may be null, and are then not computed.
    const float *grad_outputs, *grad_final_hidden, *grad_final_cell;
    float *grad_x, *grad_hidden, *grad_cell, *grad_start_hidden, *grad_start_cell;
    float *grad_weight_ih[2], *grad_weight_hh[2], *grad_bias_ih[2], *grad_bias_hh[2];
};
