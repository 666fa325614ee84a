"""The parallel scan, for cells whose gates do not read the state."""

import torch
from torch import Tensor

from elman.cells import Cell, MinGRUCell, MinGRUState
from elman.layers.unroll import real_steps
from elman.types import State


def scan(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run a `MinGRUCell` over a padded batch in about log2(T) vector operations. Arguments and result as `unroll`.

    Each step is h' = keep * h + write with keep = 1 - z and write = z * n. Two steps in a row are one step of the same
    form, so the steps are joined by doubling (Hillis & Steele 1986). keep lies in [0, 1]: nothing can overflow, and no
    logarithm is needed.
    """
    assert isinstance(cell, MinGRUCell)  # the choice of backend guarantees it
    first = cell.zero_state(x) if start is None else start
    state = first if state is None else state
    if x.shape[1] == 0:
        return x.new_zeros(x.shape[0], 0, cell.hidden_size), state
    real = None if lengths is None else real_steps(lengths, x.shape[1])[..., None]
    if real is not None:
        x = x.masked_fill(~real, 0)
    update, candidate = cell.gates_of(cell.project(x))
    keep, write = 1 - update, update * candidate
    if reset is not None:  # a restart forgets the state before it and begins from `first`
        write = torch.where(reset[..., None], write + keep * first[0][:, None], write)
        keep = keep.masked_fill(reset[..., None], 0)
    if real is not None:  # after a row's end the state is frozen
        keep, write = keep.masked_fill(~real, 1), write.masked_fill(~real, 0)
    keep, write = _joined(keep, write)
    hidden = write + keep * state[0][:, None]
    outputs = hidden if real is None else hidden * real
    return outputs, MinGRUState(hidden[:, -1])


def _joined(keep: Tensor, write: Tensor) -> tuple[Tensor, Tensor]:
    """Steps (B, T, H) -> for every t, the one step that is equal to steps 0 to t together."""
    distance = 1
    while distance < keep.shape[1]:
        earlier, later = slice(None, -distance), slice(distance, None)
        write = torch.cat([write[:, :distance], keep[:, later] * write[:, earlier] + write[:, later]], 1)
        keep = torch.cat([keep[:, :distance], keep[:, later] * keep[:, earlier]], 1)
        distance *= 2
    return keep, write
