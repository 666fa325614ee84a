"""Faults put into clean readings by a seeded draw, and how well scores tell the days that have one from the others."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from elman.data import BadRows
from elman.fields import Series
from elman.fields.series import parse_or_missing
from elman.forecasting.anomalies import Watcher, Watching, highest_scores, thresholds
from elman.inference.one_step_ahead import watch
from elman.insight import draw_hits
from elman.metrics import auc
from elman.model.model import Model
from elman.training.datasets import Tables
from elman.types import Json

DAY = 24  # readings that are judged together
EVERY = 4  # one day in so many has a fault
SEED = 0  # of the faults, whatever the run's
SHOWN = 12  # days in the picture
UNIT = 0.01  # scores of a channel are compared by that which such a share of its clean readings exceeds

# (readings of one channel from its beginning to the fault's end, where the fault begins, the channel's deviation in
# training, draws) -> the readings from there on, as the faulty sensor gives them.
Fault = Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]


def spike(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """One reading in the middle is off by 1 to 2 deviations."""
    found = readings[begin:].copy()
    found[len(found) // 2] += draws.choice([-1, 1]) * draws.uniform(1, 2) * deviation
    return found


def shift(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """All readings are off by the same 0.5 to 1.5 deviations."""
    off: float = draws.choice([-1, 1]) * draws.uniform(0.5, 1.5) * deviation
    return readings[begin:] + off


def drift(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """The readings move away evenly, by 1 to 2 deviations at the end."""
    slope: float = draws.choice([-1, 1]) * draws.uniform(1, 2) * deviation
    return readings[begin:] + slope * np.linspace(0, 1, len(readings) - begin)


def frozen(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """The reading before the fault stays."""
    return np.full(len(readings) - begin, readings[max(begin - 1, 0)])


def noise(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """Gaussian noise of 0.3 to 0.8 deviations is added."""
    return readings[begin:] + draws.uniform(0.3, 0.8) * deviation * draws.standard_normal(len(readings) - begin)


FAULTS: dict[str, Fault] = {"spike": spike, "shift": shift, "drift": drift, "frozen": frozen, "noise": noise}


class Faulty(NamedTuple):
    """A series with faults of one kind."""

    readings: np.ndarray  # (T, C)
    days: np.ndarray  # (T // DAY,) whether a day has one


def with_faults(readings: np.ndarray, kind: str, deviation: np.ndarray, seed: int) -> Faulty:
    """Readings (T, C) with a fault of this kind in one day of every four, each in a channel that is drawn.

    A fault begins and ends within its day and lasts 12 to 20 readings.

    Args:
        readings: clean.
        kind: a name of `FAULTS`.
        deviation: of each channel in training, (C,).
        seed: of the draws; the same days, channels and lengths for every kind.
    """
    places, draws = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    found, days = readings.copy(), np.zeros(len(readings) // DAY, bool)
    for first in range(0, len(days) - EVERY + 1, EVERY):
        day, channel = first + int(places.integers(1, EVERY)), int(places.integers(readings.shape[1]))
        begin, steps = DAY * day + int(places.integers(0, 4)), int(places.integers(12, 21))
        days[day] = True
        fault = FAULTS[kind](readings[: begin + steps, channel], begin, float(deviation[channel]), draws)
        found[begin : begin + steps, channel] = fault
    return Faulty(found, days)


def score_of_days(scores: np.ndarray) -> np.ndarray:
    """The highest score of each whole day, (T // DAY,): scores (T, C), NaN where there is none."""
    days = len(scores) // DAY
    found: np.ndarray = np.nan_to_num(scores[: days * DAY], nan=0.0).reshape(days, -1).max(1)
    return found


def rolling_z(readings: np.ndarray, window: int) -> np.ndarray:
    """|x_t - mean| / deviation of the `window` readings before, (T, C); NaN for the first `window`."""
    seen = np.lib.stride_tricks.sliding_window_view(readings, window, axis=0)[:-1]  # (T - window, C, window)
    deviation = np.maximum(seen.std(-1), 1e-9)
    scores = np.abs(readings[window:] - seen.mean(-1)) / deviation
    return np.concatenate([np.full((min(window, len(readings)), readings.shape[1]), np.nan), scores])


def auc_by_fault(score: Callable[[np.ndarray], np.ndarray], readings: np.ndarray, deviation: np.ndarray) -> Json:
    """How well the highest score of a day tells that it has a fault, by kind of fault and in the mean.

    Args:
        score: readings (T, C) -> scores (T, C), of which one above 1 is a hit.
        readings: clean.
        deviation: as `with_faults`.
    """
    found = {}
    for kind in FAULTS:
        faulty = with_faults(readings, kind, deviation, SEED)
        found[f"auc_{kind}"] = auc(score_of_days(score(faulty.readings)).tolist(), faulty.days.tolist())
    return {"auc": float(np.mean(list(found.values()))), **found}


def scores_of_network(model: Model, tables: Tables) -> Json:
    """`auc_by_fault` of a network that tells the next reading, on the test part."""
    assert isinstance(model.target, Series)
    limits = Watcher(model, UNIT).thresholds
    readings = _readings(model.target, tables)[1]
    return auc_by_fault(lambda some: watch(model.network, some)[0].scores / limits, readings, model.target.deviation)


def scores_of_rolling(window: int, tables: Tables, model: Model) -> Json:
    """`auc_by_fault` of `rolling_z`, whose thresholds are taken of the validation part as a network's are."""
    assert isinstance(model.target, Series)
    clean, readings = _readings(model.target, tables)
    limits = thresholds(highest_scores(rolling_z(clean, window)), UNIT)
    return auc_by_fault(lambda some: rolling_z(some, window) / limits, readings, model.target.deviation)


def picture_of_hits(model: Model, tables: Tables) -> bytes:
    """What a network finds in the first days of the test part, into which shifts were put, as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    assert isinstance(model.target, Series)
    assert tables.test is not None
    steps, time = SHOWN * DAY, model.config.data.time
    clean = _readings(model.target, tables)[1][:steps]
    faulty = with_faults(clean, "shift", model.target.deviation, SEED)
    watched, _ = watch(model.network, faulty.readings)
    times = range(steps) if time is None else tables.test.column(time)[:steps]
    limits = Watcher(model, UNIT).thresholds
    title = f"{faulty.days.sum()} of {len(faulty.days)} days have a shift in one channel"
    return draw_hits(title, Watching(None, times, model.target.names(), faulty.readings, watched, limits))


def _readings(field: Series, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """The validation and the test part, (T, C) each."""
    found = []
    for table in (tables.valid, tables.test):
        assert table is not None
        columns = [table.values(name, parse_or_missing, BadRows()) for name in field.columns or []]
        found.append(np.array(columns, np.float64).T)
    return found[0], found[1]
