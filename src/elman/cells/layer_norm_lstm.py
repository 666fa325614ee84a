"""Long short-term memory with layer normalization."""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from elman.cells.lstm import LSTMCell, LSTMState
from elman.checks import check_range


class LayerNormLSTMCell(LSTMCell):
    """LSTM with layer normalization (Ba, Kiros & Hinton 2016, arXiv 1607.06450, supplementary material):

        x' = N(W_ih x; gain_ih, bias_ih)                     each of (4H,)
        s' = N(W_hh h; gain_hh, bias_hh)
        i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of the four blocks of x' + s'
        c' = f * c + i * g
        h' = o * tanh(N(c'; gain_cell, bias_cell))           of (H,)
        N(a; gain, bias) = (a - mean(a)) / sqrt(variance(a) + 1e-5) * gain + bias, over all entries of a row of a

    Gate order i f g o, as in torch, which has no such cell. As in the paper one mean and variance serve all four gates;
    1e-5 is torch's, against a division by zero. The paper has a bias b beside those of N; both would add up, so N's
    take its place, under torch's names. Gains start at 1. Normalization removes the scale of W_ih x: of a single input
    feature only the sign remains, so give such a series a second feature.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 2: the variance of one number is 0.
        bias: without it the bias terms are left out.
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Shape: x (B, D), state.hidden and state.cell (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size that is too small, an unknown init.

    Example:
        >>> cell = LayerNormLSTMCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.cell.shape
        (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, init: str = "orthogonal") -> None:
        check_range("LayerNormLSTMCell", "hidden_size", hidden_size, low=2)
        super().__init__(input_size, hidden_size, bias, init)

    def make_parameters(self, bias: bool) -> None:
        super().make_parameters(bias)
        rows = 4 * self.hidden_size
        self.gain_ih, self.gain_hh = nn.Parameter(torch.empty(rows)), nn.Parameter(torch.empty(rows))
        self.gain_cell = nn.Parameter(torch.empty(self.hidden_size))
        self.bias_cell = nn.Parameter(torch.empty(self.hidden_size)) if bias else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """As every cell's, and all gains 1."""
        super().reset_parameters()
        for gain in (self.gain_ih, self.gain_hh, self.gain_cell):
            gain.fill_(1)

    def project(self, x: Tensor) -> Tensor:
        return _normalized(nn.functional.linear(x, self.weight_ih), self.gain_ih, self.bias_ih)

    def recur(self, hidden: Tensor) -> Tensor:
        return _normalized(nn.functional.linear(hidden, self.weight_hh), self.gain_hh, self.bias_hh)

    def combine(  # type: ignore[override]
        self, projected: Tensor, recurrent: Tensor, state: LSTMState
    ) -> tuple[Tensor, LSTMState]:
        input_, forget, candidate, output = (projected + recurrent).chunk(4, dim=-1)
        cell = forget.sigmoid() * state.cell + input_.sigmoid() * candidate.tanh()
        hidden = output.sigmoid() * _normalized(cell, self.gain_cell, self.bias_cell).tanh()
        return hidden, LSTMState(hidden, cell)


def _normalized(sums: Tensor, gain: Tensor, bias: Tensor | None) -> Tensor:
    return layer_norm(sums, gain.shape, gain, bias)
