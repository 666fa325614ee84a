"""The gated recurrent unit: two gates, one state."""

from typing import NamedTuple

from torch import Tensor

from elman.cells.base import Cell


class GRUState(NamedTuple):
    hidden: Tensor  # (B, H), in (-1, 1)


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078), in the form of cuDNN and torch.nn.GRU:

        r  = sigmoid(W_ir x + b_ir + W_hr h + b_hr)          reset: how much of h the candidate sees
        z  = sigmoid(W_iz x + b_iz + W_hz h + b_hz)          update: how much of h stays
        n  = tanh(W_in x + b_in + r * (W_hn h + b_hn))       candidate
        h' = n + z * (h - n)

    The paper applies r to h before W_hn; here, as in torch, after it, so that one matrix product serves all gates.
    Gate order r z n, as in torch.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, units of the state, at least 1.
        bias: without it the b terms are left out.
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Shape: x (B, D), state.hidden (B, H) -> output (B, H), the new state's hidden.

    Raises:
        ArgumentError: a size under 1, an unknown init.

    Example:
        >>> cell = GRUCell(3, 4)
        >>> output, state = cell(torch.zeros(2, 3))
        >>> output.shape, state.hidden is output
        (torch.Size([2, 4]), True)
    """

    gates = ("reset", "update", "candidate")
    state_type = GRUState

    def combine(  # type: ignore[override]
        self, projected: Tensor, recurrent: Tensor, state: GRUState
    ) -> tuple[Tensor, GRUState]:
        reset_x, update_x, candidate_x = projected.chunk(3, dim=-1)
        reset_h, update_h, candidate_h = recurrent.chunk(3, dim=-1)
        reset = (reset_x + reset_h).sigmoid()
        update = (update_x + update_h).sigmoid()
        candidate = (candidate_x + reset * candidate_h).tanh()
        hidden = candidate + update * (state.hidden - candidate)
        return hidden, GRUState(hidden)
