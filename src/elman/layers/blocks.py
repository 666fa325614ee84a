"""Recomputation in blocks of time: the forward pass keeps the states at their borders only.

Forward, block after block runs without a graph. Backward, from the last block to the first, each runs again with a
graph of its own, from the state at its border, and passes the gradient of that state to the block before it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import Function

from elman.cells import Cell, state_names
from elman.layers.directions import LayerFunction, borders
from elman.types import State


class Plan(NamedTuple):
    """Cells of one direction, and how they run."""

    run: LayerFunction  # (cells, x, state, lengths, reset, start) -> (outputs, state)
    cells: Sequence[Cell]
    size: int  # steps of a block
    backward: bool = False  # rows are read from their true ends
    cut: bool = False  # the gradient ends at the borders
    keep_outputs: bool = True


class _Block(NamedTuple):
    """Some steps in the order in which they are read."""

    begin: int
    end: int
    places: Tensor | None  # (B, t) where they stand in the batch; None: from `begin` to `end`
    lengths: Tensor | None  # (B,) real ones among them
    reset: Tensor | None  # (B, t)

    def read(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, t, C)."""
        if self.places is None:
            return x[:, self.begin : self.end]
        return x.gather(1, self.places[..., None].expand(-1, -1, x.shape[2]))

    def add(self, x: Tensor, values: Tensor) -> None:
        """Add (B, t, C) to their places in x (B, T, C)."""
        if self.places is None:
            x[:, self.begin : self.end] += values
        else:
            x.scatter_add_(1, self.places[..., None].expand(-1, -1, x.shape[2]), values)


class _Surroundings:
    """The random state at each border and the autocast of the forward pass, so that a block runs again as before."""

    def __init__(self, device: torch.device, blocks: int) -> None:
        self.device = device
        self.autocast = torch.get_autocast_dtype(device.type), torch.is_autocast_enabled(device.type)
        self.random = torch.empty(blocks, len(torch.get_rng_state()), dtype=torch.uint8)
        self.random_there: list[Tensor] = []

    def note(self, at: int) -> None:
        """Remember the random state before block `at`."""
        self.random[at] = torch.get_rng_state()
        if self.device.type != "cpu":
            self.random_there.append(torch.get_device_module(self.device).get_rng_state(self.device))

    @contextmanager
    def again(self, at: int) -> Iterator[None]:
        """A context with the random state from before block `at`; the current one is restored after it."""
        device, kind = self.device, self.device.type
        devices = [device] if self.random_there else []
        with torch.random.fork_rng(devices, device_type=kind), torch.autocast(kind, *self.autocast):
            torch.set_rng_state(self.random[at].clone())  # torch reads from where the memory begins, not the tensor
            if devices:
                torch.get_device_module(device).set_rng_state(self.random_there[at], device)
            yield


def in_blocks(
    plan: Plan, x: Tensor, state: State, lengths: Tensor | None, reset: Tensor | None, start: State
) -> tuple[Tensor, State]:
    """Run a plan over a padded batch.

    Arguments and result as `run_stack`; the outputs stand in the order of x whichever way they were read, and there are
    none, (B, 0, H), unless the plan keeps them.
    """
    blocks = _blocks(plan, x, lengths, reset)
    if not blocks:  # no row has a step
        return plan.run(plan.cells, x, state, lengths, reset, start)
    parameters = [parameter for cell in plan.cells for parameter in cell.weights().values()]
    apply: Any = _InBlocks.apply  # torch gives it no types
    outputs, *final = apply(plan, blocks, lengths, type(state), x, *state, *start, *parameters)
    return outputs, type(state)(*final)


def _blocks(plan: Plan, x: Tensor, lengths: Tensor | None, reset: Tensor | None) -> list[_Block]:
    """The blocks of a batch, up to the end of its longest row."""
    ends = x.new_full(x.shape[:1], x.shape[1], dtype=torch.long) if lengths is None else lengths
    reset = borders(reset, lengths) if plan.backward else reset
    last, found = int(ends.max()), []
    for begin in range(0, last, plan.size):
        end, places = min(begin + plan.size, last), None
        if plan.backward:  # the padding stays where it is, as in `turned`
            steps = torch.arange(begin, end, device=x.device)
            places = torch.where(steps < ends[:, None], ends[:, None] - 1 - steps, steps)
        real = None if lengths is None else (lengths - begin).clamp(0, end - begin)
        found.append(_Block(begin, end, places, real, None if reset is None else reset[:, begin:end]))
    return found


class _Tensors(NamedTuple):
    """The inputs of `_InBlocks` that may have gradients."""

    x: Tensor
    state: State
    start: State
    parameters: Sequence[Any]  # of all cells; None where a cell has none

    @classmethod
    def of(cls, state_type: Any, flat: Sequence[Any]) -> "_Tensors":
        rest, width = iter(flat), len(state_names(state_type))
        x = next(rest)
        state, start = (state_type(*islice(rest, width)) for _ in range(2))
        return cls(x, state, start, list(rest))


