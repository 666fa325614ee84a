"""Backpropagation through time by hand, in torch: for machines without compiled kernels."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function

from elman.cells import Cell, state_names
from elman.kernels import PARAMETERS
from elman.layers.backends.by_hand_cells import EQUATIONS
from elman.layers.backends.packing import Packing, packing
from elman.layers.backends.reference_gradients import reference_gradients
from elman.layers.unroll import unroll
from elman.types import State


def by_hand(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run a cell of `EQUATIONS` over the real steps of a padded batch. Arguments and result as `unroll`.

    torch's autograd records every operation of every step and computes the weights' gradients step by step. Here the
    loop writes into buffers allocated once, and each weight's gradient is one product over all steps.
    """
    start = cell.zero_state(x) if start is None else start
    state = start if state is None else state
    # A compiler cannot see how many rows are active at a step, and fuses the reference's operations itself; autocast
    # does not lower the precision of operations that write into buffers.
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
        return unroll(cell, x, state, lengths, reset, start)
    weights = (getattr(cell, name) for name in PARAMETERS)
    restarts = () if reset is None else start
    apply: Any = _ByHand.apply  # torch gives it no types
    outputs, *rest = apply(cell, packing(x, lengths), lengths, reset, x, *weights, *state, *restarts)
    return outputs, cell.state_type(*rest[: len(state)])


class _ByHand(Function):
    """Inputs: see `forward`. Outputs: the layer's outputs, the final state's tensors, and those kept for `backward`."""

    @staticmethod
    def forward(
        cell: Cell,
        pack: Packing,
        lengths: Tensor | None,
        reset: Tensor | None,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        *states: Tensor,  # the state before the first step; with `reset`, then the one that a restart begins from
    ) -> tuple[Tensor, ...]:
        equations, width = EQUATIONS[type(cell)](cell), _width(cell)
        packed = pack.pack(x)
        if bias_ih is None or bias_hh is None:
            projected = packed @ weight_ih.t()
        else:
            projected = torch.addmm(equations.input_bias(bias_ih, bias_hh), packed, weight_ih.t())
        histories = [x.new_empty(pack.rows + packed.shape[0], cell.hidden_size) for _ in range(width)]
        for history, first in zip(histories, states[:width], strict=True):
            torch.index_select(first, 0, pack.order, out=history[: pack.rows])
        step, kept = equations.forward(projected, weight_hh, bias_hh, pack.sizes)
        before, after = pack.borders_of(*histories)
        if reset is None:
            for t in range(len(pack.sizes)):
                step(t, before[t], after[t])
            restarted = []
        else:
            restarted = [torch.empty_like(history[pack.rows :]) for history in histories]
            restarts = [first.index_select(0, pack.order) for first in states[width:]]
            fresh, chosen = pack.steps_of(pack.pack(reset[..., None])), pack.steps_of(*restarted)
            for t, rows in enumerate(pack.sizes):
                for restart, old, new in zip(restarts, before[t], chosen[t], strict=True):
                    torch.where(fresh[t][0], restart[:rows], old, out=new)
                step(t, chosen[t], after[t])
        outputs = pack.unpack(histories[0][pack.rows :])
        return outputs, *(history.index_select(0, pack.ends) for history in histories), *histories, *restarted, *kept

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.cell, ctx.pack, ctx.lengths, ctx.reset, *tensors = inputs
        kept = output[1 + _width(ctx.cell) :]
        ctx.inputs = len(tensors)
        ctx.mark_non_differentiable(*kept)
        ctx.set_materialize_grads(False)  # else zeros would be made for all that is kept
        ctx.save_for_backward(*tensors, *kept)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        inputs, kept = saved[: ctx.inputs], saved[ctx.inputs :]
        grads = grads[: 1 + _width(ctx.cell)]
        # Second derivatives are rare: the reference computes them.
        gradients = _through_the_reference if torch.is_grad_enabled() else _back
        return None, None, None, None, *gradients(ctx, inputs, kept, grads)


