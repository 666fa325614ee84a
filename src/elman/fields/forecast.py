"""Forecast: the next values of a column, all at once, as numbers or as distributions of them."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_choice, check_range, fail
from elman.errors import DataError
from elman.fields.base.field import Single
from elman.fields.series import Series, parse_or_missing
from elman.layers.distributions import DECILES, DISTRIBUTIONS, Distribution, Quantiles
from elman.layers.level import LEVELS
from elman.types import Column, Json

GRID = np.linspace(0.005, 0.995, 199)  # levels at which it is looked how often quantiles hold
NOTHING = 1e-6  # deviations; what differs by less does so by the rounding of float32


class Told(NamedTuple):
    """A forecast on the scale of the training split, as metrics take it."""

    point: np.ndarray  # (horizon,)
    quantiles: np.ndarray | None  # (horizon, levels)
    levels: Sequence[float]
    naive: float  # mean absolute error of the naive forecast in the training split, on the same scale; 0: makes none

    def part(self, steps: slice) -> "Told":
        """These steps of it."""
        return self._replace(
            point=self.point[steps], quantiles=None if self.quantiles is None else self.quantiles[steps]
        )


class Forecast(Single):
    """The next `horizon` values of one column.

    A value is scaled by the mean and deviation of the training split, z = (value - mean) / deviation; the metrics are
    on that scale too, as published tables have them. A head then tells each step's

        u = (z - shift) / (scale * spread)

    where shift and scale are the level of the row's own past (see `elman.layers.level.level_of`), and spread is how far
    so many steps on a value of the training split usually is from its level, so that all steps are told in like units;
    1 where it never is.
    The loss is on the scale of z again: squared errors times (scale spread)^2, absolute errors and quantile losses
    times scale spread, and the negative log-density of u plus log(scale spread).

    A field is one column; several columns are several targets, which share a body.

    Args:
        name: the column.
        head: "mse" (tells the mean) or "mae" (the median); "quantiles", "gaussian" or "student-t", see
            `elman.layers.distributions.DISTRIBUTIONS`.
        levels: rising, each more than 0 and less than 1, the quantiles that are told; None: 0.1 to 0.9. Not of heads
            that tell a point.
        level: "none", "last", "window" or "swing"; None: "last" where the column's past is read, else "none".
        calibrate: after training, ask for quantiles at the levels at which they held on the validation split, see
            `elman.training.calibration.calibrate`; not of heads that tell a point. The loss stays the network's own.
        season: steps of a season, at least 1: the naive forecast that the metric `mase` compares with says what was
            one season before (Hyndman & Koehler 2006); and of the level "swing".

    Attributes:
        horizon: steps ahead, set before the field is fitted or restored.
        in_steps: whether the features of each step stand apart, and all steps share one head; set before it is made.

    Example:
        >>> field = Forecast("load", head="gaussian", level="last")
        >>> field.horizon = 2
        >>> field.fit([np.array([1.0, 3.0, 2.0, 5.0, 1.0])])
        >>> field.head(4)(torch.zeros(3, 6)).shape
        torch.Size([3, 6])
    """

    kind = "forecast"
    storage = pa.float64()
    horizon = 1
    in_steps = False
    metrics: tuple[str, ...]

    def __init__(
        self,
        name: str,
        *,
        head: Literal["mse", "mae", "quantiles", "gaussian", "student-t"] = "quantiles",
        levels: list[float] | None = None,
        level: Literal["none", "last", "window", "swing"] | None = None,
        season: int = 1,
        calibrate: bool = False,
    ) -> None:
        super().__init__(name)
        check_choice(name, "head", head, (*Point.ERRORS, *DISTRIBUTIONS))
        check_choice(name, "level", level or "none", LEVELS)
        check_range(name, "season", season, low=1)
        if levels is not None and head in Point.ERRORS:
            fail(name, "levels", f"be left out where the head is {head}, which tells no quantiles", str(levels))
        if calibrate and head in Point.ERRORS:
            fail(name, "calibrate", f"be left out where the head is {head}, which tells no quantiles", "true")
        self.levels = levels or [*DECILES]
        self.told = _told(head, self.levels)
        self.metrics = METRICS_OF.get(head, ("nll", "mse", "mae", "mase", "coverage"))
        self.level, self.season, self.calibrate = level or "none", season, calibrate
        self.grid, self.held = GRID, GRID  # levels, and the share of true values below each one's quantile
        self.scaled = Series(name)
        self.spread = np.ones(0)
        self.naive = 1.0

    @property
    def leveled(self) -> bool:
        """Whether rows have a level, which the head then is given."""
        return self.level != "none"

    def parse(self, raw: Any) -> float:
        """A cell of the column; NaN where it is empty, which is scored nowhere."""
        return parse_or_missing(raw)

    def fit(self, values: Sequence[np.ndarray]) -> None:
        """The scale, the spread and the naive forecast's error, from the columns (T,) of the series.

        Raises:
            DataError: series no longer than a season or the horizon, values that never vary, or, of the level "swing",
                that never differ from those of a season before.
        """
        self.scaled.fit([value[:, None] for value in values])
        told = [self.encode(value).astype(np.float64) for value in values]
        where, longest = f"column {self.name!r}", max(map(len, told), default=0)
        for name, steps in (("season", self.season), ("horizon", self.horizon)):
            if steps >= longest:
                must = f"be less than the steps of the longest series in the training split, {longest}"
                fail(where, f"the {name}", must, str(steps), "Give more rows, or make it shorter.", DataError)
        every = np.concatenate(told)
        if np.ptp(every[~np.isnan(every)]) <= NOTHING:
            fail(where, "a forecast", "vary in the training split", "one value only", "Check the column.", DataError)
        self.spread = np.ones(self.horizon)
        if self.level in ("last", "swing"):
            usual = np.array([_distance(told, ahead, np.square) ** 0.5 for ahead in range(1, self.horizon + 1)])
            self.spread = np.where(usual > NOTHING, usual, 1.0)
        if self.level == "swing":
            swing = _distance(told, self.season, np.square) ** 0.5
            if not swing > NOTHING:
                must = "be one after which values of the training split differ where the level is swing"
                fail(where, "the season", must, str(self.season), "Set another season, or level=last.", DataError)
            self.spread = self.spread / swing
        naive = _distance(told, self.season, np.abs)
        self.naive = naive if naive > NOTHING else 0.0

    def encode(self, value: np.ndarray) -> np.ndarray:
        """(T,) -> (T,) scaled; what is missing stays NaN."""
        scaled: np.ndarray = ((value - self.scaled.mean[0]) / self.scaled.deviation[0]).astype(np.float32)
        return scaled

    def learned(self) -> Json:
        held = {"held": self.held.tolist()} if self.calibrate else {}
        return {**self.scaled.learned(), "spread": self.spread.tolist(), "naive": self.naive, **held}

    def restore(self, learned: Json) -> None:
        self.scaled.restore(learned)
        self.spread, self.naive = np.array(learned["spread"]), float(learned["naive"])
        self.held = np.array(learned["held"]) if self.calibrate else self.grid
        if self.spread.shape != (self.horizon,) or self.held.shape != self.grid.shape:
            raise ValueError("as many spreads as steps ahead, and as many shares as levels, are needed")

    def describe(self) -> str:
        from_level = f", level {self.level}" if self.leveled else ""
        mean, deviation = self.scaled.mean[0], self.scaled.deviation[0]
        return f"{self.horizon} steps ahead{from_level}, mean {mean:.4g}, deviation {deviation:.4g}"

    def head(self, input_size: int) -> nn.Module:
        steps = self.horizon if self.in_steps else 1
        return LevelHead(input_size, self.horizon * self.told.size, self.leveled, steps)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each row, (B,), summed over its known steps: output (B, K), target (B, horizon)."""
        parameters, shift, scale = self._parts(output)
        known = ~target.isnan()
        apart = ((target - shift) / scale).masked_fill(~known, 0)
        losses = self.told.loss(parameters, apart)
        if isinstance(self.told, Point):
            losses = losses * scale**self.told.power
        else:
            losses = losses * scale if isinstance(self.told, Quantiles) else losses + scale.log()
        return losses.masked_fill(~known, 0).sum(1)

    def counted(self, target: Column) -> Tensor:
        return (~target.values.isnan()).sum(1)

    def decode(self, output: Tensor) -> list[Json]:
        """{"forecast": the mean (of "mae" the median) of each step, "quantiles": {"p10": ...}} a row, in the column's
        unit."""
        parameters, shift, scale = self._parts(output)
        point = self._own(self.told.mean(parameters) * scale + shift).tolist()
        if isinstance(self.told, Point):
            return [{"forecast": row} for row in point]
        asked = self._asked(np.array(self.levels)).tolist()
        quantiles = [self._own(self.told.quantile(parameters, p) * scale + shift).tolist() for p in asked]
        names = [f"p{100 * level:g}" for level in self.levels]
        return [
            {"forecast": row, "quantiles": dict(zip(names, rows, strict=True))}
            for row, *rows in zip(point, *quantiles, strict=True)
        ]

    def draws(self, output: Tensor, chance: Tensor) -> np.ndarray:
        """Values in the column's unit, (B, n, horizon), by the inverse distribution function from chances of that
        shape in (0, 1)."""
        if isinstance(self.told, Point):
            fail("forecast", "paths", "be drawn of a head that tells a distribution", "one that tells a point")
        chance = torch.from_numpy(self._asked(chance.numpy()))
        parameters, shift, scale = self._parts(output)
        drawn = [self.told.draw(parameters, part) * scale + shift for part in chance.unbind(1)]
        values: np.ndarray = self._own(torch.stack(drawn, 1)).numpy()
        return values

    def below(self, output: Tensor, target: Tensor) -> tuple[np.ndarray, int]:
        """How many known true values lie below the quantile of each level of the grid; and how many there are."""
        assert not isinstance(self.told, Point)
        parameters, shift, scale = self._parts(output)
        apart, known = (target - shift) / scale, ~target.isnan()
        counts = [((apart <= self.told.quantile(parameters, p)) & known).sum().item() for p in self.grid.tolist()]
        return np.array(counts), int(known.sum())

    def _asked(self, levels: np.ndarray) -> np.ndarray:
        """The levels whose quantiles hold at these ones."""
        if self.held is self.grid:
            return levels
        held, grid = np.concatenate([[0.0], self.held, [1.0]]), np.concatenate([[0.0], self.grid, [1.0]])
        found: np.ndarray = np.interp(levels, *_rising(held, grid)).clip(1e-6, 1 - 1e-6)
        return found

    def decode_target(self, target: Tensor) -> list[list[float]]:
        values: list[list[float]] = self._own(target).tolist()
        return values

    def compared(self, values: Sequence[Any]) -> list[Any]:
        """Forecasts as `Told`, and true values as arrays (horizon,), on the scale of the training split."""
        return [self._told(value) if isinstance(value, dict) else self._scaled(value) for value in values]

    def _told(self, value: Json) -> Told:
        quantiles = value.get("quantiles")
        rows = None if quantiles is None else np.stack([self._scaled(row) for row in quantiles.values()], -1)
        return Told(self._scaled(value["forecast"]), rows, self.levels, self.naive)

    def _scaled(self, values: Sequence[float]) -> np.ndarray:
        scaled: np.ndarray = (np.asarray(values) - self.scaled.mean[0]) / self.scaled.deviation[0]
        return scaled

    def _own(self, scaled: Tensor) -> Tensor:
        """From the scale of the training split to the column's unit."""
        return scaled.double().cpu() * float(self.scaled.deviation[0]) + float(self.scaled.mean[0])

    def _parts(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters (B, horizon size); shift and scale of u, (B, 1) and (B or 1, horizon)."""
        spread = torch.from_numpy(self.spread).to(output)[None]
        if not self.leveled:
            return output, torch.zeros_like(output[:, :1]), spread
        return output[:, :-2], output[:, -2:-1], output[:, -1:] * spread


class LevelHead(nn.Module):
    """A linear map; where rows have a level, which then is the end of the features, it is handed on beside the output.

    Args:
        input_size, output_size: of a row.
        leveled: whether rows have a level.
        steps: parts that features and output both have, one after the other, which share the map.

    Shape: (B, input_size) -> (B, output_size), or (B, input_size + 2) -> (B, output_size + 2).
    """

    def __init__(self, input_size: int, output_size: int, leveled: bool, steps: int = 1) -> None:
        super().__init__()
        self.linear, self.leveled, self.steps = nn.Linear(input_size // steps, output_size // steps), leveled, steps

    def forward(self, features: Tensor) -> Tensor:
        level = features[:, -2:] if self.leveled else features[:, :0]
        own = features[:, : features.shape[1] - level.shape[1]].reshape(-1, self.steps, self.linear.in_features)
        return torch.cat([self.linear(own).flatten(1), level], 1)


class Point:
    """One number a value: its mean where squared errors are lowered, its median where absolute ones are."""

    ERRORS: ClassVar[dict[str, tuple[Callable[..., Tensor], int]]] = {"mse": (F.mse_loss, 2), "mae": (F.l1_loss, 1)}
    size = 1

    def __init__(self, error: str) -> None:
        self.error, self.power = self.ERRORS[error]  # a loss in other units is multiplied by the unit to this power

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return self.error(output, target, reduction="none")

    def mean(self, output: Tensor) -> Tensor:
        return output


METRICS_OF = {
    "mse": ("mse", "mae", "mase"),
    "mae": ("mae", "mse", "mase"),
    "quantiles": ("pinball", "mse", "mae", "mase", "coverage"),
}


def _told(head: str, levels: Sequence[float]) -> Distribution | Point:
    """What a head of this name tells."""
    quantiles = Quantiles(levels)  # which checks them
    if head == "quantiles":
        return quantiles
    return Point(head) if head in Point.ERRORS else DISTRIBUTIONS[head]()


def _rising(held: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, of levels that hold equally often the middle one alone, so that the first can be inverted."""
    shares, where = np.unique(held, return_inverse=True)
    middle = np.bincount(where, grid) / np.bincount(where)
    middle[0], middle[-1] = 0.0, 1.0
    return shares, middle


def _distance(series: Sequence[np.ndarray], steps: int, of: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean, over all pairs of values so many steps apart, of `of` their difference; NaN where there is none."""
    apart = np.concatenate([of(values[steps:] - values[:-steps]) for values in series])
    known = apart[~np.isnan(apart)]
    return float(known.mean()) if len(known) else float("nan")
