"""Forecasts of series from their history: a value, quantiles and sample paths for each step of the horizon."""

from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch

from elman.checks import check_whole, fail
from elman.data import BadRows, Table, matching_columns, plain, table_of, timelines
from elman.data.layouts import WindowsLayout
from elman.data.requests import Values, row_policy
from elman.decoding.distributions import DECILES
from elman.errors import BadValueError, DataError
from elman.fields import Forecast, Series
from elman.inference import evaluate
from elman.inference.one_step_ahead import predicts_next_reading
from elman.inference.rollout import sample_paths
from elman.layers.arrays import as_array
from elman.model.model import Model
from elman.network import Network
from elman.types import Json

MOST_PATHS = 10_000
LEAST_SAMPLES = 200  # paths from which the deciles are computed, at least
TAIL = 1e-6  # probability below and above which no values are sampled


class SeriesForecast(NamedTuple):
    """The forecast of one column of one series."""

    series: str  # its id; "" if the table is one series
    column: str
    history: np.ndarray  # (T,) as it was read, NaN for a missing value; empty if the table has no such column
    history_times: list[Any]  # None if no column orders the rows
    times: list[Any]  # of the steps of the horizon
    forecast: list[float]
    quantiles: dict[str, list[float]]  # "p10": ...; empty if the head predicts a point
    paths: np.ndarray  # (paths, horizon)

    def rows(self, model: Model) -> list[Json]:
        """One row per step: {"id", "column", "step", "time", "prediction", "quantiles", "paths"}, those that exist."""
        data, field = model.config.data, model.target
        several = len(model.fields.targets) > 1 or (isinstance(field, Series) and field.size > 1)
        rows = []
        for step, value in enumerate(self.forecast):
            row: Json = {} if data.id is None else {"id": self.series}
            row |= {"column": self.column} if several else {}
            row |= {"step": step + 1} | ({} if data.time is None else {"time": plain(self.times[step])})
            row["prediction"] = value
            if self.quantiles:
                row["quantiles"] = {name: values[step] for name, values in self.quantiles.items()}
            if len(self.paths):
                row["paths"] = self.paths[:, step].tolist()
            rows.append(row)
        return rows


def forecast(
    model: Model,
    history: Values,
    horizon: int | None = None,
    paths: int = 0,
    seed: int = 0,
    bad_rows: str = "refuse",
) -> list[SeriesForecast]:
    """Forecast the steps after the last value of each series of a history.

    A path is one sample of the whole horizon. A network trained with a horizon predicts the distribution of each step,
    not their joint distribution: each step is sampled from its own distribution by inverting its distribution function,
    and the samples are combined to paths in the rank order of windows of the history (the Schaake shuffle, Clark et al.
    2004). A network that predicts the next step of a series is fed its own samples, see `elman.inference.rollout`: the
    forecast is the mean and the deciles of at least 200 paths.

    Args:
        model: trained with `data.horizon`; or of the topology next-step over a series whose rows are steps.
        history: the columns of inputs and targets, a row per step. Rows after the last value of a target hold the
            future covariates.
        horizon: steps, at most those of the training, which are the default. A model that predicts the next step takes
            any number, and has no default.
        paths: number of paths to sample, 0 to 10,000.
        seed: of the samples, at least 0; the samples of a series do not depend on other series.
        bad_rows: "refuse", or "skip" to leave out rows and series that cannot be used.

    Returns: a forecast for each series and target; or for each series and channel.

    Raises:
        ArgumentError: a horizon longer than that of the training, paths of a head that predicts a point, or a value of
            horizon, paths or seed that is not allowed.
        DataError: rows that cannot be used, a series that is too short.
    """
    check_whole("forecast", "paths", paths, 0, MOST_PATHS)
    check_whole("forecast", "seed", seed, low=0)
    bad = row_policy(bad_rows)
    ahead = _step_by_step if predicts_next_reading(model.network) else _at_once
    forecasts = ahead(model, table_of(history, bad), horizon, paths, seed, bad)
    model.skipped = bad.summary()
    return forecasts


