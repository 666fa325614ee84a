"""Token embeddings, trained from scratch or from pretrained vectors."""

import torch
from torch import Tensor, nn

from elman.checks import check_fraction, check_range, check_shape
from elman.layers.dropout import drop_out

EMBEDDING_STD = 0.1


class TokenEmbedding(nn.Module):
    """One vector per token, with three kinds of dropout in training.

    Args:
        vocabulary_size: V, at least 1.
        size: D, size of a vector, at least 1.
        vectors: (V, D), initial vectors; None: sampled from N(0, 0.1^2).
        tune: whether the vectors are trained.
        dropout: fraction of the vectors' components that training sets to zero (Srivastava et al. 2014), below 1.
        word_dropout: fraction of the tokens that training replaces by the unknown token, so that its vector is trained
            (compare Iyyer et al. 2015, "Deep unordered composition", who leave out whole words), below 1.
        vector_dropout: fraction of the vocabulary whose vectors training sets to zero in a whole batch, the others
            divided by 1 minus this fraction (Gal & Ghahramani 2016, arXiv 1512.05287; the same for the whole batch as
            in Merity, Keskar & Socher 2017, arXiv 1708.02182), below 1.
        unknown: id of the unknown token.

    Shape: ids (B, T) or (B,) -> (B, T, D) or (B, D).

    Raises:
        ArgumentError: a size, fraction or shape that is not valid.

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
        check_fraction("TokenEmbedding", "dropout", dropout)
        check_fraction("TokenEmbedding", "word_dropout", word_dropout)
        check_fraction("TokenEmbedding", "vector_dropout", vector_dropout)
        self.output_size, self.dropout, self.word_dropout, self.unknown = size, dropout, word_dropout, unknown
        self.vector_dropout = vector_dropout
        if vectors is None:
            vectors = EMBEDDING_STD * torch.randn(vocabulary_size, size)
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
