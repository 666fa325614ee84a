"""The kernels as operators of torch: one layer over whole sequences, and the way back through it."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from elman.checks import fail
from elman.kernels.library import KERNELS, KINDS, SLOTS, Call


@torch.library.custom_op("elman::layer", mutates_args=(), device_types="cpu")
def layer(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    kind: str,
    ways: int,
    room: int,
    keep: bool,
) -> list[Tensor]:
    """One recurrent layer over a padded or a packed batch, in float32.

    Args:
        x: (B, T, D); or (N, D), only the real steps, time-major and the longest row first, as in torch's PackedSequence.
        weights: of each direction weight_ih, weight_hh and, or neither, bias_ih, bias_hh, as in torch.
        state: before the first step, (B, W, H): the hidden state, and for "lstm" the cell state.
        start: what a restarted row begins with, likewise.
        lengths: (B,) int64; wanted where x is packed.
        reset: (B, T) booleans; not where x is packed.
        kind: a name of `elman.kernels.KINDS`.
        ways: W, 1 or 2 directions.
        room: N, at least as many as there are real steps.
        keep: whether a backward pass may follow.

    Returns: outputs (B, T, W * H) or (N, W * H), the final state's tensors (B, W, H), then what the backward pass needs: gates
        (W, N, slots * H') and, for "lstm", cell states (W, N, H'), empty unless `keep`; H' is H rounded up to the vector
        length.
    """
    results: list[Tensor] = layer_fake(x, weights, state, start, lengths, reset, kind, ways, room, keep)
    call, _alive = _call(x, weights, state, start, lengths, reset, kind, ways, room)
    outputs, final, kept = results[0], results[1 : 1 + len(state)], results[1 + len(state) :]
    call.outputs = outputs.data_ptr()
    call.final_hidden, call.final_cell = _pointers(final)
    if keep:
        call.gates, call.cells = _pointers(kept)
    _run("elman_forward", call)
    return results


@layer.register_fake
def layer_fake(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    kind: str,
    ways: int,
    room: int,
    keep: bool,
) -> list[Tensor]:
    """The results' shapes, not yet filled."""
    hidden_size = state[0].shape[2]
    lanes = KERNELS.lanes
    wide = -(-hidden_size // lanes) * lanes
    slots = [SLOTS[kind] * wide] if kind in SLOTS else []
    kept = [*slots, wide] if kind == "lstm" else slots
    return [
        x.new_empty(*x.shape[:-1], ways * hidden_size),
        *(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in state),
        *(x.new_empty(ways, room if keep else 0, width) for width in kept),
    ]


@torch.library.custom_op("elman::layer_backward", mutates_args=(), device_types="cpu")
def layer_backward(
    grad_outputs: Tensor,
    grad_final: Sequence[Tensor],
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    outputs: Tensor,
    kept: Sequence[Tensor],
    kind: str,
    ways: int,
    room: int,
    needs_x: bool,
) -> list[Tensor]:
    """The gradients of `layer`.

    Returns: those of x (empty unless `needs_x`), of every weight, of the state's tensors and of the start's.
    """
    results: list[Tensor] = layer_backward_fake(
        grad_outputs, grad_final, x, weights, state, start, lengths, reset, outputs, kept, kind, ways, room, needs_x
    )
    call, _alive = _call(x, weights, state, start, lengths, reset, kind, ways, room)
    call.outputs = outputs.data_ptr()
    call.gates, call.cells = _pointers(kept)
    grad_outputs, *grad_final = (tensor.contiguous() for tensor in (grad_outputs, *grad_final))
    call.grad_outputs = grad_outputs.data_ptr()
    call.grad_final_hidden, call.grad_final_cell = _pointers(grad_final)
    states = results[1 + len(weights) :]
    if needs_x:
        call.grad_x = results[0].data_ptr()
    _set_weights(call, "grad_", results[1 : 1 + len(weights)], ways)
    call.grad_hidden, call.grad_cell = _pointers(states[: len(state)])
    call.grad_start_hidden, call.grad_start_cell = _pointers(states[len(state) :])
    _run("elman_backward", call)
    return results


@layer_backward.register_fake
def layer_backward_fake(
    grad_outputs: Tensor,
    grad_final: Sequence[Tensor],
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    outputs: Tensor,
    kept: Sequence[Tensor],
    kind: str,
    ways: int,
    room: int,
    needs_x: bool,
) -> list[Tensor]:
    """The results' shapes, not yet filled."""
    return [
        torch.empty_like(x, memory_format=torch.contiguous_format) if needs_x else x.new_empty(0),
        *(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in (*weights, *state, *start)),
    ]


def _call(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    kind: str,
    ways: int,
    room: int,
) -> tuple[Call, list[Tensor]]:
    """What forward and backward pass are told alike, and the tensors that must live as long."""
    dense = [tensor.contiguous() for tensor in (x, *weights, *state, *start)]
    x, weights = dense[0], dense[1 : 1 + len(weights)]
    state, start = dense[1 + len(weights) : -len(start)], dense[-len(start) :]
    packed = x.dim() == 2
    if packed and lengths is not None:
        rows, steps = len(lengths), int(lengths.max())
    else:
        rows, steps = x.shape[:2]
    cell, squash = KINDS[kind]
    call = Call(
        kind=cell,
        squash=squash,
        rows=rows,
        time=steps,
        input_size=x.shape[-1],
        hidden_size=state[0].shape[2],
        ways=ways,
        room=room,
        threads=torch.get_num_threads(),
        packed=packed,
        x=x.data_ptr(),
    )
    for name, tensor in (("lengths", lengths), ("reset", reset)):
        if tensor is not None:
            dense.append(tensor.contiguous())
            setattr(call, name, dense[-1].data_ptr())
    _set_weights(call, "", weights, ways)
    call.hidden, call.cell = _pointers(state)
    call.start_hidden, call.start_cell = _pointers(start)
    return call, dense


def _set_weights(call: Call, prefix: str, weights: Sequence[Tensor], ways: int) -> None:
    each = len(weights) // ways
    for index, name in enumerate(("weight_ih", "weight_hh", "bias_ih", "bias_hh")[:each]):
        pointers = (weights[way * each + index].data_ptr() for way in range(ways))
        setattr(call, prefix + name, (ctypes.c_void_p * 2)(*pointers))


def _pointers(tensors: Sequence[Tensor]) -> list[int | None]:
    """Where the first two tensors lie, None for one that is not there."""
    return [*(tensor.data_ptr() for tensor in tensors[:2]), None, None][:2]


def _run(function: str, call: Call) -> None:
    code = getattr(KERNELS.library, function)(call)
    if code == 2:
        fail("kernels", "lengths", f"lie between 0 and T = {call.time} and sum up to at most {call.room}", "others")
    if code:
        raise MemoryError(f"{function}: no memory for a batch of {call.rows} rows and {call.time} steps")
