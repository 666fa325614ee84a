"""Our compiled kernels as a backend: both directions, lengths and restarts in one call, over real steps only."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import Function

from elman.cells import CELLS, Cell, ElmanCell, GRUCell, LSTMCell
from elman.kernels import KERNELS, PARAMETERS
from elman.layers.backends.reference_gradients import reference_gradients
from elman.layers.directions import each_way
from elman.layers.native.conditions import are_plain, transformed, watched
from elman.layers.native.ops import layer, layer_backward
from elman.layers.native.run import Request, backward, forward
from elman.layers.unroll import real_steps, unroll
from elman.types import State

LEAST_STEPS = 8  # of all rows together


def fused_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    """Why the kernels cannot answer a request, or None."""
    if type(cell) not in (ElmanCell, LSTMCell, GRUCell):
        return "there is no kernel for this cell"
    if not are_plain((x, *(getattr(cell, name) for name in PARAMETERS))):
        return "the kernels compute in float32 on the CPU, and x or a weight is something else"
    if transformed():
        return "the kernels do not support tracing, torch.func and forward-mode derivatives"
    return f"there are no kernels ({KERNELS.reason})" if KERNELS.name == "none" else None


def fused_suits(cell: Cell, x: Tensor, reset: Tensor | None) -> bool:
    """The kernels reorder the weights at each call, which does not pay for a few steps."""
    return torch.compiler.is_compiling() or x.shape[:-1].numel() >= LEAST_STEPS


def kind_of(cell: Cell) -> str:
    """The name of a cell's kernel, see `elman.kernels.KINDS`."""
    if isinstance(cell, ElmanCell):
        return f"rnn-{cell.nonlinearity}"
    return "lstm" if isinstance(cell, LSTMCell) else "gru"


def fused(
    cells: tuple[Cell, ...], x: Tensor, state: State, lengths: Tensor | None, reset: Tensor | None, start: State
) -> tuple[Tensor, State]:
    """Run a layer of one or two directions by the compiled kernels. Arguments and result as `Backend.run`.

    x may also be packed, see `Request`.
    """
    parameters = [getattr(cell, name) for cell in cells for name in PARAMETERS]
    weights = [tensor for tensor in parameters if tensor is not None]
    seen = watched((x,))
    capacity = x.shape[:-1].numel() if lengths is None or seen else int(lengths.sum())
    request = Request(x, weights, list(state), list(start), lengths, reset, kind_of(cells[0]), len(cells), capacity)
    tensors = _flat(request)
    keep = torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors)
    if seen:
        results: Sequence[Tensor] = layer(*request, keep)
    elif keep:  # the operator would work too, but a call of it takes as long as a hundred small steps
        apply: Any = _Layer.apply  # torch gives it no types
        results = apply(_form(request), *tensors)
    else:
        results = forward(request, keep)
    return results[0], type(state)(*results[1 : 1 + len(state)])


class _Form(NamedTuple):
    """What a request holds beside its tensors, which torch's autograd takes one by one."""

    weights: int
    states: int
    kind: str
    directions: int
    capacity: int

    def request(self, tensors: Sequence[Any]) -> Request:
        x, lengths, reset, *rest = tensors
        weights, states = rest[: self.weights], rest[self.weights :]
        state, start = states[: self.states], states[self.states :]
        return Request(x, weights, state, start, lengths, reset, self.kind, self.directions, self.capacity)


def _form(request: Request) -> _Form:
    return _Form(len(request.weights), len(request.state), request.kind, request.directions, request.capacity)


def _flat(request: Request) -> tuple[Any, ...]:
    return request.x, request.lengths, request.reset, *request.weights, *request.state, *request.start


class _Layer(Function):
    """The kernels under torch's autograd: a form and its tensors in, `forward`'s results out.

    Without `setup_context`, for which torch inspects the signature of `forward` at each call, for ten microseconds;
    `torch.func`, which requires it, gets the operator instead.
    """

    @staticmethod
    def forward(ctx: Any, form: _Form, *tensors: Any) -> tuple[Tensor, ...]:
        results = tuple(forward(form.request(tensors), keep=True))
        ctx.form = form
        _save(ctx, tensors, results)
        return results

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        return None, *_gradients(ctx, grads, backward)


