"""Timelines: the rows of a table as series, one for each id, in order of time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from elman.checks import fail, shown
from elman.data.table import BadRows, Table
from elman.errors import DataError
from elman.fields.values.cells import group, is_number, moment
from elman.fields.values.numbers import measured, parse_or_missing

MONTHS = 13  # dates at the end of a series from which a monthly interval is recognised


class Timeline:
    """One series.

    Args:
        name: its id; "" if the table is one series.
        columns: its values, (T,) arrays of numbers with NaN for missing ones, or lists of parsed values.
        moments: (T,) ascending; None if no column orders the rows, which are then in the order of the table.
        times: as in the table.
        spots: the rows of the steps, as consecutive parts, each a table and row numbers in it.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, Any],
        moments: np.ndarray | None,
        times: Sequence[Any],
        spots: Sequence[tuple[Table, np.ndarray]],
    ) -> None:
        self.name, self.columns, self.moments, self.times, self.spots = name, columns, moments, times, spots

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.spots)

    def spot(self, step: int) -> tuple[Table, int]:
        """The table of a step, and its row there."""
        for table, rows in self.spots:
            if step < len(rows):
                return table, int(rows[step])
            step -= len(rows)
        raise IndexError(step)

    def place(self, step: int) -> str:
        """The place of a step, for messages."""
        table, row = self.spot(step)
        return table.place(row)

    def numbers(self, columns: Sequence[str]) -> np.ndarray:
        """The given columns side by side, (T, C)."""
        return np.stack([self.columns[column] for column in columns], 1)

    def known_until(self, columns: Sequence[str]) -> int:
        """The step after the last one with a value in one of the columns; 0 if there is none; T without columns."""
        known = ~np.isnan(self.numbers(columns)).all(1) if columns else np.ones(len(self), bool)
        return int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0

    def take(self, steps: Sequence[int]) -> "Timeline":
        """The given steps only, ascending."""
        columns = {
            name: values[steps] if isinstance(values, np.ndarray) else [values[step] for step in steps]
            for name, values in self.columns.items()
        }
        moments = None if self.moments is None else self.moments[steps]
        spots = [(table, np.array([row])) for table, row in map(self.spot, steps)]
        return Timeline(self.name, columns, moments, [self.times[step] for step in steps], spots)

    def followed_by(self, other: "Timeline") -> "Timeline":
        """This series, continued by another one.

        Raises:
            DataError: the other does not begin after the end of this one.
        """
        moments = None
        if self.moments is not None and other.moments is not None:
            if len(self) and len(other) and other.moments[0] <= self.moments[-1]:
                must = f"be later than the split before, which ends with {shown(self.times[-1])}"
                then = "Give the splits in order of time."
                fail(other.place(0), "the time", must, shown(other.times[0]), then, DataError)
            moments = np.concatenate([self.moments, other.moments])
        columns: dict[str, Any] = {}
        for name, mine in self.columns.items():
            theirs = other.columns[name]
            columns[name] = np.concatenate([mine, theirs]) if isinstance(mine, np.ndarray) else [*mine, *theirs]
        return Timeline(self.name, columns, moments, [*self.times, *other.times], [*self.spots, *other.spots])

    def times_after(self, step: int, count: int) -> list[Any]:
        """The times of the `count` steps from `step` on: as in the table, and beyond its end at the usual interval.

        Dates on the same day of each month continue by months. None without times, and beyond the end if there are
        fewer than two.
        """
        if self.moments is None:
            return [None] * count
        known = list(self.times[step : step + count])
        return known + self._beyond(count - len(known))

    def _beyond(self, count: int) -> list[Any]:
        assert self.moments is not None
        if count <= 0 or len(self) < 2:
            return [None] * max(count, 0)
        usual, last, end = float(np.median(np.diff(self.moments))), self.times[-1], self.moments[-1]
        if is_number(last):
            values = [float(end + usual * ahead) for ahead in range(1, count + 1)]
            return [int(value) if value.is_integer() else value for value in values]
        dates = dates_of(self.times[-MONTHS:])
        assert dates is not None  # `moment` accepts only numbers and dates
        apart = {(after.year - before.year) * 12 + after.month - before.month for before, after in pairwise(dates)}
        if (
            len(apart) == 1
            and len({(date.day, date.time()) for date in dates}) == 1
            and min(apart) > 0
            and dates[0].day < 29
        ):
            months = [dates[-1].year * 12 + dates[-1].month - 1 + min(apart) * ahead for ahead in range(1, count + 1)]
            later = [dates[-1].replace(year=month // 12, month=month % 12 + 1) for month in months]
        else:
            later = [dates[-1] + timedelta(seconds=usual * ahead) for ahead in range(1, count + 1)]
        text = str(last).strip()
        if len(text) <= len("2026-11-23") and all(date.time() == later[0].time() == dates[-1].time() for date in later):
            return [str(date.date()) for date in later]
        return [date.isoformat(sep="T" if "T" in text else " ") for date in later]


def timelines(
    table: Table,
    numbers: Sequence[str],
    parsed: Mapping[str, Callable[[Any], Any]],
    id: str | None,
    time: str | None,
    bad: BadRows,
) -> dict[str, Timeline]:
    """The series of a table by id, in the order of their first rows.

    Args:
        table: a row per step.
        numbers: columns of numbers, whose empty cells are missing values.
        parsed: other columns, and the functions that parse their cells.
        id: the column with the series of a row; None: all rows are one series.
        time: the column that orders the rows; None: they are in order.
        bad: how to treat rows that cannot be used.

    Raises:
        DataError: a column is missing, a cell is bad, or a series has two rows of the same time.
    """
    ids: list[Any] = [""] * len(table) if id is None else table.values(id, group, bad)
    moments: list[Any] = [0.0] * len(table) if time is None else table.values(time, moment, bad, ids)
    good = np.array([None not in pair for pair in zip(ids, moments, strict=True)], bool)
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(numbers):
        plain = measured(table.columns.get(name))
        if plain is None:
            cells = table.values(name, parse_or_missing, bad, [True if one else None for one in good])
            good &= np.array([cell is not None for cell in cells], bool)
            plain = np.array([np.nan if cell is None else cell for cell in cells])
        columns[name] = plain
    for name, parse in parsed.items():
        columns[name] = table.values(name, parse, bad, [True if one else None for one in good])
        good &= np.array([cell is not None for cell in columns[name]], bool)
    groups: dict[str, list[int]] = {}
    for row in np.flatnonzero(good).tolist():
        groups.setdefault(ids[row], []).append(row)
    times = [None] * len(table) if time is None else table.column(time)
    series = {}
    for name, rows in groups.items():
        if time is not None:
            rows = _in_order(table, rows, moments, times, time, name, bad)
        own = {
            column: values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
            for column, values in columns.items()
        }
        when = None if time is None else np.array([moments[row] for row in rows])
        series[name] = Timeline(name, own, when, [times[row] for row in rows], [(table, np.array(rows))])
    return series


def _in_order(
    table: Table, rows: list[int], moments: Sequence[float], times: Sequence[Any], time: str, name: str, bad: BadRows
) -> list[int]:
    """The rows of a series by time, without those of a repeated time."""
    ordered = sorted(rows, key=moments.__getitem__)
    double = [after for before, after in pairwise(ordered) if moments[before] == moments[after]]
    for row in double:
        series = f" in the series {shown(name)}" if name else ""
        hint = "" if name else "; if the table has several series, pass the column of their names as --id"
        bad.found(
            f"{table.place(row)}: column {time!r} must hold each time once{series}, got {shown(times[row])} again{hint}"
        )
    return [row for row in ordered if row not in set(double)] if double else ordered


def dates_of(times: Sequence[Any]) -> list[datetime] | None:
    """Times as dates; None if they are not dates."""
    try:
        return [time if isinstance(time, datetime) else datetime.fromisoformat(str(time).strip()) for time in times]
    except ValueError:
        return None


def plain(time: Any) -> Any:
    """A time, or the id of a series, for JSON: texts and numbers unchanged, dates as text.

    Example:
        >>> [plain(time) for time in (3, np.int64(3), "noon", datetime(2026, 11, 23, 14), None)]
        [3, 3, 'noon', '2026-11-23 14:00:00', None]
    """
    if isinstance(time, np.integer | np.floating):
        return time.item()
    return time if time is None or isinstance(time, str | int | float) else str(time)
