"""The head of a piano roll: one logit a key, and whether the piece ends."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.encoders import TensorColumn
from elman.fields import Roll
from elman.heads.base import FramesHead


class RollHead(FramesHead):
    """Predicts which keys are down at the next step.

    Its bias begins with how often each key is down in training, so that it need not be learned.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> logits (N, 88), or (N, 89) where a piece says where it ends.
    """

    def __init__(self, field: Roll, input_size: int) -> None:
        super().__init__(field)
        self.continues = field.continues
        rates = field.key_rates()
        self.linear = nn.Linear(input_size, len(rates))
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor(np.log(rates / (1 - rates)), dtype=self.linear.bias.dtype))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """-log p(frame) in nats, (N,): the sum over the 88 keys, and over the end where it is predicted."""
        return F.binary_cross_entropy_with_logits(output, target, reduction="none").sum(1)

    def scored_steps(self, target: TensorColumn) -> Tensor:
        real = super().scored_steps(target)
        if self.continues:
            real[:, :1] = False
        return real

    def learned_steps(self, target: TensorColumn) -> Tensor:
        return super().scored_steps(target)  # the first frame too, so that a piece can be begun from nothing
