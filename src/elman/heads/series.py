"""The head of a generated series: the parameters of a distribution of each channel."""

from torch import Tensor, nn

from elman.fields import Series
from elman.heads.base import FramesHead
from elman.layers.distributions import loss_of


class SeriesHead(FramesHead):
    """Predicts the next reading of each channel.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> parameters (N, C size).
    """

    def __init__(self, field: Series, input_size: int) -> None:
        super().__init__(field)
        self.linear = nn.Linear(input_size, field.size * field.distribution.size)
        self.distribution_loss = loss_of(field.distribution)

    def forward(self, features: Tensor) -> Tensor:
        parameters: Tensor = self.linear(features)
        return parameters

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The sum over the channels of -log p in nats, or of the pinball loss, (N,)."""
        return self.distribution_loss(output, target).sum(-1)
