"""All steps at once: one product for cells that never read their state."""

import torch
from torch import Tensor

from elman.cells import Cell, MemorylessCell, MemorylessState
from elman.layers.unroll import real_steps
from elman.types import State


def at_once(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run a `MemorylessCell` over a padded batch. Arguments and result as `unroll`; `reset` has no effect."""
    assert isinstance(cell, MemorylessCell)  # the choice of backend guarantees it
    if state is None:
        state = cell.zero_state(x) if start is None else start
    if x.shape[1] == 0:
        return x.new_zeros(x.shape[0], 0, cell.hidden_size), state
    if lengths is None:
        outputs = cell.hidden_of(cell.project(x))
        return outputs, MemorylessState(outputs[:, -1])
    real = real_steps(lengths, x.shape[1])[..., None]
    outputs = cell.hidden_of(cell.project(x.masked_fill(~real, 0))) * real
    last = outputs[torch.arange(len(x), device=x.device), (lengths - 1).clamp(min=0)]
    return outputs, MemorylessState(torch.where(lengths[:, None] > 0, last, state[0]))
