"""The head of a forecast: all steps ahead at once, in units of the row's own past."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.encoders import TensorColumn
from elman.fields import Forecast
from elman.heads.base import SingleHead
from elman.layers.distributions import loss_of

POINT_LOSSES = {"mse": F.mse_loss, "mae": F.l1_loss}


class ForecastHead(SingleHead):
    """Predicts a point or a distribution of each step ahead.

    Where rows are normalized by their past, shift and scale are the end of the features, and are handed on at the end
    of the output, for loss and `Forecast.decode` undo them. The loss is on the scale of the training split: squared
    errors times (scale spread)^2, absolute errors and quantile losses times scale spread, and the negative log-density
    plus log(scale spread); see `elman.fields.Forecast`.

    Args:
        field: the fitted target.
        input_size: H, of all steps together where the field is `stepwise`.

    Shape: features (B, H) -> (B, horizon size), or (B, H + 2) -> (B, horizon size + 2).
    """

    def __init__(self, field: Forecast, input_size: int) -> None:
        super().__init__()
        size = 1 if field.distribution is None else field.distribution.size
        self.steps = field.horizon if field.stepwise else 1
        self.linear = nn.Linear(input_size // self.steps, field.horizon * size // self.steps)
        self.kind, self.is_normalized, self.spread = field.head, field.is_normalized, np.asarray(field.spread)
        self.distribution_loss = None if field.distribution is None else loss_of(field.distribution)

    def forward(self, features: Tensor) -> Tensor:
        normalization = features[:, -2:] if self.is_normalized else features[:, :0]
        own = features[:, : features.shape[1] - normalization.shape[1]].reshape(-1, self.steps, self.linear.in_features)
        return torch.cat([self.linear(own).flatten(1), normalization], 1)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each row, (B,), summed over its known steps: output (B, K), target (B, horizon)."""
        parameters, shift, scale = self._parts(output)
        known = ~target.isnan()
        standardized = ((target - shift) / scale).masked_fill(~known, 0)
        if self.distribution_loss is None:
            losses = POINT_LOSSES[self.kind](parameters, standardized, reduction="none")
            losses = losses * scale ** (2 if self.kind == "mse" else 1)
        else:
            losses = self.distribution_loss(parameters, standardized)
            losses = losses * scale if self.kind == "quantiles" else losses + scale.log()
        return losses.masked_fill(~known, 0).sum(1)

    def counted(self, target: TensorColumn) -> Tensor:
        return (~target.values.isnan()).sum(1)

    def _parts(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters (B, horizon size); shift and scale, (B, 1) and (B or 1, horizon)."""
        spread = torch.from_numpy(self.spread).to(output)[None]
        if not self.is_normalized:
            return output, torch.zeros_like(output[:, :1]), spread
        return output[:, :-2], output[:, -2:-1], output[:, -1:] * spread
