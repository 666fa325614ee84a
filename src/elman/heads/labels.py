"""The head of labels: one logit a class, each a question of its own."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.fields import Labels
from elman.heads.base import SingleHead


class LabelsHead(SingleHead):
    """Predicts which of K classes a row has.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (B, H) -> logits (B, K).
    """

    def __init__(self, field: Labels, input_size: int) -> None:
        super().__init__()
        self.linear, self.weights = nn.Linear(input_size, len(field.classes)), field.weights()

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a row, (B,): output (B, K), target (B, K).

            p = sigmoid(output)
            loss = -sum over the classes k of  weight_k target_k log p_k + (1 - target_k) log (1 - p_k)

        It is summed and not averaged over the classes: without weights it is -log of the probability of the row's
        set of classes, in the same unit as the losses of other targets beside it.
        """
        weights = None if self.weights is None else torch.from_numpy(self.weights).to(output)
        true = target.to(output.dtype)
        return F.binary_cross_entropy_with_logits(output, true, reduction="none", pos_weight=weights).sum(-1)
