"""Forecast: the next values of a column, all at once, as numbers or as distributions of them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from elman.checks import check_choice, check_range, fail
from elman.decoding.distributions import DECILES, DISTRIBUTIONS, Distribution, Quantiles
from elman.errors import DataError
from elman.fields.base.field import Single
from elman.fields.series import Series
from elman.fields.values.numbers import parse_or_missing
from elman.types import Json

POINTS = ("mse", "mae")  # heads that predict a number, not a distribution
NORMALIZATIONS = ("none", "last", "window", "seasonal-difference")
GRID = np.linspace(0.005, 0.995, 199)  # probabilities at which calibration counts how often quantiles hold
NOTHING = 1e-6  # standard deviations; what differs by less does so by the rounding of float32
METRICS_OF = {
    "mse": ("mse", "mae", "mase"),
    "mae": ("mae", "mse", "mase"),
    "quantiles": ("pinball", "mse", "mae", "mase", "coverage"),
}


class ScaledForecast(NamedTuple):
    """A forecast on the scale of the training split, as metrics take it."""

    point: np.ndarray  # (horizon,)
    quantiles: np.ndarray | None  # (horizon, quantiles)
    probabilities: Sequence[float]  # of the quantiles
    naive: float  # mean absolute error of the naive forecast in the training split, on the same scale; 0: makes none

    def part(self, steps: slice) -> "ScaledForecast":
        """These steps of it."""
        quantiles = None if self.quantiles is None else self.quantiles[steps]
        return self._replace(point=self.point[steps], quantiles=quantiles)


class Forecast(Single):
    """The next `horizon` values of one column.

    A value is scaled by the mean and standard deviation of the training split, z = (value - mean) / standard deviation;
    the metrics are on that scale too, as published tables have them. A head then predicts each step's

        u = (z - shift) / (scale * spread)

    where shift and scale normalize the row by its own past (see `elman.layers.normalize.normalization_of`), and
    spread is how far values of the training split that are as many steps apart usually differ, so that all steps are
    predicted in like units; 1 where they never do.

    A field is one column; several columns are several targets, which share a body.

    Args:
        name: the column.
        horizon: steps ahead, at least 1.
        stepwise: whether each step has features of its own, and all steps share one head.
        head: "mse" (predicts the mean) or "mae" (the median); "quantiles", "gaussian" or "student-t", see
            `elman.decoding.distributions`.
        quantiles: rising, each above 0 and below 1, the quantiles that are predicted; None: 0.1 to 0.9. Not of heads
            that predict a point.
        normalize: how a row is normalized by its own past: "none", "last" (minus its last value), "window" (mean and
            standard deviation) or "seasonal-difference" (last value, and the usual change from season to season); None:
            "last" where the column's past is read, else "none".
        calibrate: after training, ask for quantiles at the probabilities at which they held on the validation split,
            see `elman.training.calibration.calibrate`; not of heads that predict a point. The loss stays the same.
        season: steps of a season, at least 1: the seasonal naive forecast that the metric `mase` compares with repeats
            the value of one season before (Hyndman & Koehler 2006); also of the normalization "seasonal-difference".

    Example:
        >>> field = Forecast("load", 2, head="gaussian", normalize="last")
        >>> field.fit([np.array([1.0, 3.0, 2.0, 5.0, 1.0])])
        >>> field.describe()
        '2 steps ahead, normalized by last, mean 2.4, standard deviation 1.497'
    """

    kind = "forecast"
    storage = pa.float64()
    metrics: tuple[str, ...]

    def __init__(
        self,
        name: str,
        horizon: int = 1,
        stepwise: bool = False,
        *,
        head: Literal["mse", "mae", "quantiles", "gaussian", "student-t"] = "quantiles",
        quantiles: list[float] | None = None,
        normalize: Literal["none", "last", "window", "seasonal-difference"] | None = None,
        season: int = 1,
        calibrate: bool = False,
    ) -> None:
        super().__init__(name)
        check_choice(name, "head", head, (*POINTS, *DISTRIBUTIONS))
        check_choice(name, "normalize", normalize or "none", NORMALIZATIONS)
        check_range(name, "season", season, low=1)
        must = f"be left out where the head is {head}, which predicts a point"
        if quantiles is not None and head in POINTS:
            fail(name, "quantiles", must, str(quantiles))
        if calibrate and head in POINTS:
            fail(name, "calibrate", must, "true")
        self.horizon, self.stepwise, self.head = horizon, stepwise, head
        self.quantiles = [*DECILES] if quantiles is None else quantiles
        self.distribution = _distribution(head, self.quantiles)
        self.metrics = METRICS_OF.get(head, ("nll", "mse", "mae", "mase", "coverage"))
        self.normalize, self.season, self.calibrate = normalize or "none", season, calibrate
        self.held = GRID  # of each probability of the grid, the fraction of true values below its quantile
        self.scaled = Series(name)
        self.spread = np.ones(0)
        self.naive = 1.0

    @property
    def is_normalized(self) -> bool:
        """Whether rows are normalized by their past, which the head then is given."""
        return self.normalize != "none"

    def parse(self, raw: Any) -> float:
        """A cell of the column; NaN where it is empty, which is not scored."""
        return parse_or_missing(raw)

    def fit(self, values: Sequence[np.ndarray]) -> None:
        """The scale, the spread and the naive forecast's error, from the columns (T,) of the series.

        Raises:
            DataError: series no longer than a season or the horizon, values that never vary, or, normalized by seasonal
                differences, that never differ from those of a season before.
        """
        self.scaled.fit([value[:, None] for value in values])
        scaled = [self.encode(value).astype(np.float64) for value in values]
        where, longest = f"column {self.name!r}", max(map(len, scaled), default=0)
        for name, steps in (("season", self.season), ("horizon", self.horizon)):
            if steps >= longest:
                must = f"be less than the steps of the longest series in the training split, {longest}"
                fail(where, f"the {name}", must, str(steps), "Give more rows, or make it shorter.", DataError)
        every = np.concatenate(scaled)
        if np.ptp(every[~np.isnan(every)]) <= NOTHING:
            fail(where, "a forecast", "vary in the training split", "one value only", "Check the column.", DataError)
        self.spread = np.ones(self.horizon)
        if self.normalize in ("last", "seasonal-difference"):
            usual = np.array([_mean_change(scaled, ahead, np.square) ** 0.5 for ahead in range(1, self.horizon + 1)])
            self.spread = np.where(usual > NOTHING, usual, 1.0)
        if self.normalize == "seasonal-difference":
            seasonal = _mean_change(scaled, self.season, np.square) ** 0.5
            if not seasonal > NOTHING:
                must = "be one after which values of the training split differ where normalize is seasonal-difference"
                fail(where, "the season", must, str(self.season), "Set another season, or normalize=last.", DataError)
            self.spread = self.spread / seasonal
        naive = _mean_change(scaled, self.season, np.abs)
        self.naive = naive if naive > NOTHING else 0.0

    def encode(self, value: np.ndarray) -> np.ndarray:
        """(T,) -> (T,) scaled; what is missing stays NaN."""
        return self._scaled(value).astype(np.float32)

    def learned(self) -> Json:
        held = {"held": self.held.tolist()} if self.calibrate else {}
        return {**self.scaled.learned(), "spread": self.spread.tolist(), "naive": self.naive, **held}

    def restore(self, learned: Json) -> None:
        self.scaled.restore(learned)
        self.spread, self.naive = np.array(learned["spread"]), float(learned["naive"])
        self.held = np.array(learned["held"]) if self.calibrate else GRID
        if self.spread.shape != (self.horizon,) or self.held.shape != GRID.shape:
            raise ValueError("one spread a step ahead, and one fraction a probability of the grid, are needed")

    def describe(self) -> str:
        normalized = f", normalized by {self.normalize}" if self.is_normalized else ""
        mean, standard_deviation = self.scaled.mean[0], self.scaled.standard_deviation[0]
        return f"{self.horizon} steps ahead{normalized}, mean {mean:.4g}, standard deviation {standard_deviation:.4g}"

    def decode(self, output: np.ndarray) -> list[Json]:
        """{"forecast": the mean (of "mae" the median) of each step, "quantiles": {"p10": ...}} a row, in the column's
        unit."""
        parameters, shift, scale = self._parts(output)
        if self.distribution is None:
            return [{"forecast": row} for row in self._unscaled(parameters * scale + shift).tolist()]
        point = self._unscaled(self.distribution.mean(parameters) * scale + shift).tolist()
        asked = self._calibrated(np.array(self.quantiles)).tolist()
        quantiles = [self._unscaled(self.distribution.quantile(parameters, p) * scale + shift).tolist() for p in asked]
        names = [f"p{100 * p:g}" for p in self.quantiles]
        return [
            {"forecast": row, "quantiles": dict(zip(names, rows, strict=True))}
            for row, *rows in zip(point, *quantiles, strict=True)
        ]

    def sample(self, output: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Values in the column's unit, (B, n, horizon), by the inverse distribution function from uniform samples of
        that shape in (0, 1)."""
        if self.distribution is None:
            fail(
                "forecast", "paths", "be sampled from a head that predicts a distribution", "one that predicts a point"
            )
        uniform = self._calibrated(uniform)
        parameters, shift, scale = self._parts(output)
        each = [self.distribution.sample(parameters, uniform[:, n]) * scale + shift for n in range(uniform.shape[1])]
        return self._unscaled(np.stack(each, 1))

    def count_below(self, output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, int]:
        """How many known true values lie below the quantile of each probability of the grid; and how many there are."""
        assert self.distribution is not None
        parameters, shift, scale = self._parts(output)
        standardized, known = (target - shift) / scale, ~np.isnan(target)
        below = [(standardized <= self.distribution.quantile(parameters, p)) & known for p in GRID.tolist()]
        return np.array([counted.sum() for counted in below]), int(known.sum())

    def take_calibration(self, below: np.ndarray, counted: int) -> None:
        """Learn how often quantiles held: the sums of what `count_below` gave over the validation split."""
        self.held = below / max(1, counted)

    def _calibrated(self, probabilities: np.ndarray) -> np.ndarray:
        """The probabilities whose quantiles hold at these ones."""
        if self.held is GRID:
            return probabilities
        held, grid = np.concatenate([[0.0], self.held, [1.0]]), np.concatenate([[0.0], GRID, [1.0]])
        found: np.ndarray = np.interp(probabilities, *_rising(held, grid)).clip(1e-6, 1 - 1e-6)
        return found

    def decode_target(self, target: np.ndarray) -> list[list[float]]:
        values: list[list[float]] = self._unscaled(target).tolist()
        return values

    def compared(self, values: Sequence[Any]) -> list[Any]:
        """Forecasts as `ScaledForecast`, and true values as arrays (horizon,), on the scale of the training split."""
        return [self._rescaled(value) if isinstance(value, dict) else self._scaled(value) for value in values]

    def _rescaled(self, value: Json) -> ScaledForecast:
        quantiles = value.get("quantiles")
        rows = None if quantiles is None else np.stack([self._scaled(row) for row in quantiles.values()], -1)
        return ScaledForecast(self._scaled(value["forecast"]), rows, self.quantiles, self.naive)

    def _scaled(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (np.asarray(values) - self.scaled.mean[0]) / self.scaled.standard_deviation[0]
        return scaled

    def _unscaled(self, scaled: np.ndarray) -> np.ndarray:
        """From the scale of the training split to the column's unit, float64."""
        mean, standard_deviation = float(self.scaled.mean[0]), float(self.scaled.standard_deviation[0])
        found: np.ndarray = scaled.astype(np.float64) * standard_deviation + mean
        return found

    def _parts(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parameters (B, horizon size); shift and scale of u, (B, 1) and (B or 1, horizon), in float32."""
        spread = self.spread.astype(output.dtype)[None]
        if not self.is_normalized:
            return output, np.zeros_like(output[:, :1]), spread
        return output[:, :-2], output[:, -2:-1], output[:, -1:] * spread


def _distribution(head: str, quantiles: Sequence[float]) -> Distribution | None:
    """What a head of this name predicts; None where it is a point."""
    checked = Quantiles(quantiles)
    if head == "quantiles":
        return checked
    return None if head in POINTS else DISTRIBUTIONS[head]()


def _rising(held: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, of probabilities that hold equally often the middle one alone, so that the first can be inverted."""
    fractions, where = np.unique(held, return_inverse=True)
    middle = np.bincount(where, grid) / np.bincount(where)
    middle[0], middle[-1] = 0.0, 1.0
    return fractions, middle


def _mean_change(series: Sequence[np.ndarray], steps: int, of: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean, over all pairs of values `steps` apart, of `of` their difference; NaN where there is none."""
    changes = np.concatenate([of(values[steps:] - values[:-steps]) for values in series])
    known = changes[~np.isnan(changes)]
    return float(known.mean()) if len(known) else float("nan")
