"""What a recipe of a forecast shows beside its figures: forecasts without a network, and a fan chart."""

from collections.abc import Callable

import numpy as np

from elman.data import BadRows, WindowExamples
from elman.data.layouts.windows import window_parts
from elman.fields import Forecast
from elman.forecasting.forecast import forecast
from elman.insight import draw_fan
from elman.metrics import METRICS
from elman.model.model import Model
from elman.training.datasets import Tables

# (windows, target, rows, horizon, season) -> what is forecast, (rows, horizon). A new one is one line in this table.
Naive = Callable[[WindowExamples, str, np.ndarray, int, int], np.ndarray]


def last_value(windows: WindowExamples, target: str, rows: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """What was last goes on."""
    return np.repeat(windows.before(target, rows, 1), horizon, axis=1)


def seasonal(windows: WindowExamples, target: str, rows: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """What was one season before comes again."""
    before = windows.before(target, rows, season)
    found: np.ndarray = before[:, np.arange(horizon) % season]
    return found


NAIVE: dict[str, Naive] = {"last": last_value, "seasonal": seasonal}


def scores_of_naive(kind: str, tables: Tables, model: Model) -> dict[str, float]:
    """The figures of one of `NAIVE` on the test windows of a model's data: those of its metrics that look at a point.

    Args:
        kind: a name of `NAIVE`.
        tables: with a test part.
        model: with one target, a forecast.
    """
    ((name, field),) = model.fields.targets.items()
    assert isinstance(field, Forecast)
    given = tables.train, tables.valid, tables.test
    test = window_parts(model.config, model.fields, given, BadRows(skip=True), lambda line: None, fit=False)[2]
    assert test is not None
    assert test.answers is not None
    rows = np.arange(len(test))
    scaled = NAIVE[kind](test, name, rows, field.horizon, field.season)
    mean, deviation = float(field.scaled.mean[0]), float(field.scaled.deviation[0])
    said = field.compared([{"forecast": row} for row in (scaled.astype(np.float64) * deviation + mean).tolist()])
    is_so = list(test.ahead_of(name, rows).astype(np.float64))
    points = [metric for metric in field.metrics if metric in ("mse", "mae", "mase")]
    return {metric: METRICS[metric].score(said, is_so) for metric in points}


def fan_chart(model: Model, tables: Tables) -> bytes:
    """A forecast from the middle of the test part beside what came, as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    assert tables.test is not None
    assert model.config.data.window is not None
    assert model.config.data.horizon is not None
    table, window, horizon = tables.test, model.config.data.window, model.config.data.horizon
    origin = min(max(window, len(table) // 2), len(table) - horizon)
    history = {name: table.column(name)[origin - window : origin] for name in table.columns}
    (outlook,) = forecast(model, history)
    truth = np.array(table.column(outlook.column)[origin : origin + horizon], np.float64)
    return draw_fan(outlook, truth)
