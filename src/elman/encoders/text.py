"""Text: a vector a token, from pretrained ones where there are any, and what the characters inside words add."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from elman.fields import Text
from elman.layers import TokenEmbedding
from elman.layers.characters import CharacterEncoder
from elman.layers.embedding import EMBEDDING_STD


class SpelledWords(nn.Module):
    """A word's vector joined to what a small network reads from its characters (Lample et al. 2016, arXiv 1603.01360;
    Ma & Hovy 2016, arXiv 1603.01354).

    Args:
        words: the vectors of the words.
        characters: V, the size of the character vocabulary.
        kind: "bilstm" or "cnn".

    Shape: ids (B, T, 1 + L), the word first -> (B, T, D), D that of the words and of the characters together.
    """

    def __init__(self, words: TokenEmbedding, characters: int, kind: Literal["bilstm", "cnn"]) -> None:
        super().__init__()
        self.words, self.characters = words, CharacterEncoder(characters, kind=kind)
        self.output_size = words.output_size + self.characters.output_size

    def forward(self, ids: Tensor) -> Tensor:
        return torch.cat([self.words(ids[..., 0]), self.characters(ids[..., 1:])], -1)


def text_encoder(field: Text) -> nn.Module:
    """Token ids (B, T) -> (B, T, D); where characters are read, (B, T, 1 + L)."""
    words = TokenEmbedding(
        len(field.vocabulary),
        field.vector_size,
        vectors=start_rows(field.vocabulary, field.start_vectors, field.vector_size),
        tune=field.tune,
        dropout=field.dropout,
        word_dropout=field.word_dropout,
        vector_dropout=field.vector_dropout,
    )
    if field.characters == "none":
        return words
    assert field.spelling is not None
    return SpelledWords(words, len(field.spelling.characters), field.characters)


def start_rows(vocabulary: Sequence[str], vectors: Mapping[str, np.ndarray], size: int) -> Tensor | None:
    """The rows (V, size) that an embedding starts from: pretrained vectors where there is one, small random ones
    elsewhere; None where there is none at all."""
    if not vectors:
        return None
    rows = EMBEDDING_STD * torch.randn(len(vocabulary), size)
    for index, word in enumerate(vocabulary):
        if word in vectors:
            rows[index] = torch.from_numpy(vectors[word])
    return rows