def _at_once(
    model: Model, history: Table, horizon: int | None, paths: int, seed: int, bad: BadRows
) -> list[SeriesForecast]:
    """The forecasts of a network that predicts the whole horizon at once."""
    layout = windows_of(model, "forecast")
    most = layout.horizon
    horizon = most if horizon is None else horizon
    check_whole("forecast", "horizon", horizon, 1, most, "Train with a larger data.horizon to forecast further.")
    examples, chosen = layout.latest_windows(history, bad)
    predictions = evaluate(model.network, examples)
    forecasts = []
    for index, (line, origin) in enumerate(chosen):
        begin = origin - examples.window
        for name, field in model.fields.targets.items():
            assert isinstance(field, Forecast)
            predicted = predictions[name].predictions[index]
            whole = line.columns.get(name, np.zeros(0))
            samples = np.zeros((0, horizon))
            if paths:
                uniform = _uniform_samples(whole[:origin], paths, most, generator_of(seed, line.name), line.name)
                output = _outputs(model.network, examples, np.array([index]))[name]
                samples = field.sample(output, uniform[None])[0, :, :horizon]
            one = SeriesForecast(
                line.name,
                name,
                whole[begin:origin],
                list(line.times[begin:origin]),
                line.times_after(origin, horizon),
                predicted["forecast"][:horizon],
                {name: values[:horizon] for name, values in predicted.get("quantiles", {}).items()},
                samples,
            )
            forecasts.append(one)
    return forecasts


def _step_by_step(
    model: Model, history: Table, horizon: int | None, paths: int, seed: int, bad: BadRows
) -> list[SeriesForecast]:
    """The forecasts of a network that predicts the next step of a series, and is fed its own samples."""
    field, data = model.target, model.config.data
    assert isinstance(field, Series)
    if horizon is None:
        must = "be given for a model that predicts the next step"
        fail("forecast", "horizon", must, "none", "Pass --horizon 24, or horizon=24.")
    check_whole("forecast", "horizon", horizon, 1)
    if field.columns is None or (data.id is None and data.time is None):
        must, then = "read a series whose rows are steps", "Train with --time or --id, or use generate."
        fail("forecast", "the model", must, "one whose rows are whole series", then)
    columns = matching_columns(history, field.columns)
    forecasts = []
    for line in timelines(history, columns, {}, data.id, data.time, bad).values():
        origin = line.known_until(columns)
        try:
            readings = field.parse(line.numbers(columns)[:origin])
        except BadValueError as error:
            bad.found(f"{line.place(0)}: column {field.name!r} {error}")
            continue
        size = (horizon, max(paths, LEAST_SAMPLES), len(columns))
        samples = sample_paths(model.network, readings, generator_of(seed, line.name).uniform(TAIL, 1 - TAIL, size))
        quantiles = np.quantile(samples, DECILES, axis=0)
        for channel, column in enumerate(columns):
            one = SeriesForecast(
                line.name,
                column,
                readings[:, channel],
                list(line.times[:origin]),
                line.times_after(origin, horizon),
                samples[:, :, channel].mean(0).tolist(),
                {f"p{100 * p:g}": row.tolist() for p, row in zip(DECILES, quantiles[..., channel], strict=True)},
                samples[:paths, :, channel],
            )
            forecasts.append(one)
    if not forecasts:
        fail(history.source, "the table", "have a series that can be forecast", "none", error=DataError)
    return forecasts


def generator_of(seed: int, series: str) -> np.random.Generator:
    """The random generator of a series: it depends on the seed and the series' name only."""
    return np.random.default_rng((seed, int.from_bytes(sha256(series.encode()).digest())))


def windows_of(model: Model, where: str) -> WindowsLayout:
    """The layout of a model that was trained to forecast.

    Raises:
        ArgumentError: it was not; `where` begins the message.
    """
    if not isinstance(model.layout, WindowsLayout):
        then = "Train with --horizon, or use evaluate or predict."
        fail(where, "the model", "have been trained to forecast", "one that was not", then)
    return model.layout


@torch.inference_mode()
def _outputs(network: Network, examples: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of the heads for these rows, by target."""
    features = network(examples.batch(rows))
    return {name: as_array(head(features.single_for(name))) for name, head in network.predicted()}


def _uniform_samples(
    history: np.ndarray, paths: int, horizon: int, random: np.random.Generator, series: str
) -> np.ndarray:
    """Uniform samples (paths, horizon): stratified at each step, in the rank order of windows of the history."""
    values = history[~np.isnan(history)]
    windows = np.lib.stride_tricks.sliding_window_view(values, horizon + 1) if len(values) > horizon else values[:0]
    if not len(windows):
        whose = f" in the series {series!r}" if series else ""
        fail("forecast", "paths", f"be sampled with {horizon + 1} known values before{whose}", f"{len(values)}")
    chosen = windows[random.integers(len(windows), size=paths)]
    rises = chosen[:, 1:] - chosen[:, :1]
    ties = random.random(rises.shape)
    ranks = np.stack([np.lexsort((ties[:, step], rises[:, step])).argsort() for step in range(horizon)], 1)
    uniform: np.ndarray = (ranks + random.uniform(TAIL, 1 - TAIL, rises.shape)) / paths
    return uniform
