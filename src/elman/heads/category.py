"""The head of a category: one logit a class and cross-entropy, or one logit for two classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.fields import Category
from elman.heads.base import SingleHead


class CategoryHead(SingleHead):
    """Predicts one of K classes.

    Args:
        field: its `head` is "softmax" or "sigmoid".
        input_size: H.

    Shape: features (B, H) -> logits (B, K), or (B, 1) of a sigmoid.
    """

    def __init__(self, field: Category, input_size: int) -> None:
        super().__init__()
        self.is_sigmoid, self.label_smoothing, self.weights = (
            field.head == "sigmoid",
            field.label_smoothing,
            field.weights(),
        )
        self.linear = nn.Linear(input_size, 1 if self.is_sigmoid else len(field.classes))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a row, (B,), times the weight of the row's class.

        softmax: -log softmax(output)[target]; sigmoid: -log sigmoid(output) for the second class, -log(1 - ...) for the
        first. The mean over rows is later taken over their number; torch's weighted mean divides by the sum of weights.
        """
        return self._cross_entropy(output, target, 0.0)

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """As `loss`, with (1 - label_smoothing) of the truth on the row's class and the rest on all K evenly (Szegedy
        et al. 2016, arXiv 1512.00567)."""
        return self._cross_entropy(output, target, self.label_smoothing)

    def _cross_entropy(self, output: Tensor, target: Tensor, smoothing: float) -> Tensor:
        if self.is_sigmoid:
            second = (1 - smoothing) * target.to(output.dtype) + smoothing / 2
            loss = F.binary_cross_entropy_with_logits(output[:, 0], second, reduction="none")
        else:
            loss = F.cross_entropy(output, target, reduction="none", label_smoothing=smoothing)
        return loss if self.weights is None else loss * torch.from_numpy(self.weights).to(loss)[target]
