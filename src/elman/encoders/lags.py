"""Lags: the steps of a window as one vector."""

from torch import Tensor, nn

from elman.fields import Lags


class Flat(nn.Module):
    """(B, T, C) -> (B, T C): all steps side by side."""

    def __init__(self, steps: int, channels: int) -> None:
        super().__init__()
        self.output_size = steps * channels

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def lags_encoder(field: Lags) -> nn.Module:
    """(B, T, C) -> (B, T C)."""
    return Flat(field.steps, len(field.columns))