class _InBlocks(Function):
    """Inputs: a plan, its blocks, lengths and the type of the state; then those of `_Tensors`, one by one."""

    @staticmethod
    def forward(
        ctx: Any, plan: Plan, blocks: Sequence[_Block], lengths: Tensor | None, state_type: Any, *flat: Any
    ) -> tuple[Tensor, ...]:
        tensors = _Tensors.of(state_type, flat)
        # Allocated at once: small tensors between large temporary ones would fragment the memory.
        kept = [tensor.new_empty(len(blocks), *tensor.shape) for tensor in tensors.state]
        surroundings = _Surroundings(tensors.x.device, len(blocks))

        def at_border(at: int, state: State) -> None:
            surroundings.note(at)
            for border, tensor in zip(kept, state, strict=True):
                border[at] = tensor

        outputs, final = _run(plan, blocks, tensors, at_border)
        ctx.plan, ctx.blocks, ctx.lengths, ctx.state_type = plan, blocks, lengths, state_type
        ctx.surroundings = surroundings
        ctx.inputs = len(flat)
        ctx.set_materialize_grads(False)  # otherwise zeros would be allocated for outputs that nothing reads
        ctx.save_for_backward(*flat, *kept)
        return outputs, *final

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        flat, kept = ctx.saved_tensors[: ctx.inputs], ctx.saved_tensors[ctx.inputs :]
        if torch.is_grad_enabled():  # a second derivative is asked for
            return None, None, None, None, *_gradients_as_a_graph(ctx, flat, grads)
        return None, None, None, None, *_gradients(ctx, flat, kept, grads)


def _run(
    plan: Plan,
    blocks: Sequence[_Block],
    tensors: _Tensors,
    at_border: Callable[[int, State], None] = lambda at, state: None,
) -> tuple[Tensor, State]:
    """All blocks one after the other -> outputs and the final state."""
    x, state, start, parameters = tensors
    cells = _with_parameters(plan.cells, parameters)
    outputs = x.new_empty(x.shape[0], 0, state[0].shape[2])
    for at, block in enumerate(blocks):
        at_border(at, state)
        part, state = plan.run(cells, block.read(x), state, block.lengths, block.reset, start)
        if plan.keep_outputs:
            if block.begin == 0:
                outputs = part.new_zeros(*x.shape[:2], part.shape[2])
            block.add(outputs, part)
    return outputs, state


def _gradients(
    ctx: Any, flat: Sequence[Any], kept: Sequence[Tensor], grads: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """The gradients of the inputs, block by block from the last one."""
    plan, (needs_x, *needs) = ctx.plan, ctx.needs_input_grad[4:]
    grad_outputs, *grad_final = grads
    leaves = [t if t is None else t.detach().requires_grad_(need) for t, need in zip(flat[1:], needs, strict=True)]
    x, state, start, parameters = _Tensors.of(ctx.state_type, [flat[0].detach(), *leaves])
    cells = _with_parameters(plan.cells, parameters)
    grad_x = torch.zeros_like(x) if needs_x else None
    flow = _or_zeros(grad_final, state)
    for at in reversed(range(len(ctx.blocks))):
        block = ctx.blocks[at]
        before = ctx.state_type(*(border[at].detach().requires_grad_() for border in kept))
        part = block.read(x).requires_grad_(needs_x)
        with torch.enable_grad(), ctx.surroundings.again(at):
            outputs, after = plan.run(cells, part, before, block.lengths, block.reset, start)
            # A sum with these gradients: if they were passed directly, torch would first import sympy, 40 MB of it.
            goal = sum((to * grad).sum() for to, grad in zip(after, flow, strict=True))
            if grad_outputs is not None:
                goal = goal + (outputs * block.read(grad_outputs)).sum()
        torch.autograd.backward(goal)
        flow = _or_zeros([t.grad for t in before], before)
        if grad_x is not None and part.grad is not None:
            block.add(grad_x, part.grad)
        if plan.cut and at > 0:  # the gradient of a row's end before this block does not belong to an active row
            flow = [_of_ended(grad, ctx.lengths, block.begin) for grad in flow]
    return [grad_x, *flow, *(None if t is None else t.grad for t in (*start, *parameters))]


def _gradients_as_a_graph(ctx: Any, flat: Sequence[Any], grads: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The same gradients, in a graph that can be differentiated again and holds every step."""
    needs = ctx.needs_input_grad[4:]
    # Not the inputs themselves: one may have been computed from another one, and that path is not ours to
    # differentiate.
    own = [t.view_as(t) if need else t for t, need in zip(flat, needs, strict=True)]
    with ctx.surroundings.again(0):
        outputs, final = _run(ctx.plan, ctx.blocks, _Tensors.of(ctx.state_type, own))
    pairs = [(result, grad) for result, grad in zip((outputs, *final), grads, strict=True) if grad is not None]
    wanted = [t for t, need in zip(own, needs, strict=True) if need]
    results, given = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(results, wanted, given, create_graph=True, allow_unused=True))
    return [next(found) if need else None for need in needs]


def _with_parameters(cells: Sequence[Cell], parameters: Sequence[Any]) -> tuple[Cell, ...]:
    """Cells as these that read other parameters, in the same order."""
    given = iter(parameters)
    return tuple(cell.with_weights(**{name: next(given) for name in cell.weights()}) for cell in cells)


def _or_zeros(grads: Sequence[Tensor | None], tensors: Sequence[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(to) if grad is None else grad for grad, to in zip(grads, tensors, strict=True)]


def _of_ended(grad: Tensor, lengths: Tensor | None, begin: int) -> Tensor:
    """The gradient (B, N, H) of those rows whose steps all lie before `begin`, zero for the others."""
    return torch.zeros_like(grad) if lengths is None else grad * (lengths <= begin)[:, None, None]
