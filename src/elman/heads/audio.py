"""The head of generated sound: a Laplace distribution of each number of a frame, and the end of the clip."""

from torch import Tensor

from elman.fields import Audio
from elman.heads.base import FramesHead
from elman.layers.speech import LaplaceHead, laplace_loss


class AudioHead(FramesHead):
    """Predicts the next frame.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> (N, 2 C + 1), see `elman.layers.speech.LaplaceHead`.
    """

    def __init__(self, field: Audio, input_size: int) -> None:
        super().__init__(field)
        self.laplace = LaplaceHead(input_size, field.size)

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = self.laplace(features)
        return output

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return laplace_loss(output, target)
