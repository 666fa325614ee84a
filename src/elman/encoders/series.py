"""Series: scaled measurements are the features."""

import torch
from torch import Tensor, nn

from elman.fields import Series


class Channels(nn.Module):
    """(B, T, C) as it is; in training Gaussian noise may be added.

    Args:
        channels: C.
        noise: standard deviation of the noise.
    """

    def __init__(self, channels: int, noise: float = 0.0) -> None:
        super().__init__()
        self.output_size, self.noise = channels, noise

    def forward(self, x: Tensor) -> Tensor:
        return x + self.noise * torch.randn_like(x) if self.training and self.noise else x


def series_encoder(field: Series) -> nn.Module:
    """Scaled patches (B, T, patch C) -> the same."""
    return Channels(field.size * field.patch, field.noise)
