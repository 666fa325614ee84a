"""One layer over whole sequences by the compiled kernels, forward and backward: tensors in, tensors out."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from elman.checks import fail
from elman.kernels import KERNELS, KINDS, PARAMETERS
from elman.kernels.abi import SLOTS, Call, Pair
from elman.kernels.calls import run_call


class Request(NamedTuple):
    """One recurrent layer over a padded or a packed batch, in float32."""

    x: Tensor  # (B, T, D); or (steps, D), real steps only, time-major, longest row first, as in torch's PackedSequence
    weights: Sequence[Tensor]  # for each direction `PARAMETERS`, or only the first two of them, as in torch
    state: Sequence[Tensor]  # before the first step, (B, W, H): the hidden state, and for "lstm" the cell state
    start: Sequence[Tensor]  # the state of a row after a restart, likewise
    lengths: Tensor | None  # (B,) int64; required where x is packed
    reset: Tensor | None  # (B, T) booleans; not where x is packed
    kind: str  # a name of `elman.kernels.KINDS`
    directions: int  # W, 1 or 2
    capacity: int  # N, at least as many as there are real steps


def empty_results(request: Request, keep: bool) -> list[Tensor]:
    """The tensors that `forward` returns, not yet filled."""
    x, kind = request.x, request.kind
    hidden_size = request.state[0].shape[2]
    wide = -(-hidden_size // KERNELS.lanes) * KERNELS.lanes
    slots = [SLOTS[kind] * wide] if kind in SLOTS else []
    kept = [*slots, wide] if kind == "lstm" else slots
    return [
        x.new_empty(*x.shape[:-1], request.directions * hidden_size),
        *(_empty(tensor) for tensor in request.state),
        *(x.new_empty(request.directions, request.capacity if keep else 0, width) for width in kept),
    ]


def forward(request: Request, keep: bool) -> list[Tensor]:
    """Run the layer.

    Returns: outputs (B, T, W * H) or (steps, W * H), the final state's tensors (B, W, H), then what `backward` needs:
        gates (W, N, slots * H') and, for "lstm", cell states (W, N, H'), empty unless `keep`; H' is H rounded up to the
        vector length.
    """
    results = empty_results(request, keep)
    call, _alive = _call(request)
    final, kept = results[1 : 1 + len(request.state)], results[1 + len(request.state) :]
    call.outputs = results[0].data_ptr()
    call.final_hidden, call.final_cell = pointers(final)
    if keep:
        call.gates, call.cells = pointers(kept)
    run_call("elman_forward", call)
    return results


def empty_gradients(request: Request, needs_x: bool, needs_weights: bool) -> list[Tensor]:
    """The tensors that `backward` returns, not yet filled."""
    nothing = request.x.new_empty(0)
    return [
        _empty(request.x) if needs_x else nothing,
        *(_empty(weight) if needs_weights else nothing.clone() for weight in request.weights),
        *(_empty(tensor) for tensor in (*request.state, *request.start)),
    ]


def backward(
    request: Request,
    outputs: Tensor,
    kept: Sequence[Tensor],
    grad_outputs: Tensor,
    grad_final: Sequence[Tensor],
    needs_x: bool,
    needs_weights: bool,
) -> list[Tensor]:
    """The gradients of x, of every weight, of the state's and of the start's tensors; empty ones where not needed."""
    results = empty_gradients(request, needs_x, needs_weights)
    call, _alive = _call(request)
    given = [tensor.contiguous() for tensor in (grad_outputs, *grad_final)]
    count = 1 + len(request.weights)
    weights, states = results[1:count], results[count:]
    call.outputs, call.grad_outputs = outputs.data_ptr(), given[0].data_ptr()
    call.gates, call.cells = pointers(kept)
    call.grad_final_hidden, call.grad_final_cell = pointers(given[1:])
    if needs_x:
        call.grad_x = results[0].data_ptr()
    if needs_weights:
        _set_weights(call, "grad_", weights, request.directions)
    call.grad_hidden, call.grad_cell = pointers(states[: len(request.state)])
    call.grad_start_hidden, call.grad_start_cell = pointers(states[len(request.state) :])
    run_call("elman_backward", call)
    return results


def _call(request: Request) -> tuple[Call, list[Tensor]]:
    """What forward and backward pass have in common, and the dense tensors that must live as long."""
    x, n_weights, n_state = request.x, len(request.weights), len(request.state)
    _check(request)
    dense = [t.contiguous() for t in (x, *request.weights, *request.state, *request.start)]
    states = dense[1 + n_weights :]
    packed = x.dim() == 2
    if packed and request.lengths is not None:
        rows, steps = len(request.lengths), int(request.lengths.max())
    else:
        rows, steps = x.shape[:2]
    cell, activation = KINDS[request.kind]
    call = Call(
        cell, activation, rows, steps, x.shape[-1], states[0].shape[2], request.directions, request.capacity,
        torch.get_num_threads(), packed,
    )  # fmt: skip
    call.x = dense[0].data_ptr()
    _set_weights(call, "", dense[1 : 1 + n_weights], request.directions)
    call.hidden, call.cell = pointers(states[:n_state])
    call.start_hidden, call.start_cell = pointers(states[n_state:])
    for name, tensor in (("lengths", request.lengths), ("reset", request.reset)):
        if tensor is not None:
            dense.append(tensor.contiguous())
            setattr(call, name, dense[-1].data_ptr())
    return call, dense


def _check(request: Request) -> None:
    """Fail unless every tensor has the type and device that the kernels read by address."""
    for tensor in (request.x, *request.weights, *request.state, *request.start):
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            fail("kernels", "every tensor", "be float32 on the CPU", f"{tensor.dtype} on {tensor.device}")
    for name, given, dtype in (("lengths", request.lengths, torch.long), ("reset", request.reset, torch.bool)):
        if given is not None and (given.dtype != dtype or given.device.type != "cpu"):
            fail("kernels", name, f"be {dtype} on the CPU", f"{given.dtype} on {given.device}")


def _set_weights(call: Call, prefix: str, weights: Sequence[Tensor], directions: int) -> None:
    each = len(weights) // directions
    pointers = [tensor.data_ptr() for tensor in weights]
    for index, name in enumerate(PARAMETERS[:each]):
        setattr(call, prefix + name, Pair(*pointers[index::each]))


def pointers(tensors: Sequence[Tensor]) -> tuple[int | None, int | None]:
    """The addresses of hidden and cell state, None for a missing one."""
    return (tensors[0].data_ptr() if tensors else None), (tensors[1].data_ptr() if len(tensors) > 1 else None)


def _empty(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)
