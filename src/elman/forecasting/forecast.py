"""What a model forecasts from a history, and paths that the future may take."""

import os
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch

from elman.checks import check_whole, fail
from elman.data import BadRows, Table, matching_columns, plain, table_of, timelines
from elman.data.layouts.windows import last_windows
from elman.data.requests import Source, row_policy
from elman.errors import BadValueError, DataError
from elman.fields import Forecast, Series
from elman.inference import judge
from elman.inference.one_step_ahead import watches
from elman.inference.rollout import fed_back
from elman.layers.distributions import DECILES
from elman.model.model import Model
from elman.network import Network
from elman.types import Json

MOST_PATHS = 10_000
DRAWN = 200  # paths that deciles are taken of
NEVER = 1e-6  # no path holds a value that comes more seldom


class Outlook(NamedTuple):
    """What is forecast of one column of one series."""

    series: str  # its id; "" where the table is one series
    column: str
    past: np.ndarray  # (T,) what was read, NaN where a value is missing; empty where the table has no such column
    past_times: list[Any]  # None where no column orders the rows
    times: list[Any]  # of the steps ahead
    forecast: list[float]
    quantiles: dict[str, list[float]]  # "p10": ...; empty where the head tells a point
    paths: np.ndarray  # (paths, horizon)

    def rows(self, model: Model) -> list[Json]:
        """A row a step: {"id", "column", "step", "time", "prediction", "quantiles"}, without what there is not."""
        data, field = model.config.data, model.target
        several = len(model.fields.targets) > 1 or (isinstance(field, Series) and field.size > 1)
        found = []
        for step, value in enumerate(self.forecast):
            row: Json = {} if data.id is None else {"id": self.series}
            row |= {"column": self.column} if several else {}
            row |= {"step": step + 1} | ({} if data.time is None else {"time": plain(self.times[step])})
            row["prediction"] = value
            if self.quantiles:
                row["quantiles"] = {name: values[step] for name, values in self.quantiles.items()}
            if len(self.paths):
                row["paths"] = self.paths[:, step].tolist()
            found.append(row)
        return found


def forecast(
    model: Model,
    history: Source,
    horizon: int | None = None,
    paths: int = 0,
    seed: int = 0,
    bad_rows: str = "refuse",
) -> list[Outlook]:
    """What comes after the last value of each series of a history.

    A path is a row of values as they may come together. A network that was trained to forecast tells all steps at once,
    and not how they hang together: each step's values are drawn from that step's own distribution by the inverse of its
    distribution function; which of them go together is taken from windows of the history, whose values have the same
    ranks (the Schaake shuffle, Clark et al. 2004). One that tells the next step of a series goes on by its own draws,
    see `elman.inference.rollout`: what is told is the mean and the deciles of at least 200 paths.

    Args:
        model: trained with `data.horizon`; or of the topology next-step over a series whose rows are steps.
        history: rows of the inputs' columns, a row a step, and the targets'. Rows after the last value of a target say
            what is known ahead.
        horizon: steps, at most those of the training; None: as many. Of a model that tells the next step any number,
            and not None.
        paths: how many are drawn, 0 to 10,000.
        seed: of the draws, at least 0; a series draws the same whatever other series are there.
        bad_rows: "refuse", or "skip" to leave out rows and series that cannot be used.

    Returns: an outlook a series and target; or a series and channel.

    Raises:
        ArgumentError: a horizon longer than that of the training, paths of a head that tells a point, or a number that
            is none of steps, paths or a seed.
        DataError: rows that cannot be used, a series that is too short.
    """
    check_whole("forecast", "paths", paths, 0, MOST_PATHS)
    check_whole("forecast", "seed", seed, low=0)
    bad = row_policy(bad_rows)
    ahead = _step_by_step if watches(model.network) else _at_once
    found = ahead(model, table_of(history, bad), horizon, paths, seed, bad)
    model.skipped = bad.summary()
    return found


def _at_once(model: Model, history: Table, horizon: int | None, paths: int, seed: int, bad: BadRows) -> list[Outlook]:
    """The outlooks of a network that was trained to forecast."""
    most = horizon_of(model, "forecast")
    horizon = most if horizon is None else horizon
    check_whole("forecast", "horizon", horizon, 1, most, "Train with a larger data.horizon to look further.")
    examples, chosen = last_windows(model.config, model.fields, history, bad)
    judged = judge(model.network, examples)
    found = []
    for index, (line, origin) in enumerate(chosen):
        begin = origin - examples.window
        for name, field in model.fields.targets.items():
            assert isinstance(field, Forecast)
            told = judged[name].predictions[index]
            whole = line.columns.get(name, np.zeros(0))
            drawn = np.zeros((0, horizon))
            if paths:
                chances = _chances(whole[:origin], paths, most, draws_of(seed, line.name), line.name)
                output = _outputs(model.network, examples, np.array([index]))[name]
                drawn = field.draws(output, torch.from_numpy(chances)[None])[0, :, :horizon]
            outlook = Outlook(
                line.name,
                name,
                whole[begin:origin],
                list(line.times[begin:origin]),
                line.times_after(origin, horizon),
                told["forecast"][:horizon],
                {level: values[:horizon] for level, values in told.get("quantiles", {}).items()},
                drawn,
            )
            found.append(outlook)
    return found


