"""Number: a vector of one feature."""

from torch import Tensor, nn

from elman.fields import Number


class OneFeature(nn.Module):
    """(B,) -> (B, 1)."""

    output_size = 1

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None]


def number_encoder(field: Number) -> nn.Module:
    """z-scores (B,) -> (B, 1)."""
    return OneFeature()
