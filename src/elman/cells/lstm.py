"""Long short-term memory: three gates, two states."""

from typing import NamedTuple

from torch import Tensor

from elman.cells.base import Cell


class LSTMState(NamedTuple):
    hidden: Tensor  # (B, H), in (-1, 1)
    cell: Tensor  # (B, H), not bounded


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gate (Gers et al. 2000), as in torch.nn.LSTM:

        i  = sigmoid(W_ii x + b_ii + W_hi h + b_hi)          input: how much of the candidate is added
        f  = sigmoid(W_if x + b_if + W_hf h + b_hf)          forget: how much of the cell state stays
        g  = tanh(W_ig x + b_ig + W_hg h + b_hg)             candidate
        o  = sigmoid(W_io x + b_io + W_ho h + b_ho)          output: how much of the cell state is output
        c' = f * c + i * g
        h' = o * tanh(c')

    No peephole connections, as in torch. Gate order i f g o, as in torch.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 1.
        bias: without it the b terms are left out.
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Shape: x (B, D), state.hidden and state.cell (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size under 1, an unknown init.

    Example:
        >>> cell = LSTMCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.cell.shape
        (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    gates = ("input", "forget", "candidate", "output")
    state_type = LSTMState

    def combine(  # type: ignore[override]
        self, projected: Tensor, recurrent: Tensor, state: LSTMState
    ) -> tuple[Tensor, LSTMState]:
        input_, forget, candidate, output = (projected + recurrent).chunk(4, dim=-1)
        cell = forget.sigmoid() * state.cell + input_.sigmoid() * candidate.tanh()
        hidden = output.sigmoid() * cell.tanh()
        return hidden, LSTMState(hidden, cell)
