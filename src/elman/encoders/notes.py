"""Notes: one vector a symbol."""

from torch import nn

from elman.fields import Notes
from elman.layers import TokenEmbedding


def notes_encoder(field: Notes) -> nn.Module:
    """Symbol ids (B, T) -> (B, T, D)."""
    return TokenEmbedding(len(field.symbols()), field.embedding, dropout=field.dropout)
