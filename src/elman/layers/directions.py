"""Two directions from code for one: rows are reversed before the backward cell, and back after it."""

from collections.abc import Callable

import torch
from torch import Tensor

from elman.cells import Cell
from elman.types import State

# (cell or cells, x, state, lengths, reset, start) -> (outputs, final state); see `unroll`, `Backend.run`, `run_stack`.
LayerFunction = Callable[..., tuple[Tensor, State]]


def each_way(one_way: LayerFunction) -> LayerFunction:
    """From code for one cell, as `unroll`, to code for the one or two cells of a layer, as `Backend.run`."""

    def run(
        cells: tuple[Cell, ...],
        x: Tensor,
        state: State,
        lengths: Tensor | None,
        reset: Tensor | None,
        start: State,
    ) -> tuple[Tensor, State]:
        outputs, finals = [], []
        for at, cell in enumerate(cells):
            before, fresh = pick(state, at), pick(start, at)
            if at == 0:
                output, final = one_way(cell, x, before, lengths, reset, fresh)
            else:
                output, final = one_way(cell, turned(x, lengths), before, lengths, borders(reset, lengths), fresh)
                output = turned(output, lengths)
            outputs.append(output)
            finals.append(final)
        ends = type(state)(*(torch.stack(tensors, 1) for tensors in zip(*finals, strict=True)))
        return outputs[0] if len(cells) == 1 else torch.cat(outputs, -1), ends

    return run


def pick(state: State, index: int | slice) -> State:
    """(B, N, H) -> the (B, H) of one layer and direction, or the (B, n, H) of several."""
    return type(state)(*(tensor[:, index] for tensor in state))


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """(B, T, ...) with each row's real steps in reverse order, its padding unmoved."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    source = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return x.gather(1, source.view(*source.shape, *[1] * (x.dim() - 2)).expand_as(x))


def borders(reset: Tensor | None, lengths: Tensor | None) -> Tensor | None:
    """The restarts of the backward cell, in its own order of steps, where `reset` (B, T) has the forward cell's.

    A restart before step t is, from the end, one before step t - 1. Restarts in the padding are ignored.
    """
    if reset is None:
        return None
    crossed = torch.cat([reset[:, 1:], torch.zeros_like(reset[:, :1])], 1)
    if lengths is not None:
        crossed = crossed & (torch.arange(1, reset.shape[1] + 1, device=reset.device) < lengths[:, None])
    return turned(crossed, lengths)
