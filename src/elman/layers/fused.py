"""Our own kernels as a backend: both directions at once, lengths and restarts inside, real steps only."""

from typing import Any

import torch
from torch import Tensor

from elman.cells import CELLS, Cell, ElmanCell, GRUCell, LSTMCell
from elman.kernels import KERNELS
from elman.kernels.ops import layer, layer_backward
from elman.layers.directions import each_way
from elman.layers.unroll import unroll
from elman.types import State

PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def fused_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    """Why the kernels cannot answer a request, or None."""
    if type(cell) not in (ElmanCell, LSTMCell, GRUCell):
        return "there is no kernel for this cell"
    if x.device.type != "cpu":
        return "the kernels run on a CPU"
    if x.dtype != torch.float32 or cell.weight_ih.dtype != torch.float32:
        return "the kernels compute in float32"
    return f"there are no kernels ({KERNELS.reason})" if KERNELS.name == "none" else None


def fused(
    cells: tuple[Cell, ...], x: Tensor, state: State, lengths: Tensor | None, reset: Tensor | None, start: State
) -> tuple[Tensor, State]:
    """Run a layer of one or two directions by the compiled kernels. Arguments and result as `Backend.run`.

    x may also be packed, (N, D) with the rows sorted by `lengths`, see `elman.kernels.ops.layer`.
    """
    parameters = [getattr(cell, name) for cell in cells for name in PARAMETERS]
    weights = [tensor for tensor in parameters if tensor is not None]
    tensors = [x, *weights, *state, *start]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    room = x.shape[:-1].numel()
    if lengths is not None and not torch.compiler.is_compiling():
        room = int(lengths.sum())
    outputs, *rest = layer(
        x, weights, list(state), list(start), lengths, reset, kind_of(cells[0]), len(cells), room, keep
    )
    return outputs, type(state)(*rest[: len(state)])


def kind_of(cell: Cell) -> str:
    """The name of a cell's kernel, see `elman.kernels.KINDS`."""
    if isinstance(cell, ElmanCell):
        return f"rnn-{cell.nonlinearity}"
    return "lstm" if isinstance(cell, LSTMCell) else "gru"


def _keep_for_backward(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, weights, state, start, lengths, reset, ctx.kind, ctx.ways, ctx.room, _ = inputs
    ctx.counts = len(weights), len(state)
    kept = output[1 + len(state) :]
    ctx.save_for_backward(x, *weights, *state, *start, lengths, reset, output[0], *kept)


def _backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    x, *rest = ctx.saved_tensors
    n_weights, n_state = ctx.counts
    weights, rest = rest[:n_weights], rest[n_weights:]
    state, start, rest = rest[:n_state], rest[n_state : 2 * n_state], rest[2 * n_state :]
    lengths, reset, outputs, *kept = rest
    given = [grads[0], *grads[1 : 1 + n_state]]
    if torch.is_grad_enabled():  # somebody wants the gradient of a gradient
        found = _reference_gradients(ctx, given, x, weights, state, start, lengths, reset)
    else:
        found = layer_backward(
            given[0], given[1:], x, weights, state, start, lengths, reset, outputs, kept, ctx.kind, ctx.ways, ctx.room,
            ctx.needs_input_grad[0],
        )  # fmt: skip
    grad_x = found[0] if ctx.needs_input_grad[0] else None
    of_weights, of_states = found[1 : 1 + n_weights], found[1 + n_weights :]
    return grad_x, of_weights, of_states[:n_state], of_states[n_state:], None, None, None, None, None, None


def _reference_gradients(
    ctx: Any,
    grads: list[Tensor],
    x: Tensor,
    weights: list[Tensor],
    state: list[Tensor],
    start: list[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
) -> list[Tensor | None]:
    """The same gradients by the reference, which can be differentiated once more."""
    each = len(weights) // ctx.ways
    cells = tuple(_cell_of(ctx.kind, weights[way * each : (way + 1) * each]) for way in range(ctx.ways))
    state_type = cells[0].state_type
    outputs, final = each_way(unroll)(cells, x, state_type(*state), lengths, reset, state_type(*start))
    everything = [x, *weights, *state, *start]
    wanted = [tensor for tensor in everything if tensor.requires_grad]
    found = iter(torch.autograd.grad([outputs, *final], wanted, grads, create_graph=True, materialize_grads=True))
    return [next(found) if tensor.requires_grad else None for tensor in everything]


def _cell_of(kind: str, weights: list[Tensor]) -> Cell:
    """A cell that reads these tensors."""
    name, _, nonlinearity = kind.partition("-")
    sizes, bias = (weights[0].shape[1], weights[1].shape[1]), len(weights) == len(PARAMETERS)
    with torch.device("meta"):
        cell = ElmanCell(*sizes, nonlinearity, bias) if nonlinearity else CELLS[name](*sizes, bias)
    for parameter, tensor in zip(PARAMETERS, weights, strict=False):
        cell._parameters[parameter] = tensor  # type: ignore[assignment]  # a saved tensor stands for the parameter
    return cell


layer.register_autograd(_backward, setup_context=_keep_for_backward)
