"""Naive forecasts as baselines, and the picture of a forecast."""

from collections.abc import Callable

import numpy as np

from elman.data import WindowExamples
from elman.data.layouts import Tables
from elman.fields import Forecast
from elman.forecasting.forecast import forecast
from elman.insight import draw_forecast
from elman.metrics import METRICS
from elman.model.model import Model
from elman.training.prepare import prepare

# (windows, target, rows, horizon, season) -> forecasts (rows, horizon)
Naive = Callable[[WindowExamples, str, np.ndarray, int, int], np.ndarray]


def last_value(windows: WindowExamples, target: str, rows: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The last value, repeated."""
    return np.repeat(windows.before(target, rows, 1), horizon, axis=1)


def seasonal(windows: WindowExamples, target: str, rows: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The values one season before."""
    before = windows.before(target, rows, season)
    forecast: np.ndarray = before[:, np.arange(horizon) % season]
    return forecast


# A new naive forecast is one function here and one line in this table.
NAIVE: dict[str, Naive] = {"last": last_value, "seasonal": seasonal}


def scores_of_naive(kind: str, tables: Tables, model: Model) -> dict[str, float]:
    """The figures of one of `NAIVE` on the test windows of a model's data: its metrics of point forecasts.

    Args:
        kind: a name of `NAIVE`.
        tables: with a test split.
        model: with one target, a forecast.
    """
    ((name, field),) = model.fields.targets.items()
    assert isinstance(field, Forecast)
    test = prepare(model.config, tables, lambda line: None).splits.test
    assert isinstance(test, WindowExamples)
    assert test.answers is not None
    rows = np.arange(len(test))
    scaled = NAIVE[kind](test, name, rows, field.horizon, field.season)
    mean, std = float(field.scaled.mean[0]), float(field.scaled.standard_deviation[0])
    said = field.compared([{"forecast": row} for row in (scaled.astype(np.float64) * std + mean).tolist()])
    is_so = list(test.ahead_of(name, rows).astype(np.float64))
    points = [metric for metric in field.metrics if metric in ("mse", "mae", "mase")]
    return {metric: METRICS[metric].score(said, is_so) for metric in points}


def picture_of_forecast(model: Model, tables: Tables) -> bytes:
    """A forecast from the middle of the test split and the actual values, as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    assert tables.test is not None
    assert model.config.data.window is not None
    assert model.config.data.horizon is not None
    table, window, horizon = tables.test, model.config.data.window, model.config.data.horizon
    origin = min(max(window, len(table) // 2), len(table) - horizon)
    history = {name: table.column(name)[origin - window : origin] for name in table.columns}
    (series,) = forecast(model, history)
    actual = np.array(table.column(series.column)[origin : origin + horizon], np.float64)
    return draw_forecast(series, actual)
