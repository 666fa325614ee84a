"""Anomaly detection: readings far from the predictions of a next-step network, by thresholds from normal data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail, shown
from elman.data import BadRows, Examples, Table, from_long, gather, matching_columns, parse, plain, table_of
from elman.errors import BadValueError, DataError
from elman.fields import Series
from elman.fields.values.cells import moment, not_blank
from elman.fields.values.numbers import parse_or_missing
from elman.inference.one_step_ahead import BAND, OneStepAhead, SeriesState, predict_readings, predicts_next_reading
from elman.model.model import Model
from elman.network import Network
from elman.types import Json

NORMAL_SCORES = "clean.json"  # in a run directory: the highest scores of normal readings
MOST_KEPT = 10_000  # scores per channel
LARGEST = 1e30  # because JSON has no infinity
FALSE_ALARMS = 0.001
ROW = "\0row"  # a name that no column of a table has


class ScoredSeries(NamedTuple):
    """One series with the score of each reading."""

    id: Any  # None for a single series
    times: Sequence[Any]  # of each reading, as in the data; numbers from 1 without times
    channels: list[str]
    readings: np.ndarray  # (T, C)
    scored: OneStepAhead
    thresholds: np.ndarray  # (C,)

    @property
    def above(self) -> np.ndarray:
        """Which readings are anomalies: their score is above their channel's threshold, (T, C) booleans."""
        anomalous: np.ndarray = self.scored.scores > self.thresholds
        return anomalous

    @property
    def interval(self) -> float:
        """The probability of the prediction interval."""
        return BAND

    def anomalies(self) -> list[Json]:
        """One row per anomaly: {"id", "time", "channel", "value", "expected", "score", "threshold"}, without "id" for
        a single series."""
        return [self._row(step, channel) for step, channel in np.argwhere(self.above).tolist()]

    def rows(self) -> list[Json]:
        """One row per reading, as in `anomalies`, and "anomaly", true or false; value and score of a missing one are
        None."""
        above = self.above
        return [self._row(*at) | {"anomaly": bool(above[at])} for at in np.ndindex(above.shape)]

    def _row(self, step: int, channel: int) -> Json:
        at, missing = (step, channel), bool(np.isnan(self.readings[step, channel]))
        return ({} if self.id is None else {"id": plain(self.id)}) | {
            "time": plain(self.times[step]),
            "channel": self.channels[channel],
            "value": None if missing else float(self.readings[at]),
            "expected": float(self.scored.expected[at]),
            "score": None if missing else float(self.scored.scores[at]),
            "threshold": float(self.thresholds[channel]),
        }


def normal_scores(network: Network, examples: Examples) -> Json:
    """The scores of normal readings: for each channel their number, and the highest scores in descending order.

    Args:
        network: one that predicts the next step of a series.
        examples: series without anomalies on which the network was not trained.
    """
    name = network.generated.name
    series = examples.values(f"target.{name}", np.arange(len(examples)))
    scores = np.concatenate([predict_readings(network, readings)[0].scores for readings in series])
    return highest_scores(scores)


def highest_scores(scores: np.ndarray) -> Json:
    """The input of `thresholds` from the scores of normal readings, (T, C), NaN for a missing one, as JSON."""
    known = [channel[~np.isnan(channel)] for channel in scores.T]
    highest = []
    for channel in known:
        descending = np.sort(channel)[::-1][:MOST_KEPT].clip(max=LARGEST)
        highest.append((np.ceil(descending * 1e6) / 1e6).tolist())  # rounded up, so that none exceeds itself
    return {"readings": [len(channel) for channel in known], "highest": highest}


def thresholds(normal: Json, false_alarms: float) -> np.ndarray:
    """The scores above which a reading is an anomaly, (C,): the lowest that at most this fraction of a channel's normal
    readings exceeds.

    Args:
        normal: the result of `normal_scores`.
        false_alarms: more than 0, less than 1.

    Raises:
        ArgumentError: another fraction, or one for which too few scores are kept.
    """
    if not 0 < false_alarms < 1:
        fail("detect", "false_alarms", "be more than 0 and less than 1", str(false_alarms))
    limits = []
    for readings, highest in zip(normal["readings"], normal["highest"], strict=True):
        above = int(false_alarms * readings)
        if above >= len(highest):
            most = len(highest) / max(1, readings)
            fail("detect", "false_alarms", f"be less than {most:.4g}, for the run keeps no more", str(false_alarms))
        limits.append(highest[above])
    return np.array(limits)


class _Place(NamedTuple):
    """The state of a series after the readings so far."""

    state: SeriesState | None
    steps: int
    moment: Any  # of its last reading; None if no column orders the rows


