"""Attention: a weighted mean whose weights are learned, over the steps of a row or of another sequence."""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from elman.checks import check_range, check_shape
from elman.layers.request import check_lengths
from elman.layers.unroll import real_steps


class AttentionPool(nn.Module):
    """Pool the steps of a row by how much each matters (Yang et al. 2016, "Hierarchical attention networks"):

        score_t = v . tanh(W h_t + b)
        weight  = softmax over the row's real steps of score
        output  = sum_t weight_t h_t

    Args:
        size: D, features per step.

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
        """The attention weights, (B, T, D) -> (B, T): each row sums to 1, and is 0 in the padding."""
        real = real_steps(lengths, outputs.shape[1])
        return _weights(self.score(torch.tanh(self.hidden(outputs)))[..., 0], real)


class Memory(NamedTuple):
    """The sequence that attention reads, one for each row, prepared once by `Attention.remember`."""

    keys: Tensor  # (B, S, A), what queries are compared with
    values: Tensor  # (B, S, D), zeros in the padding
    real: Tensor  # (B, S) booleans
    numbers: Tensor  # (B,): rows with the same number have the same memory, so that reordering them changes nothing

    def select(self, rows: Tensor) -> Self:
        """The memory of these rows, (M,) integers, in this order; a row may occur several times."""
        numbers = self.numbers.index_select(0, rows)
        if torch.equal(numbers, self.numbers):
            return self
        keys, values, real = (tensor.index_select(0, rows) for tensor in (self.keys, self.values, self.real))
        return type(self)(keys, values, real, numbers)


class Attention(nn.Module):
    """The mean of the memory's steps for each query, weighted by how well they match it.

        weight_ts = softmax over the row's real steps s of score(query_t, memory_s)
        context_t = sum_s weight_ts memory_s

    Shape: queries (B, T, Q) and a `Memory` of S steps of D features -> context (B, T, D), weights (B, T, S). Padding is
    never read and has weight 0; a row without steps gives zeros.
    """

    query: nn.Linear
    keys: nn.Linear

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__()
        where = type(self).__name__
        for name, value in (("query_size", query_size), ("memory_size", memory_size), ("size", size)):
            check_range(where, name, value, low=1)
        self.query_size, self.memory_size, self.size = query_size, memory_size, size

    def remember(self, memory: Tensor, lengths: Tensor) -> Memory:
        """Everything that does not depend on queries, computed once: memory (B, S, D), lengths (B,) from 0 to S.

        Raises:
            ArgumentError: a shape or a length that does not fit.
        """
        where = type(self).__name__
        check_shape(where, "memory", memory.shape, "B S D", D=self.memory_size)
        check_lengths(where, lengths, *memory.shape[:2])
        lengths = lengths.to(memory.device)
        real = real_steps(lengths, memory.shape[1])
        values = memory.masked_fill(~real[..., None], 0)
        return Memory(self.keys(values), values, real, torch.arange(len(lengths), device=memory.device))

    def forward(self, queries: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        return self.read(self.query(queries), memory)

    def read(self, projected: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """`forward` from the projected queries W q, (B, T, A)."""
        weights = _weights(self.scores(projected, memory.keys), memory.real[:, None])
        return weights @ memory.values, weights

    def scores(self, projected: Tensor, keys: Tensor) -> Tensor:
        """How well each projected query matches each key, (B, T, A) and (B, S, A) -> (B, T, S)."""
        raise NotImplementedError


class AdditiveAttention(Attention):
    """score(q, m) = v . tanh(W q + U m + b) (Bahdanau, Cho & Bengio 2014, arXiv 1409.0473).

    Needs memory for T * S * A numbers per row; for long sequences `DotAttention` is cheaper.

    Args:
        query_size: Q, features of a query, at least 1.
        memory_size: D, features per step of memory, at least 1.
        size: A, size of the space in which both are compared, at least 1.

    Shape, Raises: see `Attention`.

    Example:
        >>> attention = AdditiveAttention(3, 4, 5)
        >>> memory = attention.remember(torch.zeros(2, 7, 4), torch.tensor([7, 0]))
        >>> context, weights = attention(torch.zeros(2, 6, 3), memory)
        >>> context.shape, weights.sum(-1)[:, 0].tolist()
        (torch.Size([2, 6, 4]), [1.0, 0.0])
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__(query_size, memory_size, size)
        self.query = nn.Linear(query_size, size, bias=False)
        self.keys = nn.Linear(memory_size, size)
        self.score = nn.Linear(size, 1, bias=False)

    def scores(self, projected: Tensor, keys: Tensor) -> Tensor:
        scores: Tensor = self.score(torch.tanh(projected[:, :, None] + keys[:, None]))
        return scores[..., 0]


class DotAttention(Attention):
    """score(q, m) = (W q) . (U m) / sqrt(A), one head (Vaswani et al. 2017, arXiv 1706.03762, section 3.2).

    There is no projection of values.

    Args:
        query_size: Q, features of a query, at least 1.
        memory_size: D, features per step of memory, at least 1.
        size: A, size of the space in which both are compared, at least 1.

    Shape, Raises: see `Attention`.

    Example:
        >>> attention = DotAttention(3, 4, 5)
        >>> memory = attention.remember(torch.zeros(2, 7, 4), torch.tensor([7, 0]))
        >>> context, weights = attention(torch.zeros(2, 6, 3), memory)
        >>> context.shape, weights.shape
        (torch.Size([2, 6, 4]), torch.Size([2, 6, 7]))
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__(query_size, memory_size, size)
        # A bias of the keys would add the same to every score of a query.
        self.query = nn.Linear(query_size, size, bias=False)
        self.keys = nn.Linear(memory_size, size, bias=False)

    def scores(self, projected: Tensor, keys: Tensor) -> Tensor:
        return projected @ keys.transpose(1, 2) / math.sqrt(self.size)


def _weights(scores: Tensor, real: Tensor) -> Tensor:
    """Scores (..., S) -> their softmax over the real steps; 0 in the padding, and everywhere in a row without steps."""
    # A finite floor: with minus infinity a row without steps would be all NaN.
    floor = torch.finfo(scores.dtype).min
    return scores.masked_fill(~real, floor).softmax(-1).masked_fill(~real, 0)


# What `attention = "..."` of a decoder builds.
ATTENTIONS: dict[str, type[Attention]] = {"additive": AdditiveAttention, "dot": DotAttention}