def _save(ctx: Any, tensors: Sequence[Any], results: Sequence[Tensor]) -> None:
    ctx.count = len(tensors)
    ctx.set_materialize_grads(False)  # otherwise zeros would be allocated for all that is kept
    ctx.save_for_backward(*tensors, results[0], *results[1 + ctx.form.states :])


def _gradients(ctx: Any, grads: Sequence[Tensor | None], run_backward: Any) -> list[Tensor | None]:
    """The gradients of a request's tensors, in their order."""
    saved = ctx.saved_tensors
    tensors, (outputs, *kept) = saved[: ctx.count], saved[ctx.count :]
    request = ctx.form.request(tensors)
    shapes = (outputs, *request.state)
    given = [torch.zeros_like(to) if grad is None else grad for grad, to in zip(grads, shapes, strict=False)]
    if torch.is_grad_enabled():  # a second derivative is asked for
        needed = [tensor is not None and tensor.requires_grad for tensor in tensors]
        return reference_gradients(partial(_by_reference, ctx.form), tensors, needed, given)
    needs_x, needs_weights = tensors[0].requires_grad, any(weight.requires_grad for weight in request.weights)
    grad_x, *others = run_backward(request, outputs, kept, given[0], given[1:], needs_x, needs_weights)
    if not needs_weights:
        others[: ctx.form.weights] = [None] * ctx.form.weights
    return [grad_x if needs_x else None, None, None, *others]


def _by_reference(form: _Form, tensors: list[Any]) -> tuple[Tensor, ...]:
    """A request, computed by the reference."""
    x, weights, state, start, lengths, reset, kind, directions, _ = form.request(tensors)
    each = len(weights) // directions
    cells = tuple(cell_of(kind, weights[direction * each : (direction + 1) * each]) for direction in range(directions))
    states = cells[0].state_type(*state), cells[0].state_type(*start)
    if x.dim() == 3:
        outputs, final = each_way(unroll)(cells, x, states[0], lengths, reset, states[1])
        return outputs, *final
    assert lengths is not None  # packed: every real step, time-major
    steps, rows = real_steps(lengths, int(lengths.max())).t().nonzero(as_tuple=True)
    padded = x.new_zeros(len(lengths), int(lengths.max()), x.shape[1]).index_put((rows, steps), x)
    outputs, final = each_way(unroll)(cells, padded, states[0], lengths, reset, states[1])
    return outputs[rows, steps], *final


def cell_of(kind: str, weights: Sequence[Tensor]) -> Cell:
    """A cell for one call that reads these tensors."""
    blank = _blank(kind, weights[0].shape[1], weights[1].shape[1], len(weights) == len(PARAMETERS))
    return blank.with_weights(**dict(zip(PARAMETERS, weights, strict=False)))


@lru_cache(maxsize=256)
def _blank(kind: str, input_size: int, hidden_size: int, bias: bool) -> Cell:
    """A cell without weights of its own, for copies that read other tensors."""
    name, _, nonlinearity = kind.partition("-")
    with torch.device("meta"):
        if nonlinearity:
            return ElmanCell(input_size, hidden_size, nonlinearity, bias, "torch")
        return CELLS[name](input_size, hidden_size, bias, "torch")


def _setup_operator(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    request = Request(*inputs[:-1])
    ctx.form = _form(request)
    _save(ctx, _flat(request), output)


def _operator_gradients(ctx: Any, grads: list[Tensor | None]) -> tuple[Any, ...]:
    def run_backward(request: Request, *rest: Any) -> list[Tensor]:
        found: list[Tensor] = layer_backward(*request, *rest)
        return found

    x, _, _, *rest = _gradients(ctx, grads, run_backward)
    weights, states = rest[: ctx.form.weights], rest[ctx.form.weights :]
    return x, weights, states[: ctx.form.states], states[ctx.form.states :], None, None, None, None, None, None


layer.register_autograd(_operator_gradients, setup_context=_setup_operator)