def _step_by_step(
    model: Model, history: Table, horizon: int | None, paths: int, seed: int, bad: BadRows
) -> list[Outlook]:
    """The outlooks of a network that tells the next step of a series, and is fed with its own draws."""
    field, data = model.target, model.config.data
    assert isinstance(field, Series)
    if horizon is None:
        must = "be given where the model tells the next step, which has no end"
        fail("forecast", "horizon", must, "none", "Pass --horizon 24, or horizon=24.")
    check_whole("forecast", "horizon", horizon, 1)
    if field.columns is None or (data.id is None and data.time is None):
        must, then = "read a series whose rows are steps", "Train with --time or --id, or use generate."
        fail("forecast", "the model", must, "one whose rows are whole series", then)
    columns = matching_columns(history, field.columns)
    found = []
    for line in timelines(history, columns, {}, data.id, data.time, bad).values():
        origin = line.known_until(columns)
        try:
            readings = field.parse(line.numbers(columns)[:origin])
        except BadValueError as error:
            bad.found(f"{line.place(0)}: column {field.name!r} {error}")
            continue
        chances = draws_of(seed, line.name).uniform(NEVER, 1 - NEVER, (horizon, max(paths, DRAWN), len(columns)))
        drawn = fed_back(model.network, readings, chances)
        quantiles = np.quantile(drawn, DECILES, axis=0)
        for channel, column in enumerate(columns):
            outlook = Outlook(
                line.name,
                column,
                readings[:, channel],
                list(line.times[:origin]),
                line.times_after(origin, horizon),
                drawn[:, :, channel].mean(0).tolist(),
                {f"p{100 * p:g}": row.tolist() for p, row in zip(DECILES, quantiles[..., channel], strict=True)},
                drawn[:paths, :, channel],
            )
            found.append(outlook)
    if not found:
        fail(history.source, "the table", "have a series that can be forecast", "none", error=DataError)
    return found


def draws_of(seed: int, series: str) -> np.random.Generator:
    """The random numbers of a series: of its name and the seed, whatever else stands in the table."""
    return np.random.default_rng((seed, int.from_bytes(sha256(series.encode()).digest())))


def looks_ahead(model: Model, horizon: int | None, paths: int, values: Sequence[str] = ()) -> bool:
    """Whether `predict` is to forecast: a model that was trained to, or that tells the next step, where steps are asked
    for, or where what is given is a file."""
    asked = horizon is not None or paths > 0 or any(map(os.path.isfile, values))
    return model.config.data.horizon is not None or (watches(model.network) and asked)


def horizon_of(model: Model, where: str) -> int:
    """The steps ahead that a model was trained to forecast.

    Raises:
        ArgumentError: it was not; `where` is what the message begins with.
    """
    if model.config.data.horizon is None:
        then = "Train with --horizon, or use evaluate or predict."
        fail(where, "the model", "have been trained to forecast", "one that was not", then)
    return model.config.data.horizon


@torch.inference_mode()
def _outputs(network: Network, examples: Any, rows: np.ndarray) -> dict[str, torch.Tensor]:
    """What the heads give of these rows, by target."""
    features = network(examples.batch(rows).to(network.device))
    heads = zip(network.fields.targets, network.heads, strict=True)
    return {name: head(features.single_for(name)) for name, head in heads}


def _chances(past: np.ndarray, paths: int, horizon: int, random: np.random.Generator, series: str) -> np.ndarray:
    """Uniform numbers (paths, horizon), those of a step spread evenly, whose ranks are those of windows of the past."""
    values = past[~np.isnan(past)]
    windows = np.lib.stride_tricks.sliding_window_view(values, horizon + 1) if len(values) > horizon else values[:0]
    if not len(windows):
        whose = f" in the series {series!r}" if series else ""
        fail("forecast", "paths", f"be drawn with {horizon + 1} known values before{whose}", f"{len(values)}")
    some = windows[random.integers(len(windows), size=paths)]
    rises = some[:, 1:] - some[:, :1]
    ties = random.random(rises.shape)
    ranks = np.stack([np.lexsort((ties[:, step], rises[:, step])).argsort() for step in range(horizon)], 1)
    chances: np.ndarray = (ranks + random.uniform(NEVER, 1 - NEVER, rises.shape)) / paths
    return chances
