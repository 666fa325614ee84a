"""The C interface as ctypes sees it: the structures that a call fills, and the numbers that both sides agree on."""

import ctypes

INTERFACE = 3  # as csrc/abi.h counts it

# Name -> kind of cell, and activation of an RNN.
KINDS = {"rnn-tanh": (0, 0), "rnn-relu": (0, 1), "rnn-identity": (0, 2), "lstm": (1, 0), "gru": (2, 0)}
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a cell, in torch's order
SLOTS = {"lstm": 4, "gru": 4}  # numbers per unit and step that are kept for the backward pass
WEIGHTS = {"float32": 0, "bfloat16": 1, "int8": 2}  # of packed steps, as csrc/step_weights.h numbers them
NO_MEMORY, BAD_LENGTHS = 1, 2  # error codes, as csrc/kernels.cpp numbers them

Pair = ctypes.c_void_p * 2  # one address per direction
Places = ctypes.c_void_p * 4  # input, output, hidden state, cell state

_SIZES = (
    "kind", "activation", "rows", "time", "input_size", "hidden_size", "directions", "capacity", "threads", "packed",
)  # fmt: skip


class Call(ctypes.Structure):
    """`ElmanCall` of csrc/abi.h, where every field is explained."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in ("lengths", "reset", "x")),
        *((name, Pair) for name in PARAMETERS),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "hidden", "cell", "start_hidden", "start_cell",
                "outputs", "final_hidden", "final_cell", "gates", "cells",
                "grad_outputs", "grad_final_hidden", "grad_final_cell",
                "grad_x", "grad_hidden", "grad_cell", "grad_start_hidden", "grad_start_cell",
            )
        ),
        *((f"grad_{name}", Pair) for name in PARAMETERS),
    )  # fmt: skip


class StepLayer(ctypes.Structure):
    """`StepLayer` of csrc/step_weights.h: the weights of one layer of packed steps."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("input_size", "hidden_size")),
        *((name, ctypes.c_void_p) for name in PARAMETERS),
    )


class SingleStep(ctypes.Structure):
    """`SingleStep` of csrc/single.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "activation", "rows", "input_size", "hidden_size")),
        *((name, ctypes.c_void_p) for name in ("x", *PARAMETERS, "hidden", "cell", "next_hidden", "next_cell")),
    )
