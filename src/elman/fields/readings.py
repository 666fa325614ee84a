"""What a network tells of the next readings of a series: a distribution of each channel."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from elman.checks import check_choice, fail
from elman.fields.base.generated import Frames
from elman.layers.distributions import DECILES, DISTRIBUTIONS, Distribution, Quantiles


class Readings(Frames):
    """A series that is written reading by reading, each from the distribution that the network tells of it.

    The loss of a step is the sum over its channels of -log p in nats, of readings scaled by the training set; with
    quantiles of their pinball loss.

    Args:
        name: what messages call it.
        distribution: a name of `elman.layers.distributions.DISTRIBUTIONS`.
        levels: of quantiles; None: 0.1, 0.2, ..., 0.9.
    """

    stops = False
    columns: list[str] | None
    mean: np.ndarray  # (C,) of the training split, as the deviation
    deviation: np.ndarray

    def __init__(self, name: str, distribution: str, levels: list[float] | None) -> None:
        super().__init__(name)
        check_choice(name, "distribution", distribution, DISTRIBUTIONS)
        if levels is not None and distribution != "quantiles":
            fail(name, "levels", 'go with distribution = "quantiles"', str(levels), "Leave them out.")
        kind = DISTRIBUTIONS[distribution]
        self.distribution: Distribution = Quantiles(levels or DECILES) if kind is Quantiles else kind()
        self.metrics = ("pinball",) if kind is Quantiles else ("nats",)

    @property
    def size(self) -> int:  # type: ignore[override]
        """C."""
        return len(self.mean)

    @property
    def draws(self) -> int:  # type: ignore[override]
        """A number for each channel."""
        return len(self.mean)

    def names(self) -> list[str]:
        """The columns of the channels, where each is one."""
        columns = self.columns or []
        named = len(columns) == self.size and not any(sign in name for name in columns for sign in "*?[")
        return columns if named else super().names()

    def head(self, input_size: int) -> nn.Module:
        return nn.Linear(input_size, self.size * self.distribution.size)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return self.distribution.loss(output, target).sum(-1)

    def following(self, output: Tensor, chance: Tensor | None, temperature: float = 1.0) -> Tensor:
        mean = self.distribution.mean(output)
        if chance is None:
            return mean
        drawn = self.distribution.draw(output, chance)
        return mean + temperature * (drawn - mean)

    def unscaled(self, scaled: np.ndarray) -> np.ndarray:
        """Scaled readings (T, C) in the units of the data, float64."""
        values: np.ndarray = scaled.astype(np.float64) * self.deviation + self.mean
        return values

    def read(self, encoded: Any) -> np.ndarray:
        return self.unscaled(np.asarray(encoded))

    def truth(self, value: np.ndarray) -> np.ndarray:
        return value
