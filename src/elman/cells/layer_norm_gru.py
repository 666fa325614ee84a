"""The gated recurrent unit with layer normalization."""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from elman.cells.gru import GRUCell
from elman.checks import check_range


class LayerNormGRUCell(GRUCell):
    """GRU with layer normalization (Ba, Kiros & Hinton 2016, arXiv 1607.06450, supplementary material):

        rx, zx = N(W_ih x) of both gates together,  nx = N(W_ih x) of the candidate
        rh, zh = N(W_hh h) of both gates together,  nh = N(W_hh h) of the candidate
        r  = sigmoid(rx + rh)
        z  = sigmoid(zx + zh)
        n  = tanh(nx + r * nh)
        h' = n + z * (h - n)
        N(a) = (a - mean(a)) / sqrt(variance(a) + 1e-5) * gain + bias, over all entries of a row of a

    gain_ih, bias_ih, gain_hh and bias_hh, (3H,), hold those of the gates and of the candidate one after the other. The
    step is that of `GRUCell` on normalized inputs: z weights the old state, where the paper's weights the candidate.
    Gate order r z n, as in torch, which has no such cell. Gains start at 1. Normalization removes the scale of W_ih x:
    of a single input feature only the sign remains, so give such a series a second feature.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 2: the variance of one number is 0.
        bias: without it the bias terms are left out.
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Shape: x (B, D), state.hidden (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size that is too small, an unknown init.

    Example:
        >>> cell = LayerNormGRUCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.hidden is output
        (torch.Size([2, 4]), True)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, init: str = "orthogonal") -> None:
        check_range("LayerNormGRUCell", "hidden_size", hidden_size, low=2)
        super().__init__(input_size, hidden_size, bias, init)

    def make_parameters(self, bias: bool) -> None:
        super().make_parameters(bias)
        rows = 3 * self.hidden_size
        self.gain_ih, self.gain_hh = nn.Parameter(torch.empty(rows)), nn.Parameter(torch.empty(rows))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """As every cell's, and all gains 1."""
        super().reset_parameters()
        for gain in (self.gain_ih, self.gain_hh):
            gain.fill_(1)

    def project(self, x: Tensor) -> Tensor:
        return self._normalized(nn.functional.linear(x, self.weight_ih), self.gain_ih, self.bias_ih)

    def recur(self, hidden: Tensor) -> Tensor:
        return self._normalized(nn.functional.linear(hidden, self.weight_hh), self.gain_hh, self.bias_hh)

    def _normalized(self, sums: Tensor, gain: Tensor, bias: Tensor | None) -> Tensor:
        """Gates and candidate (..., 3H), each normalized on its own."""
        both = [2 * self.hidden_size, self.hidden_size]
        biases = (None, None) if bias is None else torch.split(bias, both)
        parts = zip(torch.split(sums, both, -1), torch.split(gain, both), biases, strict=True)
        return torch.cat([layer_norm(part, scale.shape, scale, shift) for part, scale, shift in parts], -1)
