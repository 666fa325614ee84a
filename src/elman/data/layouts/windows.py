"""Windows: rows are steps of series; a window of the past is read to forecast the steps that follow it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.checks import fail
from elman.data.files import File
from elman.data.layouts.base import Layout, Note, Sources, Splits
from elman.data.layouts.series_values import columns_of, encoded_series, learn, values_of
from elman.data.split_in_time import Ends, fractions_in_time, joined_in_time
from elman.data.table import BadRows, Table
from elman.data.timeline import Timeline, timelines
from elman.data.window import WindowExamples
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields import Fields, Forecast, Known, Lags
from elman.fields.values.cells import is_blank

SHOWN = 5  # series that a message names
Wrong = dict[int, tuple[str, BadValueError]]  # by the step, the column and what is wrong with its cell


class WindowsLayout(Layout):
    """Rows are steps of series, and each example is a window of the past with the horizon that follows it.

    The splits are in order of time, each series by itself. A window belongs to the split that holds all the steps it
    forecasts; its past may reach into the split before. Where splits have sources of their own, the later ones continue
    the series of the earlier ones.

    Args:
        fields: of the network.
        window: steps that are read.
        horizon: steps that are forecast.
        id: the column that names the series of a row; None: all rows are one.
        time: the column that orders the steps; None: they are in order.
        every: steps from one training window to the next.
    """

    def __init__(
        self,
        fields: Fields,
        window: int,
        horizon: int,
        id: str | None = None,
        time: str | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(fields)
        self.window, self.horizon, self.id, self.time, self.every = window, horizon, id, time, every

    def splits(self, sources: Sources, fractions: tuple[float, float], seed: int, bad: BadRows, note: Note) -> Splits:
        given, fields = sources.tables(), self.fields
        fractions = fractions_in_time(given, *fractions)
        tables = [None if table is None else self._timelines(table, bad) for table in given]
        series, ends = joined_in_time(tables, fractions)
        wanted = True, given[1] is not None or fractions[0] > 0, given[2] is not None or fractions[1] > 0
        for name, target in fields.targets.items():
            if isinstance(target, Forecast) and target.calibrate and not wanted[1]:
                then = "Leave it out, or set data.valid_fraction."
                fail("config", f"target.{name}.calibrate", "have a validation split", "none", then, ConfigError)
        origins, short = self._origins_of_splits(given[0].source, wanted, series, ends)
        for field in fields.by_role().values():
            learn(field, [values_of(field, line, slice(0, end[0])) for line, end in zip(series, ends, strict=True)])
        wrong = [_unknown(fields, line) for line in series]
        if any(wrong):
            ends = [_less_before(own, steps) for own, steps in zip(ends, wrong, strict=True)]
            series = [_without(line, steps, bad) for line, steps in zip(series, wrong, strict=True)]
            origins, short = self._origins_of_splits(given[0].source, wanted, series, ends)
        self._say_short(short, series, note)
        encoded = encoded_series(fields, series)
        train, valid, test = (self._cut(series, encoded, rows) if len(rows) else None for rows in origins)
        assert train is not None
        return Splits(train, valid, test)

    def examples(self, table: Table, bad: BadRows, every: int = 1) -> WindowExamples:
        """Every window of a table, or one every `every` steps, the newest of each series included.

        Raises:
            DataError: rows that cannot be used, or no window.
        """
        found = self._timelines(table, bad).values()
        series = [_without(line, _unknown(self.fields, line), bad) for line in found]
        lines = zip(_starts(series), series, strict=True)
        each = [start + _origins(0, len(line), self.window, self.horizon, every) for start, line in lines]
        origins = np.concatenate(each) if each else np.zeros(0, np.int64)
        if not len(origins):
            most = max(map(len, series), default=0)
            must = f"have {self.window} rows to read and {self.horizon} that were forecast"
            fail(table.source, "a series", must, f"at most {most:,}", "Give more rows.", DataError)
        return self._cut(series, encoded_series(self.fields, series), origins)

    def latest(self, table: Table, bad: BadRows) -> WindowExamples:
        """The window at the end of each series of a table, see `latest_windows`."""
        return self.latest_windows(table, bad)[0]

    def latest_windows(self, table: Table, bad: BadRows) -> tuple[WindowExamples, list[tuple[Timeline, int]]]:
        """The window at the end of each series of a table; and the series, each with the step that is forecast first.

        A series ends with the last row that has a value of a target; rows after it have the future covariates, and
        their other cells may be empty.

        Raises:
            DataError: rows that cannot be used, a series that is too short or whose future covariates do not reach far
                enough.
        """
        fields = self.fields
        named = [name for name in fields.targets if name in table.columns]
        known = any(isinstance(field, Known) for field in fields.inputs.values())
        if known and len(named) < len(fields.targets):
            table.column(next(name for name in fields.targets if name not in named))  # which says that it is missing
        chosen: list[tuple[Timeline, int]] = []
        for found in self._timelines(table, bad, named, blanks=True).values():
            line = _without(found, _blank(found, found.known_until(named)), bad)
            line = _without(line, _unknown(fields, line, line.known_until(named)), bad)
            origin = line.known_until(named)
            whose = f" in the series {line.name!r}" if line.name else ""
            if origin < self.window:
                must = f"must be {self.window} rows before the forecast{whose}"
                bad.found(f"{table.source}: there {must}, got {origin}", "Give a longer history")
            elif known and len(line) < origin + self.horizon:
                must = f"must be {self.horizon} rows after the last value{whose}, which have the future covariates"
                then = "Add such rows (the target's cells empty)"
                bad.found(f"{table.source}: there {must}, got {len(line) - origin}", then)
            else:
                chosen.append((line, origin))
        if not chosen:
            fail(table.source, "the table", "have a series that can be forecast", "none", error=DataError)
        series, ends = [line for line, _ in chosen], [origin for _, origin in chosen]
        encoded = encoded_series(fields, series, ends, targets=False)
        return self._cut(series, encoded, np.array(_starts(series)) + ends), chosen

    def prepared(self, table: Table, files: Sequence[File], bad: BadRows) -> Table:
        """The table: its rows are steps, and none of them names a file."""
        return table

    def _timelines(
        self, table: Table, bad: BadRows, targets: Sequence[str] | None = None, blanks: bool = False
    ) -> dict[str, Timeline]:
        """The series of a table, with the columns of all inputs and of the targets, or of these only.

        With `blanks` an empty cell is no bad row: where it must not be empty the error takes its place.
        """
        inputs = self.fields.inputs
        numbers = [column for field in inputs.values() for column in columns_of(field)]
        numbers += list(self.fields.targets) if targets is None else targets
        parsed = {
            name: _or_blank(field.parse) if blanks else field.parse
            for name, field in inputs.items()
            if not columns_of(field)
        }
        return timelines(table, numbers, parsed, self.id, self.time, bad)

    def _origins_of_splits(
        self, source: str, wanted: Sequence[bool], series: Sequence[Timeline], ends: Sequence[Ends]
    ) -> tuple[list[np.ndarray], list[Timeline]]:
        """The first forecast steps of each split's windows, where all series come one after the other; and the series
        that are too short to learn from.

        Raises:
            DataError: a split that is wanted has no window.
        """
        starts = _starts(series)
        splits: list[np.ndarray] = []
        short: list[Timeline] = []
        for split, name in enumerate(("training", "validation", "test")):
            begins = [0 if split == 0 else own[split - 1] for own in ends]
            every = self.every if split == 0 else 1
            origins = [
                start + _origins(begin, own[split], self.window, self.horizon, every)
                for start, begin, own in zip(starts, begins, ends, strict=True)
            ]
            if split == 0:
                short = [line for line, own in zip(series, origins, strict=True) if not len(own)]
            rows = np.concatenate([np.zeros(0, np.int64), *origins])
            if wanted[split] and not len(rows):
                must = f"have {self.horizon} rows to forecast in the {name} split, and {self.window} before them"
                got = f"at most {max(map(len, series), default=0):,} in all"
                then = "Give more rows, or set data.window, data.horizon, data.valid_fraction and data.test_fraction."
                fail(source, "a series", must, got, then, DataError)
            splits.append(rows)
        return splits, short

    def _cut(
        self, series: Sequence[Timeline], encoded: Mapping[str, np.ndarray], origins: np.ndarray
    ) -> WindowExamples:
        """The windows of encoded series, by the first steps that they forecast."""
        fields = self.fields
        past: dict[str, np.ndarray] = {}
        ahead: dict[str, np.ndarray] = {}
        at: dict[str, np.ndarray] = {}
        for name, field in fields.inputs.items():
            kind = ahead if isinstance(field, Known) else past if columns_of(field) else at
            kind[name] = encoded[f"input.{name}"]
        targets = {name: encoded[f"target.{name}"] for name in fields.targets if f"target.{name}" in encoded}
        starts = _starts(series)

        def place(step: int) -> str:
            number = int(np.searchsorted(starts, step, side="right")) - 1
            return series[number].place(step - starts[number])

        flat = {name for name, field in fields.inputs.items() if isinstance(field, Lags)}
        return WindowExamples(past, ahead, at, targets or None, origins, self.window, self.horizon, place, flat)

    def _say_short(self, short: Sequence[Timeline], series: Sequence[Timeline], note: Note) -> None:
        """Which series are too short to learn from; where all are, that is an error, which says so."""
        if not short or len(short) == len(series):
            return
        names = ", ".join(line.name for line in short[:SHOWN]) + (", ..." if len(short) > SHOWN else "")
        least = f"{self.window} + {self.horizon} rows in the training split"
        note(f"windows   {len(short)} of {len(series)} series have fewer than {least} and teach nothing: {names}")


def _blank(line: Timeline, end: int) -> Wrong:
    """The steps before `end` of which a cell is empty that must not be."""
    found: Wrong = {}
    for name, values in line.columns.items():
        if not isinstance(values, np.ndarray):
            found |= {step: (name, cell) for step, cell in enumerate(values[:end]) if isinstance(cell, BadValueError)}
    return found


def _unknown(fields: Fields, line: Timeline, end: int | None = None) -> Wrong:
    """The steps before `end` that have a value which its field has not learned, such as a class."""
    found: Wrong = {}
    for name, field in fields.inputs.items():
        for step, value in enumerate([] if columns_of(field) else line.columns[name][:end]):
            try:
                field.encode(value)
            except BadValueError as error:
                found[step] = name, error
    return found


def _without(line: Timeline, wrong: Wrong, bad: BadRows) -> Timeline:
    """The series less the steps that are wrong, as far as they may be left out."""
    for step, (name, error) in sorted(wrong.items()):
        bad.found(f"{line.place(step)}: column {name!r} {error}")
    return line.take([step for step in range(len(line)) if step not in wrong]) if wrong else line


def _less_before(ends: Ends, wrong: Wrong) -> Ends:
    """Where the parts of a series end without its wrong steps."""
    train, valid, test = (end - sum(step < end for step in wrong) for end in ends)
    return train, valid, test


def _or_blank(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def parsed(raw: Any) -> Any:
        try:
            return parse(raw)
        except BadValueError as error:
            if is_blank(raw):
                return error
            raise

    return parsed


def _starts(series: Sequence[Timeline]) -> list[int]:
    """Where each series begins, where all come one after the other."""
    starts: list[int] = np.cumsum([0, *map(len, series)])[:-1].tolist()
    return starts


def _origins(begin: int, end: int, window: int, horizon: int, every: int) -> np.ndarray:
    """The first forecast steps of the windows whose forecast steps all lie in `begin` to `end`, the newest included."""
    first, last = max(begin, window), end - horizon
    return np.arange(last, first - 1, -every, dtype=np.int64)[::-1]
