"""The simple recurrent network: no gates, one state."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells.base import Cell
from elman.checks import check_choice
from elman.types import State

NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda x: x,
}


class ElmanState(NamedTuple):
    hidden: Tensor  # (B, H); in (-1, 1) with tanh, not bounded with relu and identity


class ElmanCell(Cell):
    """Simple recurrent network (Elman 1990, Cognitive Science 14), in the form of torch.nn.RNN:

        h' = f(W_ih x + b_ih + W_hh h + b_hh)          f = tanh, relu or identity

    The paper's activation is the logistic function, and it has one bias; the second one is torch's (cuDNN's).

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 1.
        nonlinearity: "tanh", "relu" (torch has both) or "identity" (a linear recurrence; torch has none).
        bias: without it the b terms are left out.
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Shape: x (B, D), state.hidden (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size under 1, an unknown nonlinearity or init.

    Example:
        >>> cell = ElmanCell(3, 4, nonlinearity="relu")
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.hidden is output
        (torch.Size([2, 4]), True)
    """

    gates = ("hidden",)
    state_type = ElmanState

    def __init__(
        self, input_size: int, hidden_size: int, nonlinearity: str = "tanh", bias: bool = True, init: str = "orthogonal"
    ) -> None:
        check_choice("ElmanCell", "nonlinearity", nonlinearity, NONLINEARITIES)
        super().__init__(input_size, hidden_size, bias, init)
        self.nonlinearity = nonlinearity

    def combine(self, projected: Tensor, recurrent: Tensor, state: State) -> tuple[Tensor, ElmanState]:
        hidden = NONLINEARITIES[self.nonlinearity](projected + recurrent)
        return hidden, ElmanState(hidden)
