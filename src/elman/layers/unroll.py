"""The reference: a cell applied step by step. Slow, short, and the truth that every faster path is tested against."""

from collections.abc import Iterator

import torch
from torch import Tensor

from elman.cells import Cell
from elman.types import State


def unroll(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run `cell` over a padded batch.

    Args:
        cell: the cell, applied with the same weights at every step.
        x: (B, T, D); values after a row's length are never read.
        state: before the first step; `start` if None.
        lengths: (B,) real steps of each row, 0 to T; all T if None.
        reset: (B, T) booleans; True restarts the row from `start` before that step.
        start: the initial state of a sequence; zeros if None.

    Returns: outputs (B, T, H), zero after a row's end, and the state (B, H) that each row had at its own end.
    """
    outputs = []
    start = cell.zero_state(x) if start is None else start
    state = start if state is None else state
    for output, after in _steps(cell, x, state, lengths, reset, start):
        outputs.append(output)
        state = after
    return (torch.stack(outputs, 1) if outputs else x.new_zeros(x.shape[0], 0, cell.hidden_size)), state


def unroll_states(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> State:
    """The state after every step: the cell's NamedTuple of (B, T, H). A row's state is frozen after its end.

    Args: as `unroll`.
    """
    start = cell.zero_state(x) if start is None else start
    state = start if state is None else state
    states = [after for _, after in _steps(cell, x, state, lengths, reset, start)]
    if not states:
        return cell.state_type(*(tensor[:, None][:, :0] for tensor in start))
    return cell.state_type(*(torch.stack(tensors, 1) for tensors in zip(*states, strict=True)))


def real_steps(lengths: Tensor, steps: int) -> Tensor:
    """(B,) lengths -> the mask (B, T), True where a step is real."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def _steps(
    cell: Cell, x: Tensor, state: State, lengths: Tensor | None, reset: Tensor | None, start: State
) -> Iterator[tuple[Tensor, State]]:
    real = None if lengths is None else real_steps(lengths, x.shape[1])
    if real is not None:
        x = x.masked_fill(~real[..., None], 0)  # a NaN times zero is a NaN: the padding goes before the product
    projected = cell.project(x)
    for t in range(x.shape[1]):
        before = state if reset is None else _where(reset[:, t], start, state)
        output, after = cell.step(projected[:, t], before)
        if real is not None:
            output, after = output * real[:, t, None], _where(real[:, t], after, state)
        yield output, after
        state = after


def _where(rows: Tensor, yes: State, no: State) -> State:
    return type(yes)(*(torch.where(rows[:, None], a, b) for a, b in zip(yes, no, strict=True)))
