"""A cell without memory: the baseline that shows what a recurrent network gains from its state."""

from typing import NamedTuple

from torch import Tensor

from elman.cells.base import Cell


class MemorylessState(NamedTuple):
    hidden: Tensor  # (B, H), in (-1, 1): the last output; no step reads it


class MemorylessCell(Cell):
    """A step that depends on its own input only:

        h' = tanh(W_ih x + b_ih)

    This is the network of Elman (1990, Cognitive Science 14) without its context units. It returns a state as other
    cells do, so that it can replace them in every network, but never reads one: an output depends on its own step
    alone, and a network that predicts the next word sees the previous word only. torch has no such cell; the parameters
    are named as torch would, without weight_hh and bias_hh.

    All parameters start uniform in +-1/sqrt(H), as torch's do; there is no recurrent weight to make orthogonal.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 1.
        bias: without it the b term is left out.

    Shape: x (B, D), state.hidden (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size under 1.

    Example:
        >>> cell = MemorylessCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.hidden is output
        (torch.Size([2, 4]), True)
    """

    gates = ("hidden",)
    state_type = MemorylessState
    gates_see_state = False

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)

    def step(self, projected: Tensor, state: MemorylessState) -> tuple[Tensor, MemorylessState]:  # type: ignore[override]
        hidden = self.hidden_of(projected)
        return hidden, MemorylessState(hidden)

    @staticmethod
    def hidden_of(projected: Tensor) -> Tensor:
        """The output of any number of steps, (..., H)."""
        return projected.tanh()
