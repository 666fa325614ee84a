"""Roll: the keys as they are, some hidden in training."""

from torch import Tensor, nn

from elman.fields import Roll
from elman.layers import drop_out


class Keys(nn.Module):
    """(B, T, 88) as it is, without the fraction of the keys that training hides."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.output_size, self.dropout = size, dropout

    def forward(self, x: Tensor) -> Tensor:
        return drop_out(x, self.dropout, self.training)


def roll_encoder(field: Roll) -> nn.Module:
    """Keys (B, T, 88) -> (B, T, 88)."""
    return Keys(field.size, field.dropout)
