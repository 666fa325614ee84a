"""Noise in training: masks, drawn once for each forward call, and cells that apply them."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor

from elman.cells import Cell
from elman.checks import check_fraction, fail
from elman.layers.dropout import drop_out
from elman.types import State


class Noise(NamedTuple):
    """The rates, from 0 to below 1, of each kind of noise; `elman.layers.RecurrentOptions` explains them.

    Everything is drawn from torch's generator of the device of x.
    """

    dropout: float = 0.0
    locked: bool = False
    recurrent_dropout: float = 0.0
    weight_drop: float = 0.0
    zoneout: float = 0.0

    def check(self, where: str, cell_type: type[Cell], num_layers: int) -> None:
        """Fail where a rate is out of its range, or has no effect in layers of such a cell."""
        for name in ("dropout", "recurrent_dropout", "weight_drop", "zoneout"):
            check_fraction(where, name, getattr(self, name))
        if self.locked and (num_layers == 1 or not self.dropout):
            got = f"num_layers={num_layers} and dropout={self.dropout}"
            fail(where, "locked", "go with dropout between layers", got, "Set both, or leave locked out.")
        if self.recurrent_dropout and cell_type.step is not Cell.step:
            must = "be 0 for a cell with its own `step` instead of `combine`"
            fail(where, "recurrent_dropout", must, str(self.recurrent_dropout), "Use zoneout.")
        if self.weight_drop and not cell_type.gates_see_state:
            fail(where, "weight_drop", "be 0 for a cell without weight_hh", str(self.weight_drop), "Use zoneout.")

    def applied_to(self, cells: Sequence[Cell], x: Tensor) -> tuple[Cell, ...]:
        """The cells with this noise, for one forward call over x (B, T, D)."""
        return tuple(self._applied_to(cell, x) for cell in cells)

    def _applied_to(self, cell: Cell, x: Tensor) -> Cell:
        if self.weight_drop:
            cell = cell.with_weights(weight_hh=drop_out(cell.weight_hh, self.weight_drop))
        if not (self.recurrent_dropout or self.zoneout):
            return cell
        mask = None
        if self.recurrent_dropout:
            mask = drop_out(x.new_ones(x.shape[0], cell.hidden_size), self.recurrent_dropout)
        return cast(Cell, NoisyCell(cell, mask, self.zoneout))  # the reference needs no more of a cell

    def locks(self, x: Tensor, count: int, size: int) -> list[Tensor]:
        """Masks (B, 1, size) for the outputs of `count` layers, or none unless the noise is `locked`."""
        if not self.locked:
            return []
        return [drop_out(x.new_ones(x.shape[0], 1, size), self.dropout) for _ in range(count)]


class NoisyCell:
    """A cell with noise in its steps, for one forward call; it has what `unroll` needs of a cell.

    Args:
        cell: the cell.
        mask: (B, H), the factor of the hidden state before weight_hh; None: no factor.
        zoneout: below 1, the probability that an entry of the state keeps its value.
    """

    def __init__(self, cell: Cell, mask: Tensor | None, zoneout: float) -> None:
        self.cell, self.mask, self.zoneout = cell, mask, zoneout
        self.state_type, self.hidden_size = cell.state_type, cell.hidden_size
        self.zero_state, self.project, self.weights = cell.zero_state, cell.project, cell.weights

    def with_weights(self, **weights: Tensor) -> "NoisyCell":
        """As `Cell.with_weights`; the noise stays the same."""
        return NoisyCell(self.cell.with_weights(**weights), self.mask, self.zoneout)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """As `Cell.step`."""
        if self.mask is None:
            output, after = self.cell.step(projected, state)
        else:
            output, after = self.cell.combine(projected, self.cell.recur(state[0] * self.mask), state)
        if not self.zoneout:
            return output, after
        after = type(state)(*(self._zoned(old, new) for old, new in zip(state, after, strict=True)))
        return after[0], after

    def _zoned(self, old: Tensor, new: Tensor) -> Tensor:
        stays = torch.rand(new.shape, device=new.device) < self.zoneout  # in float32, whatever the state is
        return torch.where(stays, old, new)