class AnomalyDetector:
    """Detects anomalies with a trained network: in a whole table, or reading by reading.

    Args:
        model: of the topology next-step over a series, trained with a validation split, which is taken as normal.
        false_alarms: more than 0, less than 1: the fraction of a channel's normal readings that may count as anomalies.

    Raises:
        ArgumentError: another model, or a fraction for which it has too few normal readings.

    Example: see `elman detect`.
    """

    def __init__(self, model: Model, false_alarms: float = FALSE_ALARMS) -> None:
        if not predicts_next_reading(model.network) or not isinstance(model.target, Series):
            then = "Train one without --target on numeric columns."
            got = f"{model.network.topology.name} of kind {model.target.kind}"
            fail("detect", "the model", "predict the next step of a series", got, then)
        kept = model.artifacts.get(NORMAL_SCORES)
        if not isinstance(kept, bytes):
            then = "Train with a validation split without anomalies, from which the thresholds are taken."
            fail("detect", "the model", f"have {NORMAL_SCORES}", "none", then)
        self.model, self.field = model, model.target
        self.thresholds = thresholds(json.loads(kept), false_alarms)
        self.normal_readings = min(json.loads(kept)["readings"])  # of a channel, from which its threshold is taken
        self._states: dict[Any, _Place] = {}

    def table(self, values: Any, bad: BadRows | None = None) -> list[ScoredSeries]:
        """Every series of a table, a file or any other input of `elman.train`.

        A row that cannot be used is skipped, if `bad` allows it.

        Raises:
            DataError: a cell that is not a number, or a missing one if the field's `missing` is "refuse".
        """
        bad, data = bad or BadRows(), self.model.config.data
        table = table_of(values, bad, self.field.name)
        if not self._in_rows():
            parsed = parse(gather(table, self.model.fields, None, None, bad), self.model.fields, bad)
            names = [int(parsed.table.numbers[row]) + 1 for row in parsed.rows] if len(table) > 1 else [None]
            series = zip(names, parsed.values[f"target.{self.field.name}"], strict=True)
            return [self._scored(name, None, self.field.names(), readings) for name, readings in series]
        channels = matching_columns(table, self.field.columns or [])
        numbered = {**table.columns, ROW: list(range(len(table)))}  # to find the row of each reading
        numbered_table = Table(numbered, table.source, table.where, numbers=table.numbers)
        reading = self._reading
        gathered = from_long(numbered_table, [*channels, ROW], self.field.name, data.id, data.time, bad, reading)
        if not len(gathered):
            fail(table.source, "the table", "have a row that can be used", "none", error=DataError)
        scored = []
        for at, readings in enumerate(gathered.column(self.field.name)):
            rows = readings[:, -1].astype(int).tolist()
            times = None if data.time is None else [table.column(data.time)[row] for row in rows]
            scored.append(self._scored(data.id and gathered.column(data.id)[at], times, channels, readings[:, :-1]))
        return scored

    def step(self, row: Mapping[str, Any]) -> list[Json]:
        """The anomalies of the next reading of a series; as `follow`, but a bad row is an error."""
        scored = self.follow(row)
        return [] if scored is None else scored.anomalies()

    def follow(self, row: Mapping[str, Any], bad: BadRows | None = None, where: str = "detect") -> ScoredSeries | None:
        """Score the next reading of a series, given as a row of cells; each id is a series of its own.

        Args:
            row: column -> cell.
            bad: how to treat a row that cannot be used.
            where: the place of the row, for messages.

        Returns: the series with this reading alone; None if the row is skipped; the series continues after it.

        Raises:
            ArgumentError: the rows of this model's data are not steps.
            DataError: a column is missing, a cell is not a number, or the time is before that of the last reading.
        """
        data, bad = self.model.config.data, bad or BadRows()
        if not self._in_rows():
            fail("detect", "each row of a stream", "be a step", "a whole series", "Pass a file.")
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
        scored, state = predict_readings(self.model.network, np.array([reading]), place.state)
        self._states[name] = _Place(state, place.steps + 1, at)
        times = [place.steps + 1] if data.time is None else [row[data.time]]
        return ScoredSeries(name, times, channels, np.array([reading]), scored, self.thresholds)

    def _reading(self, raw: Any) -> float:
        """A cell as a number, NaN if it is missing.

        Raises:
            BadValueError: it is not a number, or it is missing and must not be.
        """
        number = parse_or_missing(raw)
        if self.field.missing == "refuse" and np.isnan(number):
            raise BadValueError("hold a number", "nothing")
        return number

    def _in_rows(self) -> bool:
        """Whether a row of the data is a step of a series, not a whole series."""
        data = self.model.config.data
        return bool(self.field.columns) and (data.id is not None or data.time is not None)

    def _scored(
        self, name: Any, times: Sequence[Any] | None, channels: list[str], readings: np.ndarray
    ) -> ScoredSeries:
        scored, _ = predict_readings(self.model.network, readings)
        times = range(1, len(readings) + 1) if times is None else times
        return ScoredSeries(name, times, channels, readings, scored, self.thresholds)
