"""The input and output layers of a network that generates audio frames."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_fraction, check_range
from elman.layers.dropout import drop_out

LEAST_SCALE = -4.0  # of a logarithm: narrower distributions are not needed for audio


class PreNet(nn.Module):
    """Two layers with dropout through which a frame is fed back (Wang et al. 2017, arXiv 1703.10135):

        y = dropout(relu(W2 dropout(relu(W1 x))))

    A frame almost determines the next one, so that a network without dropout learns to copy it and to ignore its other
    inputs. Dropout is used in training only; Tacotron 2 keeps it in inference, which makes outputs random.

    Args:
        input_size: C, size of a frame.
        size: output size.
        dropout: below 1.

    Shape: (..., C) -> (..., size).

    Raises:
        ArgumentError: a size or rate out of range.
    """

    def __init__(self, input_size: int, size: int, dropout: float) -> None:
        super().__init__()
        check_range("PreNet", "size", size, low=1)
        check_fraction("PreNet", "dropout", dropout)
        self.first, self.second = nn.Linear(input_size, size), nn.Linear(size, size)
        self.dropout, self.output_size = dropout, size

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = drop_out(F.relu(layer(x)), self.dropout, self.training)
        return x


class LaplaceHead(nn.Linear):
    """A linear map to the location of each component of a frame and to the stop logit, and a scale for each component:

        output = [W x + b; log_width],   scale = exp(log_width)

    Args:
        input_size: H.
        size: C, size of a frame.

    Shape: (N, H) -> (N, 2 C + 1): C locations, the stop logit, C logarithms of scales, which are the same in all rows.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size + 1)
        self.log_width = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        width = self.log_width.clamp(min=LEAST_SCALE).expand(len(x), -1)
        return torch.cat([super().forward(x), width.to(x.dtype)], 1)


def laplace_loss(output: Tensor, target: Tensor) -> Tensor:
    """-log p(frame and stop) in nats per frame, (N,): output (N, 2 C + 1), target (N, C + 1), the stop 0 or 1 last.

    sum over the components of |target - location| / scale + log(2 scale), plus the binary cross-entropy of the stop
    """
    size = target.shape[1] - 1
    location, stop, log_width = output[:, :size], output[:, size], output[:, size + 1 :]
    numbers = (target[:, :size] - location).abs() * (-log_width).exp() + log_width + math.log(2)
    ending = F.binary_cross_entropy_with_logits(stop, target[:, size], reduction="none")
    return numbers.sum(1) + ending
