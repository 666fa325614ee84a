"""Packing: the real steps of a padded batch, in order of time, the longest rows first."""

from typing import NamedTuple

import torch
from torch import Tensor

from elman.layers.unroll import real_steps
from elman.types import State


class Packing(NamedTuple):
    """Where each of the N real steps of a padded batch (B, T) stands among (N, ...) packed ones.

    The rows that are active at a step are the first of those that were active at the step before. A history is (B + N,
    H): the states before the first step, then those after every packed step.
    """

    rows: int  # B
    steps: int  # T
    sizes: list[int]  # active rows at each step
    order: Tensor  # (B,) the rows, longest first
    rank: Tensor  # (B,) the place of each row in that order
    ends: Tensor  # (B,) the place of each row's final state in a history
    places: Tensor | None  # (N,) the place of each packed step in the batch, its rows concatenated; None: all real
    sources: Tensor | None  # (N,) the place in a history of the state before each packed step; None: N in a row

    def pack(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (N, C); the padding is not read."""
        if self.places is None:
            return x.transpose(0, 1).reshape(self.rows * self.steps, x.shape[2])
        return x.flatten(0, 1).index_select(0, self.places)

    def unpack(self, packed: Tensor) -> Tensor:
        """(N, C) -> (B, T, C), a copy with zeros in the padding."""
        if self.places is None:
            by_time = packed.view(self.steps, self.rows, packed.shape[1])
            return by_time.transpose(0, 1).clone(memory_format=torch.contiguous_format)
        padded = packed.new_zeros(self.rows * self.steps, packed.shape[1])
        return padded.index_copy_(0, self.places, packed).view(self.rows, self.steps, packed.shape[1])

    def before(self, history: Tensor) -> Tensor:
        """The states (N, H) before each packed step."""
        if self.sources is None:
            return history[: self.rows * self.steps]
        return history.index_select(0, self.sources)

    def steps_of(self, *packed: Tensor) -> list[State]:
        """Several (N, ...) as one tuple per step of its (rows, ...)."""
        return list(zip(*(torch.split(tensor, self.sizes) for tensor in packed), strict=True))

    def borders_of(self, *histories: Tensor) -> tuple[list[State], list[State]]:
        """Of every step, the states (rows, H) before and after it, as views of the histories (B + N, H)."""
        blocks = list(zip(*(torch.split(history, [self.rows, *self.sizes]) for history in histories), strict=True))
        before = [tuple(state[:rows] for state in block) for block, rows in zip(blocks[:-1], self.sizes, strict=True)]
        return before, blocks[1:]


def packing(x: Tensor, lengths: Tensor | None) -> Packing:
    """How to pack the padded batch x (B, T, D), all of it if `lengths` is None."""
    rows, steps = x.shape[:2]
    row = torch.arange(rows, device=x.device)
    if lengths is None or bool((lengths == steps).all()):
        return Packing(rows, steps, [rows] * steps, row, row, row + rows * steps, None, None)
    falling, order = lengths.sort(descending=True, stable=True)
    rank = order.argsort()
    real = real_steps(falling, steps).T  # (T, B)
    live = real.sum(1)
    starts = torch.cat([live.new_tensor([0, rows]), rows + live.cumsum(0)])  # of each step's states in a history
    step = torch.arange(steps, device=x.device)[:, None]
    return Packing(
        rows,
        steps,
        sizes=[size for size in live.tolist() if size],
        order=order,
        rank=rank,
        ends=starts[lengths] + rank,
        places=(order * steps + step)[real],
        sources=(starts[:steps, None] + row)[real],
    )
