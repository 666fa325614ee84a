"""The functions of the compiled library, on addresses: whoever calls keeps the memory alive and checks its shapes."""

import ctypes
from collections.abc import Callable, Sequence

from elman.checks import fail
from elman.kernels.abi import BAD_LENGTHS, KINDS, NO_MEMORY, WEIGHTS, Call, Places, SingleStep, StepLayer
from elman.kernels.library import KERNELS


def loaded() -> ctypes.CDLL:
    """The library in use; whoever asks has seen that `KERNELS.library` is one."""
    assert KERNELS.library is not None
    return KERNELS.library


def run_call(function: str, call: Call, *before: object) -> None:
    """Call a function of the library that takes a `Call`, with the arguments `before` in front of it.

    Raises:
        ArgumentError: lengths that do not fit the batch.
        MemoryError: no scratch memory.
    """
    code = getattr(KERNELS.library, function)(*before, call)
    if code == BAD_LENGTHS:
        must = f"lie between 0 and T = {call.time}, sum up to at most {call.capacity}, and fall where x is packed"
        fail("kernels", "lengths", must, "others")
    if code == NO_MEMORY:
        raise MemoryError(f"{function}: no memory for a batch of {call.rows} rows and {call.time} steps")
    assert code == 0, f"{function} failed with code {code}"


def take_single_step(call: SingleStep) -> None:
    """One step of one cell, with its weights as they are.

    Raises:
        MemoryError: no scratch memory.
    """
    if loaded().elman_single_step(call):
        raise MemoryError(f"single_step: no memory for {call.hidden_size} units")


def pack_steps(kind: str, layers: Sequence[StepLayer], weights: str) -> int:
    """Pack the weights of a stack of layers, copied from the addresses in `layers`.

    Args:
        kind: a name of `KINDS`.
        layers: from the first layer to the last.
        weights: a name of `WEIGHTS`.

    Returns: the handle that the other functions of packed steps take; `free_steps` gives its memory back.

    Raises:
        MemoryError: no memory for the weights.
    """
    described = (StepLayer * len(layers))(*layers)
    handle: int | None = loaded().elman_stepper_new(*KINDS[kind], WEIGHTS[weights], len(layers), described)
    if not handle:
        raise MemoryError(f"steps: no memory for the weights of {len(layers)} layers")
    return handle


def bind_steps(handle: int, rows: int, threads: int, places: Sequence[int | None]) -> None:
    """Set the batch size and the arrays of `step_function`.

    Args:
        handle: of `pack_steps`.
        rows: B.
        threads: the most that may share a step; more than one need `lend_threads`.
        places: addresses of input (B, D), output (B, H), and hidden and cell state (layers, B, H), float32; None where
            the cell has no such state. They must stay valid as long as steps are taken.

    Raises:
        MemoryError: no memory for the rows.
    """
    if loaded().elman_stepper_bind(handle, rows, threads, Places(*places)):
        raise MemoryError(f"steps: no memory for {rows} rows")


def step_function() -> Callable[[int | None], None]:
    """What takes a handle and does one step between its bound arrays: the cheapest call that Python has."""
    function: Callable[[int | None], None] = loaded().elman_stepper_step
    return function


def free_steps(handle: int) -> None:
    """Give the memory of packed steps back; the handle must not be used again."""
    loaded().elman_stepper_free(handle)


def pack_projection(depth: int, columns: int, threads: int, weight: int, bias: int) -> int:
    """Pack a linear map with weight (columns, depth) and bias (columns,), float32, at these addresses.

    Returns: the handle that `run_projection` takes; `free_projection` gives its memory back.

    Raises:
        MemoryError: no memory for the weights.
    """
    handle: int | None = loaded().elman_projection_pack(depth, columns, threads, weight, bias)
    if not handle:
        raise MemoryError(f"projection: no memory for {columns} x {depth} weights")
    return handle


def run_projection(handle: int, rows: int, threads: int, as_logs: bool, x: int, scores: int) -> None:
    """Fill `scores` (rows, columns) from x (rows, depth); `as_logs`: with the logarithms of their softmax."""
    loaded().elman_projection_run(handle, rows, threads, as_logs, x, scores)


def free_projection(handle: int) -> None:
    """Give the memory of a packed projection back; the handle must not be used again."""
    loaded().elman_projection_free(handle)


def mark_draws(generator: int, count: int, rate: float, to: int) -> None:
    """Fill `to` (count,) with 1 / rate where a draw from [0, 1) is below `rate`, and with 0 elsewhere.

    Args:
        generator: address of the Mersenne Twister in a state of torch's CPU generator; it is left as torch leaves it.
        count: draws.
        rate: above 0, up to 1.
        to: address of float32 numbers.
    """
    loaded().elman_draws_mark(generator, count, rate, to)
