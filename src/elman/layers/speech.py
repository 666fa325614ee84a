"""The two ends of a network that writes frames of sound: what a frame is fed back through, and what gives the next."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_range, check_share
from elman.layers.dropout import drop_out

LEAST_SCALE = -4.0  # of a logarithm: below it a distribution is narrower than any sound needs


class PreNet(nn.Module):
    """Two layers with dropout that a frame passes before it is fed back (Wang et al. 2017, arXiv 1703.10135):

        y = dropout(relu(W2 dropout(relu(W1 x))))

    A frame says nearly all of the next one, so that a network which sees it whole learns to copy it and looks at
    nothing else. Dropout acts in training only; Tacotron 2 keeps it in use, which makes answers a matter of chance.

    Args:
        input_size: C, numbers a frame.
        size: numbers that the body is fed.
        dropout: below 1.

    Shape: (..., C) -> (..., size).

    Raises:
        ArgumentError: a size or share out of its range.
    """

    def __init__(self, input_size: int, size: int, dropout: float) -> None:
        super().__init__()
        check_range("PreNet", "size", size, low=1)
        check_share("PreNet", "dropout", dropout)
        self.first, self.second = nn.Linear(input_size, size), nn.Linear(size, size)
        self.dropout, self.output_size = dropout, size

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = drop_out(F.relu(layer(x)), self.dropout, self.training)
        return x


class LaplaceHead(nn.Linear):
    """A linear map to the middle of each number of a frame and to the stop, and a width for each number:

        output = [W x + b; log width]

    Args:
        input_size: H.
        size: C, numbers a frame.

    Shape: (N, H) -> (N, 2 C + 1): C middles, the stop's logit, C logarithms of widths, which are the same in all rows.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size + 1)
        self.log_width = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        width = self.log_width.clamp(min=LEAST_SCALE).expand(len(x), -1)
        return torch.cat([super().forward(x), width.to(x.dtype)], 1)


def laplace_loss(output: Tensor, target: Tensor) -> Tensor:
    """-log p(frame and stop) in nats a frame, (N,): output (N, 2 C + 1), target (N, C + 1), the stop 0 or 1 last.

    sum over the numbers of |target - middle| / width + log(2 width), plus the stop's binary cross-entropy
    """
    size = target.shape[1] - 1
    middle, stop, log_width = output[:, :size], output[:, size], output[:, size + 1 :]
    numbers = (target[:, :size] - middle).abs() * (-log_width).exp() + log_width + math.log(2)
    ending = F.binary_cross_entropy_with_logits(stop, target[:, size], reduction="none")
    return numbers.sum(1) + ending


def laplace_draw(output: Tensor, chance: Tensor, temperature: float) -> Tensor:
    """A frame of each output by the inverse distribution function, its width times `temperature`, (N, C).

    x = middle - width sign(u) log(1 - 2 |u|),   u = chance - 1/2
    """
    size = (output.shape[1] - 1) // 2
    middle, log_width = output[:, :size], output[:, size + 1 :]
    u = chance - 0.5
    far = torch.log1p(-2 * u.abs())
    return middle - temperature * log_width.exp() * u.sign() * far
