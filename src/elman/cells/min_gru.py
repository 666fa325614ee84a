"""The minimal gated recurrent unit: its gate does not depend on the state, so that all steps run in parallel."""

from typing import NamedTuple

from torch import Tensor

from elman.cells.base import Cell


class MinGRUState(NamedTuple):
    hidden: Tensor  # (B, H), between the smallest and the largest candidate so far


class MinGRUCell(Cell):
    """Minimal gated recurrent unit (Feng et al. 2024, arXiv 2410.01201, section 3.1):

        z  = sigmoid(W_iz x + b_iz)          update: how much of the candidate is taken
        n  = W_in x + b_in                   candidate
        h' = h + z * (n - h)

    As in the paper, z weights the candidate; in `GRUCell`, as in torch, it weights the old state. The paper's second
    form, which keeps the candidate positive so that the scan can run on logarithms, is not used: our scan needs none.
    torch has no such cell; the parameters are named and ordered (z n) as torch would, without weight_hh and bias_hh.

    All parameters start uniform in +-1/sqrt(H), as torch's do; there is no recurrent weight to make orthogonal.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 1.
        bias: without it the b terms are left out.

    Shape: x (B, D), state.hidden (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size under 1.

    Example:
        >>> cell = MinGRUCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.hidden is output
        (torch.Size([2, 4]), True)
    """

    gates = ("update", "candidate")
    state_type = MinGRUState
    gates_see_state = False

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)

    def step(self, projected: Tensor, state: MinGRUState) -> tuple[Tensor, MinGRUState]:  # type: ignore[override]
        update, candidate = self.gates_of(projected)
        hidden = state.hidden + update * (candidate - state.hidden)
        return hidden, MinGRUState(hidden)

    @staticmethod
    def gates_of(projected: Tensor) -> tuple[Tensor, Tensor]:
        """Update gate and candidate of any number of steps, (..., 2H) -> two of (..., H)."""
        update, candidate = projected.chunk(2, dim=-1)
        return update.sigmoid(), candidate
