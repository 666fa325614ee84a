"""Category: one vector a class."""

from torch import nn

from elman.fields import Category
from elman.layers import TokenEmbedding


def category_encoder(field: Category) -> nn.Module:
    """Class ids (B,) -> (B, D)."""
    return TokenEmbedding(len(field.classes), field.embedding)
