"""Tokens to vectors: a table that is trained, or starts from pretrained vectors."""

import torch
from torch import Tensor, nn

from elman.checks import check_range, check_shape, check_share
from elman.layers.dropout import drop_out

EMBEDDING_DEVIATION = 0.1


class TokenEmbedding(nn.Module):
    """One vector a token, with three kinds of noise while training.

    Args:
        vocabulary_size: V, at least 1.
        size: D, numbers a vector, at least 1.
        vectors: (V, D) to start from; drawn from N(0, 0.1^2) if None.
        tune: False keeps the vectors as they are.
        dropout: below 1, share of the numbers that training sets to zero (Srivastava et al. 2014).
        word_dropout: below 1, share of the tokens that training replaces by the unknown one, so that it gets a vector
            worth having (compare Iyyer et al. 2015, "Deep unordered composition", who leave whole words out).
        vector_dropout: below 1, share of the tokens whose whole vector training sets to zero wherever they stand in a
            batch, the rest divided by 1 less this share (Gal & Ghahramani 2016, arXiv 1512.05287; one choice for the
            whole batch as in Merity, Keskar & Socher 2017, arXiv 1708.02182).
        unknown: id of the unknown token.

    Shape: ids (B, T) or (B,) -> (B, T, D) or (B, D).

    Raises:
        ArgumentError: a size, share or shape that does not fit.

    Example:
        >>> TokenEmbedding(10, 4)(torch.zeros(2, 5, dtype=torch.long)).shape
        torch.Size([2, 5, 4])
    """

    def __init__(
        self,
        vocabulary_size: int,
        size: int,
        *,
        vectors: Tensor | None = None,
        tune: bool = True,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        vector_dropout: float = 0.0,
        unknown: int = 1,
    ) -> None:
        super().__init__()
        check_range("TokenEmbedding", "vocabulary_size", vocabulary_size, low=1)
        check_range("TokenEmbedding", "size", size, low=1)
        check_share("TokenEmbedding", "dropout", dropout)
        check_share("TokenEmbedding", "word_dropout", word_dropout)
        check_share("TokenEmbedding", "vector_dropout", vector_dropout)
        self.output_size, self.dropout, self.word_dropout, self.unknown = size, dropout, word_dropout, unknown
        self.vector_dropout = vector_dropout
        if vectors is None:
            vectors = EMBEDDING_DEVIATION * torch.randn(vocabulary_size, size)
        check_shape("TokenEmbedding", "vectors", vectors.shape, "V D", V=vocabulary_size, D=size)
        self.weight = nn.Parameter(vectors.clone(), requires_grad=tune)

    def forward(self, ids: Tensor) -> Tensor:
        if self.training and self.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(dropped, self.unknown)
        vectors = nn.functional.embedding(ids, self.weight)
        if self.training and self.vector_dropout:
            kept = drop_out(vectors.new_ones(len(self.weight), 1), self.vector_dropout)
            vectors = vectors * kept[ids]
        return drop_out(vectors, self.dropout, self.training)
