"""Image: a small convolutional network."""

from torch import nn

from elman.fields import Image
from elman.layers import PictureEncoder


def image_encoder(field: Image) -> nn.Module:
    """Pixels (B, C, height, width) -> (B, D)."""
    height, width = field.size
    return PictureEncoder(field.channels, height, width, field.features, dropout=field.dropout)
