"""torch's own cells with our step inside, into which `elman.accelerate` turns torch.nn.LSTMCell and GRUCell."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.kernels import PARAMETERS
from elman.layers.native.conditions import kernels_may_run
from elman.layers.native.steps import single_step

MOST_ROWS = (
    4  # with more, torch's matrix products, which serve several rows with each weight that they load, are faster
)


class _FusedCell(nn.RNNCellBase):
    """A torch cell whose step is one call of a kernel where no backward pass is recorded; all else is torch's own.

    The weights are read at each call, so that they are never out of date.
    """

    states: ClassVar[int] = 1

    def forward(self, input: Any, hx: Any = None) -> Any:  # as torch.nn.LSTMCell and GRUCell
        given = (hx,) if self.states == 1 and hx is not None else hx
        state = self._state(input, given)
        weights = [getattr(self, name) for name in PARAMETERS]
        tensors = [tensor for tensor in (input, *weights, *(state or ())) if tensor is not None]
        recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
        if state is None or recorded or not kernels_may_run(tensors):
            return super().forward(input, hx)
        after = single_step(self._kind(), input, state, weights)
        return tuple(after) if self.states == 2 else after[0]

    def _state(self, x: Any, given: Any) -> list[Tensor] | None:
        """The state before the step, zeros where none is given; None if torch must handle it."""
        if (
            not isinstance(x, Tensor)
            or x.dim() != 2
            or not 0 < x.shape[0] <= MOST_ROWS
            or x.shape[1] != self.input_size
        ):
            return None
        shape = (x.shape[0], self.hidden_size)
        if given is None:
            return [x.new_zeros(shape) for _ in range(self.states)]
        if not isinstance(given, (tuple, list)) or len(given) != self.states:
            return None
        fits = all(isinstance(tensor, Tensor) and tensor.shape == shape for tensor in given)
        return list(given) if fits else None

    def _kind(self) -> str:
        raise NotImplementedError


class FusedLSTMCell(_FusedCell, nn.LSTMCell):
    """torch.nn.LSTMCell, accelerated."""

    states = 2

    def _kind(self) -> str:
        return "lstm"


class FusedGRUCell(_FusedCell, nn.GRUCell):
    """torch.nn.GRUCell, accelerated."""

    def _kind(self) -> str:
        return "gru"
