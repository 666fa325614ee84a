"""Our own kernels as a backend: both directions at once, lengths and restarts inside, real steps only."""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.function import Function

from elman.cells import CELLS, Cell, ElmanCell, GRUCell, LSTMCell
from elman.kernels import KERNELS, PARAMETERS
from elman.layers.directions import each_way
from elman.layers.native.ops import layer, layer_backward
from elman.layers.native.run import Request, backward, forward
from elman.layers.second import reference_gradients
from elman.layers.unroll import real_steps, unroll
from elman.types import State

PLAIN = (Tensor, nn.Parameter)  # a subclass of them may mean anything
LEAST_STEPS = 8  # of all rows together


def transformed() -> bool:
    """Whether torch traces, transforms or differentiates forward at this moment, in which the kernels take no part."""
    return not torch.compiler.is_compiling() and (
        bool(torch._C._get_tracing_state())
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def watched(tensors: Iterable[Any]) -> bool:
    """Whether something watches the operators that are called with these tensors, and so must see one."""
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or any(type(tensor) not in PLAIN for tensor in tensors)
    )


def are_plain(tensors: Iterable[Any]) -> bool:
    """Whether all of them are torch's own tensors, in float32, on the CPU."""
    return all(
        isinstance(tensor, Tensor) and tensor.dtype == torch.float32 and tensor.device.type == "cpu"
        for tensor in tensors
        if tensor is not None
    )


def kernels_may_run(tensors: Iterable[Any]) -> bool:
    """Whether nobody watches what torch does at this moment, and all tensors are plain float32 on the CPU."""
    tensors = list(tensors)
    if KERNELS.name == "none" or torch.is_autocast_enabled("cpu") or transformed() or watched(tensors):
        return False
    return are_plain(tensors)


def fused_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    """Why the kernels cannot answer a request, or None."""
    if type(cell) not in (ElmanCell, LSTMCell, GRUCell):
        return "there is no kernel for this cell"
    if not are_plain((x, *(getattr(cell, name) for name in PARAMETERS))):
        return "the kernels compute in float32 on the CPU, and x or a weight is something else"
    if transformed():
        return "the kernels take no part in tracing, torch.func and forward-mode derivatives"
    return f"there are no kernels ({KERNELS.reason})" if KERNELS.name == "none" else None


def fused_suits(cell: Cell, x: Tensor, reset: Tensor | None) -> bool:
    """The kernels put the weights into another order at each call, which a few steps are not worth."""
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
    elif keep:  # the operator would do, but takes as long as a hundred small steps to be called
        apply: Any = _Layer.apply  # torch gives it no types
        results = apply(_form(request), *tensors)
    else:
        results = forward(request, keep)
    return results[0], type(state)(*results[1 : 1 + len(state)])


class _Form(NamedTuple):
    """What a request says beside its tensors, which torch wants to be handed one by one."""

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

    Without `setup_context`, for which torch looks up the signature of `forward` at each call, ten microseconds long;
    `torch.func`, which asks for it, is handed the operator.
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
    ctx.set_materialize_grads(False)  # else zeros would be made for all that is kept
    ctx.save_for_backward(*tensors, results[0], *results[1 + ctx.form.states :])


def _gradients(ctx: Any, grads: Sequence[Tensor | None], run_backward: Any) -> list[Tensor | None]:
    """The gradients of a request's tensors, in their order."""
    saved = ctx.saved_tensors
    tensors, (outputs, *kept) = saved[: ctx.count], saved[ctx.count :]
    request = ctx.form.request(tensors)
    shapes = (outputs, *request.state)
    given = [torch.zeros_like(to) if grad is None else grad for grad, to in zip(grads, shapes, strict=False)]
    if torch.is_grad_enabled():  # somebody wants the gradient of a gradient
        needed = [tensor is not None and tensor.requires_grad for tensor in tensors]
        return reference_gradients(partial(_by_reference, ctx.form), tensors, needed, given)
    needs_x, needs_weights = tensors[0].requires_grad, any(weight.requires_grad for weight in request.weights)
    grad_x, *others = run_backward(request, outputs, kept, given[0], given[1:], needs_x, needs_weights)
    if not needs_weights:
        others[: ctx.form.weights] = [None] * ctx.form.weights
    return [grad_x if needs_x else None, None, None, *others]


def _by_reference(form: _Form, tensors: list[Any]) -> tuple[Tensor, ...]:
    """What a request asks for, by the reference."""
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
    """A cell that reads these tensors, made for one call: nothing of them stays."""
    blank = _blank(kind, weights[0].shape[1], weights[1].shape[1], len(weights) == len(PARAMETERS))
    return blank.with_weights(**dict(zip(PARAMETERS, weights, strict=False)))


@lru_cache(maxsize=256)
def _blank(kind: str, input_size: int, hidden_size: int, bias: bool) -> Cell:
    """A cell without memory of its own, whose attributes others take over."""
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
