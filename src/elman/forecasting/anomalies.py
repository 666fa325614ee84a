"""Readings that a next-step network did not expect: scores, thresholds from clean data, and the hits."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail, shown
from elman.data import BadRows, Examples, Table, from_long, gather, matching_columns, parse, plain, table_of
from elman.errors import BadValueError, DataError
from elman.fields import Series
from elman.fields.series import parse_or_missing
from elman.fields.values.cells import moment, not_blank
from elman.inference.one_step_ahead import Watch, Watched, watch, watches
from elman.model.model import Model
from elman.network import Network
from elman.types import Json

CLEAN = "clean.json"  # in a run directory: the highest scores of readings without faults
MOST_KEPT = 10_000  # scores a channel
LARGEST = 1e30  # JSON knows no infinity
FALSE_ALARMS = 0.001
ROW = "\0row"  # a column that no table has


class Watching(NamedTuple):
    """One series under watch."""

    id: Any  # None where there is one series only
    times: Sequence[Any]  # of each reading, as they stand in the data; numbers from 1 where there is no time
    channels: list[str]
    readings: np.ndarray  # (T, C)
    watched: Watched
    thresholds: np.ndarray  # (C,)

    @property
    def over(self) -> np.ndarray:
        """Which readings are hits, for their score is above their channel's threshold, (T, C) booleans."""
        found: np.ndarray = self.watched.scores > self.thresholds
        return found

    def hits(self) -> list[Json]:
        """The readings that are hits, a row each: {"id", "time", "channel", "value", "expected", "score", "threshold"},
        without "id" where there is one series only."""
        return [self._row(step, channel) for step, channel in np.argwhere(self.over).tolist()]

    def rows(self) -> list[Json]:
        """Every reading as a row of `hits`, and "hit", true or false; a missing one has None for value and score."""
        over = self.over
        return [self._row(*at) | {"hit": bool(over[at])} for at in np.ndindex(over.shape)]

    def _row(self, step: int, channel: int) -> Json:
        at, missing = (step, channel), bool(np.isnan(self.readings[step, channel]))
        return ({} if self.id is None else {"id": plain(self.id)}) | {
            "time": plain(self.times[step]),
            "channel": self.channels[channel],
            "value": None if missing else float(self.readings[at]),
            "expected": float(self.watched.expected[at]),
            "score": None if missing else float(self.watched.scores[at]),
            "threshold": float(self.thresholds[channel]),
        }


def clean_scores(network: Network, examples: Examples) -> Json:
    """How far off clean readings were: of each channel how many there were, and the highest scores, falling.

    Args:
        network: one that tells the next step of a series.
        examples: series without faults that training did not learn from.
    """
    name = network.written.name
    series = examples.values(f"target.{name}", np.arange(len(examples)))
    scores = np.concatenate([watch(network, readings)[0].scores for readings in series])
    return highest_scores(scores)


def highest_scores(scores: np.ndarray) -> Json:
    """Of the scores of clean readings, (T, C), NaN where there is none, what `thresholds` needs, as plain JSON."""
    known = [channel[~np.isnan(channel)] for channel in scores.T]
    highest = []
    for channel in known:
        falling = np.sort(channel)[::-1][:MOST_KEPT].clip(max=LARGEST)
        highest.append((np.ceil(falling * 1e6) / 1e6).tolist())  # up, so that none of them lies above itself
    return {"readings": [len(channel) for channel in known], "highest": highest}


def thresholds(clean: Json, false_alarms: float) -> np.ndarray:
    """The scores above which a reading is taken for a fault, (C,): of the clean readings of a channel at most such a
    share lies above, and no lower threshold keeps to it.

    Args:
        clean: what `clean_scores` gave.
        false_alarms: more than 0, less than 1.

    Raises:
        ArgumentError: another share, or one of which too few scores are kept.
    """
    if not 0 < false_alarms < 1:
        fail("detect", "false_alarms", "be more than 0 and less than 1", str(false_alarms))
    found = []
    for readings, highest in zip(clean["readings"], clean["highest"], strict=True):
        above = int(false_alarms * readings)
        if above >= len(highest):
            most = len(highest) / max(1, readings)
            fail("detect", "false_alarms", f"be less than {most:.4g}, for the run keeps no more", str(false_alarms))
        found.append(highest[above])
    return np.array(found)


class _Place(NamedTuple):
    """How far a series was followed."""

    state: Watch | None
    steps: int
    moment: Any  # of its last reading; None where no column orders the rows