def _back(ctx: Any, inputs: tuple[Tensor, ...], kept: tuple[Tensor, ...], grads: tuple[Tensor | None, ...]) -> Any:
    """The gradients of the inputs from those of the outputs (B, T, H) and the final state's tensors (B, H)."""
    pack, reset, width = ctx.pack, ctx.reset, _width(ctx.cell)
    x, weight_ih, weight_hh, _, _, *states = inputs
    histories, kept = kept[:width], kept[width:]
    if reset is None:
        before = tuple(pack.before(history) for history in histories)
    else:
        before, kept = kept[:width], kept[width:]
    after = tuple(history[pack.rows :] for history in histories)
    flows = _flows(pack, histories, grads)
    back = EQUATIONS[type(ctx.cell)](ctx.cell).backward(kept, before, after, weight_hh, pack.sizes)
    grad_before, grad_after = pack.borders_of(*flows)
    if reset is None:
        grad_restarts = []
        for t in reversed(range(len(pack.sizes))):
            back.step(t, grad_after[t], grad_before[t])
    else:
        grad_restarts = [torch.zeros_like(state) for state in states[width:]]
        crossing = [torch.zeros_like(flow[pack.rows :]) for flow in flows]
        fresh, crossed = pack.steps_of(pack.pack(reset[..., None])), pack.steps_of(*crossing)
        for t in reversed(range(len(pack.sizes))):
            back.step(t, grad_after[t], crossed[t])
            for flow, restart, old in zip(crossed[t], grad_restarts, grad_before[t], strict=True):
                old += flow.masked_fill(fresh[t][0], 0)
                restart[: pack.sizes[t]] += flow.masked_fill(~fresh[t][0], 0)
    needs = dict(zip(("x", *PARAMETERS), ctx.needs_input_grad[4:], strict=False))
    grad_weight_hh = back.recurrent.t() @ before[0] if needs["weight_hh"] else None
    grad_bias_hh = back.recurrent.sum(0) if needs["bias_hh"] else None
    projected = back.projected(flows[0][pack.rows :])  # in place of `recurrent`, which is used up
    return (
        pack.unpack(projected @ weight_ih) if needs["x"] else None,
        projected.t() @ pack.pack(x) if needs["weight_ih"] else None,
        grad_weight_hh,
        projected.sum(0) if needs["bias_ih"] else None,
        grad_bias_hh,
        *(flow.index_select(0, pack.rank) for flow in flows),  # ranks are under B: the states before the first step
        *(restart.index_select(0, pack.rank) for restart in grad_restarts),
    )


def _flows(pack: Packing, histories: tuple[Tensor, ...], grads: tuple[Tensor | None, ...]) -> list[Tensor]:
    """What flows into each state of the histories (B + N, H) from outside: the outputs' and the final states' part."""
    grad_outputs, *grad_final = grads
    flows = [torch.zeros_like(history) for history in histories]
    if grad_outputs is not None:
        flows[0][pack.rows :] = pack.pack(grad_outputs)
    for flow, grad in zip(flows, grad_final, strict=True):
        if grad is not None:
            flow.index_add_(0, pack.ends, grad)
    return flows


def _through_the_reference(
    ctx: Any, inputs: tuple[Any, ...], kept: tuple[Tensor, ...], grads: tuple[Tensor | None, ...]
) -> Any:
    """The same gradients, as a graph that can be differentiated again."""
    width = _width(ctx.cell)

    def run(given: list[Any]) -> tuple[Tensor, ...]:
        x, *weights = given[:5]
        states = given[5:]
        cell: Cell = ctx.cell.with_weights(**dict(zip(PARAMETERS, weights, strict=True)))
        start = cell.state_type(*states[width:]) if states[width:] else None
        outputs, final = unroll(cell, x, cell.state_type(*states[:width]), ctx.lengths, ctx.reset, start)
        return outputs, *final

    return tuple(reference_gradients(run, inputs, ctx.needs_input_grad[4:], grads))


def _width(cell: Cell) -> int:
    """How many tensors the cell's state has."""
    return len(state_names(cell.state_type))
