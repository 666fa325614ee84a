"""The head of a number: a linear layer and a squared, absolute or Huber error."""

from torch import Tensor, nn
from torch.nn import functional as F

from elman.fields import Number
from elman.heads.base import SingleHead

LOSSES = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.smooth_l1_loss}


class NumberHead(SingleHead):
    """Predicts a z-score; `Number.decode` turns it into the column's unit.

    Args:
        field: its `loss` is "mse", the squared error; "mae", the absolute one, for outliers; or "huber" (Huber 1964),
            squared below one standard deviation and absolute above.
        input_size: H.

    Shape: features (B, H) -> z-scores (B, 1).
    """

    def __init__(self, field: Number, input_size: int) -> None:
        super().__init__()
        self.linear, self.error = nn.Linear(input_size, 1), LOSSES[field.loss]

    def forward(self, features: Tensor) -> Tensor:
        scores: Tensor = self.linear(features)
        return scores

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The error of each row, (B,), in units of the training split's standard deviation."""
        return self.error(output[:, 0], target, reduction="none")
