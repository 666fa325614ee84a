"""Truncated backpropagation through time: chunks of steps pass on the state, but not its gradient."""

from collections.abc import Sequence

import torch
from torch import Tensor

from elman.cells import Cell
from elman.layers.directions import LayerFunction
from elman.types import State


def truncated(
    run: LayerFunction,
    bptt: int,
    cells: Sequence[Cell],
    directions: int,
    x: Tensor,
    state: State,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run a stack in chunks (Williams & Peng 1990; Sutskever 2013).

    The borders are at multiples of `bptt` from the first step, the same for every row: a step's gradient reaches back
    to the border before it, at most `bptt` steps. Outputs and states are those of `run`, and with bptt >= T so are the
    gradients. The final state of a row belongs to the chunk in which the row ends.

    Args:
        run: the stack, as `run_stack`; of one direction.
        bptt: at least 1.
        cells, directions, x, state, lengths, reset, start: as `run_stack`.

    Returns: outputs (B, T, H) and the state (B, N, H) at each row's own end.
    """
    if x.shape[1] <= bptt:
        return run(cells, directions, x, state, lengths, reset, start)
    parts = []
    # Not by slices: the gradient of each would have the size of the whole x.
    for begin, chunk in zip(range(0, x.shape[1], bptt), torch.split(x, bptt, 1), strict=True):
        if begin:
            state = _cut(state, lengths, begin)
        end = begin + chunk.shape[1]
        real = None if lengths is None else (lengths - begin).clamp(0, end - begin)
        fresh = None if reset is None else reset[:, begin:end]
        outputs, state = run(cells, directions, chunk, state, real, fresh, start)
        parts.append(outputs)
    return torch.cat(parts, 1), state


def truncated_final(
    run: LayerFunction,
    bptt: int,
    cells: Sequence[Cell],
    directions: int,
    x: Tensor,
    state: State,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> State:
    """The final state (B, N, H) alone, as `truncated` returns it: only the chunk in which a row ends needs a graph.

    Args: as `truncated`.
    """
    steps = x.shape[1]
    if steps <= bptt:
        return run(cells, directions, x, state, lengths, reset, start)[1]
    ends = torch.full(x.shape[:1], steps, device=x.device) if lengths is None else lengths
    border = (ends - 1).clamp(min=0) // bptt * bptt  # (B,) the last one before each row's end
    with torch.no_grad():
        carried = run(cells, directions, x, state, border, reset, start)[1]
    first = (border == 0)[:, None, None]
    state = type(state)(*(torch.where(first, own, far) for own, far in zip(state, carried, strict=True)))
    # Steps after a row's end are never read, so that any step will do there.
    places = (border[:, None] + torch.arange(bptt, device=x.device)).clamp(max=steps - 1)  # (B, bptt)
    chunk = x.gather(1, places[..., None].expand(-1, -1, x.shape[2]))
    fresh = None if reset is None else reset.gather(1, places)
    return run(cells, directions, chunk, state, ends - border, fresh, start)[1]


def _cut(state: State, lengths: Tensor | None, begin: int) -> State:
    """The state, detached in the rows that continue at step `begin`."""
    if lengths is None:
        return type(state)(*(tensor.detach() for tensor in state))
    ended = (lengths <= begin)[:, None, None]
    return type(state)(*(torch.where(ended, tensor, tensor.detach()) for tensor in state))