class Watcher:
    """A trained network that watches readings: all of a table, or one after the other as they come.

    Args:
        model: of the topology next-step over a series, trained with a validation part, which was taken for clean.
        false_alarms: more than 0, less than 1: the share of clean readings of a channel that may be taken for faults.

    Raises:
        ArgumentError: another model, or a share that its clean readings cannot tell.

    Example: see `elman detect`.
    """

    def __init__(self, model: Model, false_alarms: float = FALSE_ALARMS) -> None:
        if not watches(model.network) or not isinstance(model.target, Series):
            then = "Train one without --target on numeric columns."
            got = f"{model.network.topology.name} of kind {model.target.kind}"
            fail("detect", "the model", "tell the next step of a series", got, then)
        kept = model.keepsakes.get(CLEAN)
        if not isinstance(kept, bytes):
            then = "Train with a validation part, without faults, of which thresholds are taken."
            fail("detect", "the model", f"have {CLEAN}", "none", then)
        self.model, self.field = model, model.target
        self.thresholds = thresholds(json.loads(kept), false_alarms)
        self.clean = min(json.loads(kept)["readings"])  # readings of a channel that the thresholds are taken of
        self._states: dict[Any, _Place] = {}

    def table(self, values: Any, bad: BadRows | None = None) -> list[Watching]:
        """Every series of a table, of a file or of whatever `elman.train` takes.

        A row that cannot be used is left out, where `bad` says so, and its series goes on as if it had not been there.

        Raises:
            DataError: a cell that is no reading; a missing one, where the field's `missing` is "refuse".
        """
        bad, data = bad or BadRows(), self.model.config.data
        table = table_of(values, bad, self.field.name)
        if not self._in_rows():
            parsed = parse(gather(table, self.model.fields, None, None, bad), self.model.fields, bad)
            names = [int(parsed.table.numbers[row]) + 1 for row in parsed.rows] if len(table) > 1 else [None]
            each = zip(names, parsed.values[f"target.{self.field.name}"], strict=True)
            return [self._watched(name, None, self.field.names(), readings) for name, readings in each]
        channels = matching_columns(table, self.field.columns or [])
        numbered = {**table.columns, ROW: list(range(len(table)))}  # so that each reading's row is known
        numbered_table = Table(numbered, table.source, table.where, numbers=table.numbers)
        reading = self._reading
        gathered = from_long(numbered_table, [*channels, ROW], self.field.name, data.id, data.time, bad, reading)
        if not len(gathered):
            fail(table.source, "the table", "have a row that can be used", "none", error=DataError)
        found = []
        for at, readings in enumerate(gathered.column(self.field.name)):
            rows = readings[:, -1].astype(int).tolist()
            times = None if data.time is None else [table.column(data.time)[row] for row in rows]
            found.append(self._watched(data.id and gathered.column(data.id)[at], times, channels, readings[:, :-1]))
        return found

    def step(self, row: Mapping[str, Any]) -> list[Json]:
        """The hits of the next reading of a series; as `follow`, of which it refuses what that could skip."""
        watching = self.follow(row)
        return [] if watching is None else watching.hits()

    def follow(self, row: Mapping[str, Any], bad: BadRows | None = None, where: str = "detect") -> Watching | None:
        """The next reading of a series, whose columns stand in `row`; each id is a series of its own.

        Args:
            row: a cell a column.
            bad: what is done with a row that cannot be used.
            where: what messages call its place.

        Returns: the series with this reading alone; None where the row is skipped, and the series goes on after it.

        Raises:
            ArgumentError: the series of this model do not stand in rows, a step each.
            DataError: a column is missing, a cell is no reading, or the time is before that of the reading before.
        """
        data, bad = self.model.config.data, bad or BadRows()
        if not self._in_rows():
            fail("detect", "what is read row by row", "be a step a row", "whole series", "Pass a file.")
        for column in (data.id, data.time):
            if column is not None and column not in row:
                fail("detect", "a row", f"have the column {column!r}", ", ".join(row), error=DataError)
        channels = matching_columns(Table(dict.fromkeys(row, ()), where), self.field.columns or [])
        wanted = [(data.id, not_blank), (data.time, moment), *((channel, self._reading) for channel in channels)]
        cells = []
        for column, parse_cell in wanted:
            try:
                cells.append(None if column is None else parse_cell(row[column]))
            except BadValueError as error:
                bad.found(f"{where}: column {column!r} {error}")
                return None
        name, at, *reading = cells
        place = self._states.get(name, _Place(None, 0, at))
        if data.time is not None and at < place.moment:
            must = f"be no earlier than in the row before{'' if name is None else f' of {shown(name)}'}"
            bad.found(f"{where}: column {data.time!r} must {must}, got {shown(row[data.time])}")
            return None
        watched, state = watch(self.model.network, np.array([reading]), place.state)
        self._states[name] = _Place(state, place.steps + 1, at)
        times = [place.steps + 1] if data.time is None else [row[data.time]]
        return Watching(name, times, channels, np.array([reading]), watched, self.thresholds)

    def _reading(self, raw: Any) -> float:
        """A cell as a number, NaN where it is missing and may be.

        Raises:
            BadValueError: it is neither.
        """
        found = parse_or_missing(raw)
        if self.field.missing == "refuse" and np.isnan(found):
            raise BadValueError("hold a number", "nothing")
        return found

    def _in_rows(self) -> bool:
        """Whether a row of the data is a step of a series, not a whole one."""
        data = self.model.config.data
        return bool(self.field.columns) and (data.id is not None or data.time is not None)

    def _watched(self, name: Any, times: Sequence[Any] | None, channels: list[str], readings: np.ndarray) -> Watching:
        watched, _ = watch(self.model.network, readings)
        times = range(1, len(readings) + 1) if times is None else times
        return Watching(name, times, channels, readings, watched, self.thresholds)
