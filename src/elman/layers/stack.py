"""A stack of layers: each reads the outputs of the one below it."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from elman.cells import Cell
from elman.layers.backends import choose_backend
from elman.layers.directions import LayerFunction, pick
from elman.layers.dropout import drop_out
from elman.types import State


def run_stack(
    cells: Sequence[Cell],
    directions: int,
    x: Tensor,
    state: State,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
    dropout: float = 0.0,
    backend: str = "auto",
    locks: Sequence[Tensor] = (),
    around: Callable[..., tuple[Tensor, State]] | None = None,
) -> tuple[Tensor, State]:
    """Run a stack of layers over a padded batch.

    Args:
        cells: N cells in torch's order: layer by layer, within a layer forward before backward.
        directions: 1, or 2 where every second cell reads each row from its true end.
        x: (B, T, D); values after a row's length are never read.
        state: before the first step, the cells' NamedTuple of (B, N, H).
        lengths: (B,) int64 on x's device, 0 to T; all T if None.
        reset: (B, T) booleans, where rows restart from `start`.
        start: (B, N, H), the state of a new sequence; `state` if None.
        dropout: below 1, the fraction of the outputs between two layers that is set to zero; 0 in evaluation.
        backend: "auto" or one of `elman.layers.BACKENDS`.
        locks: (B, 1, directions * H) each, factors of the outputs between two layers, in place of `dropout`.
        around: runs a layer in place of its backend's code, which it gets as its first argument.

    Returns: outputs (B, T, directions * H), zero after a row's end, and the state (B, N, H) at each row's own end.
    """
    start = state if start is None else start
    finals: list[State] = []
    for first in range(0, len(cells), directions):
        layer = slice(first, first + directions)
        if first:
            x = x * locks[first // directions - 1] if locks else drop_out(x, dropout, dropout > 0)
        run: LayerFunction = choose_backend(backend, cells[first], x, reset).run
        if around is not None:
            run = partial(around, run)
        x, final = run(tuple(cells[layer]), x, pick(state, layer), lengths, reset, pick(start, layer))
        finals.append(final)
    if len(finals) == 1:
        return x, finals[0]
    return x, type(state)(*(torch.cat(tensors, 1) for tensors in zip(*finals, strict=True)))
