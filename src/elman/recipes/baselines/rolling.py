"""Random faults injected into clean readings, and how well anomaly scores separate days with and without a fault."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from elman.data import BadRows
from elman.data.layouts import Tables
from elman.fields import Series
from elman.fields.values.numbers import parse_or_missing
from elman.forecasting.anomalies import AnomalyDetector, ScoredSeries, highest_scores, thresholds
from elman.inference.one_step_ahead import predict_readings
from elman.insight import draw_anomalies
from elman.metrics import auc
from elman.model.model import Model
from elman.types import Json

DAY = 24  # readings that get one score
EVERY = 4  # days of which one has a fault
SEED = 0  # of the faults, independent of the run's seed
PICTURE_DAYS = 12
RATE = 0.01  # scores of a channel are divided by the threshold that this fraction of its clean readings exceeds


# (readings of one channel up to the end of the fault, index where the fault begins, the channel's standard deviation in
# the training split, random) -> the faulty readings from there on.
Fault = Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]


def spike(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """One reading in the middle is off by 1 to 2 standard deviations."""
    faulty = readings[begin:].copy()
    faulty[len(faulty) // 2] += draws.choice([-1, 1]) * draws.uniform(1, 2) * deviation
    return faulty


def shift(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """All readings are off by the same 0.5 to 1.5 standard deviations."""
    offset: float = draws.choice([-1, 1]) * draws.uniform(0.5, 1.5) * deviation
    return readings[begin:] + offset


def drift(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """The readings drift linearly, by 1 to 2 standard deviations at the end."""
    slope: float = draws.choice([-1, 1]) * draws.uniform(1, 2) * deviation
    return readings[begin:] + slope * np.linspace(0, 1, len(readings) - begin)


def frozen(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """The reading before the fault is repeated."""
    return np.full(len(readings) - begin, readings[max(begin - 1, 0)])


def noise(readings: np.ndarray, begin: int, deviation: float, draws: np.random.Generator) -> np.ndarray:
    """Gaussian noise of 0.3 to 0.8 standard deviations is added."""
    return readings[begin:] + draws.uniform(0.3, 0.8) * deviation * draws.standard_normal(len(readings) - begin)


FAULTS: dict[str, Fault] = {"spike": spike, "shift": shift, "drift": drift, "frozen": frozen, "noise": noise}


class Faulty(NamedTuple):
    """A series with faults of one kind."""

    readings: np.ndarray  # (T, C)
    days: np.ndarray  # (T // DAY,) whether a day has a fault


def with_faults(readings: np.ndarray, kind: str, deviation: np.ndarray, seed: int) -> Faulty:
    """Readings (T, C) with a fault of this kind in one of every four days, each in a random channel.

    A fault begins and ends within its day and lasts 12 to 20 readings.

    Args:
        readings: clean.
        kind: a name of `FAULTS`.
        deviation: standard deviation of each channel in the training split, (C,).
        seed: of the random numbers; days, channels and lengths are the same for every kind.
    """
    places, draws = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    faulty, days = readings.copy(), np.zeros(len(readings) // DAY, bool)
    for first in range(0, len(days) - EVERY + 1, EVERY):
        day, channel = first + int(places.integers(1, EVERY)), int(places.integers(readings.shape[1]))
        begin, steps = DAY * day + int(places.integers(0, 4)), int(places.integers(12, 21))
        days[day] = True
        fault = FAULTS[kind](readings[: begin + steps, channel], begin, float(deviation[channel]), draws)
        faulty[begin : begin + steps, channel] = fault
    return Faulty(faulty, days)


def score_of_days(scores: np.ndarray) -> np.ndarray:
    """The highest score of each whole day, (T // DAY,), of scores (T, C), which may be NaN."""
    days = len(scores) // DAY
    highest: np.ndarray = np.nan_to_num(scores[: days * DAY], nan=0.0).reshape(days, -1).max(1)
    return highest


def rolling_z(readings: np.ndarray, window: int) -> np.ndarray:
    """|x_t - mean| / standard deviation of the `window` readings before, (T, C); NaN for the first `window`."""
    seen = np.lib.stride_tricks.sliding_window_view(readings, window, axis=0)[:-1]  # (T - window, C, window)
    deviation = np.maximum(seen.std(-1), 1e-9)
    scores = np.abs(readings[window:] - seen.mean(-1)) / deviation
    return np.concatenate([np.full((min(window, len(readings)), readings.shape[1]), np.nan), scores])


def auc_by_fault(score: Callable[[np.ndarray], np.ndarray], readings: np.ndarray, deviation: np.ndarray) -> Json:
    """How well the highest score of a day detects a fault: the area under the ROC curve by kind of fault, and the mean.

    Args:
        score: readings (T, C) -> scores (T, C); a score above 1 is an anomaly.
        readings: clean.
        deviation: as `with_faults`.
    """
    areas = {}
    for kind in FAULTS:
        faulty = with_faults(readings, kind, deviation, SEED)
        areas[f"auc_{kind}"] = auc(score_of_days(score(faulty.readings)).tolist(), faulty.days.tolist())
    return {"auc": float(np.mean(list(areas.values()))), **areas}


def scores_of_network(model: Model, tables: Tables) -> Json:
    """`auc_by_fault` of a network that predicts the next reading, on the test split."""
    assert isinstance(model.target, Series)
    limits = AnomalyDetector(model, RATE).thresholds
    readings = _readings(model.target, tables)[1]
    deviation = model.target.standard_deviation
    return auc_by_fault(lambda some: predict_readings(model.network, some)[0].scores / limits, readings, deviation)


def scores_of_rolling(window: int, tables: Tables, model: Model) -> Json:
    """`auc_by_fault` of `rolling_z`, with thresholds from the validation split, like a network's."""
    assert isinstance(model.target, Series)
    clean, readings = _readings(model.target, tables)
    limits = thresholds(highest_scores(rolling_z(clean, window)), RATE)
    return auc_by_fault(lambda some: rolling_z(some, window) / limits, readings, model.target.standard_deviation)


def picture_of_anomalies(model: Model, tables: Tables) -> bytes:
    """The anomalies that a network detects in the first days of the test split, with injected shifts, as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    assert isinstance(model.target, Series)
    assert tables.test is not None
    steps, time = PICTURE_DAYS * DAY, model.config.data.time
    clean = _readings(model.target, tables)[1][:steps]
    faulty = with_faults(clean, "shift", model.target.standard_deviation, SEED)
    scored, _ = predict_readings(model.network, faulty.readings)
    times = range(steps) if time is None else tables.test.column(time)[:steps]
    limits = AnomalyDetector(model, RATE).thresholds
    title = f"{faulty.days.sum()} of {len(faulty.days)} days have a shift in one channel"
    return draw_anomalies(title, ScoredSeries(None, times, model.target.names(), faulty.readings, scored, limits))


def _readings(field: Series, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """The readings of the validation and the test split, (T, C) each."""
    readings = []
    for table in (tables.valid, tables.test):
        assert table is not None
        columns = [table.values(name, parse_or_missing, BadRows()) for name in field.columns or []]
        readings.append(np.array(columns, np.float64).T)
    return readings[0], readings[1]
