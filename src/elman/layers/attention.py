"""Attention: a weighted mean whose weights are learned."""

import torch
from torch import Tensor, nn

from elman.layers.unroll import real_steps


class AttentionPool(nn.Module):
    """Pool the steps of a row by how much each matters (Yang et al. 2016, "Hierarchical attention networks"):

        score_t = v . tanh(W h_t + b)
        weight  = softmax over the row's real steps of score
        output  = sum_t weight_t h_t

    Args:
        size: D, features a step.

    Shape: outputs (B, T, D), lengths (B,) -> (B, D); zeros for a row without steps.

    Example:
        >>> AttentionPool(4)(torch.zeros(2, 5, 4), torch.tensor([5, 0])).shape
        torch.Size([2, 4])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(size, size)
        self.score = nn.Linear(size, 1, bias=False)  # a bias would add the same to every score

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        real = real_steps(lengths, outputs.shape[1])
        outputs = outputs.masked_fill(~real[..., None], 0)
        weights: Tensor = self.weights(outputs, lengths)
        return (weights[..., None] * outputs).sum(1)

    def weights(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """How much each step counts, (B, T, D) -> (B, T): 1 in sum a row, 0 in the padding."""
        real = real_steps(lengths, outputs.shape[1])
        score = self.score(torch.tanh(self.hidden(outputs)))[..., 0]
        # A finite floor, not minus infinity: a row without steps would be all NaN.
        floor = torch.finfo(score.dtype).min
        weights: Tensor = score.masked_fill(~real, floor).softmax(-1).masked_fill(~real, 0)
        return weights
