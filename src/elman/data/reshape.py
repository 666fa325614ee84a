"""Reshaping tables: series that are spread over columns or rows are gathered, so that one row is one sequence."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from elman.checks import fail, shown
from elman.data.table import BadRows, Table
from elman.errors import DataError
from elman.fields.values.cells import moment, not_blank
from elman.fields.values.numbers import measured, parse_or_missing
from elman.fields.values.patterns import is_pattern


def matching_columns(table: Table, patterns: Sequence[str]) -> list[str]:
    """The columns that match the patterns, in the given order; those of a pattern such as "v*" sorted by their numbers.

    So a file with columns in another order is read like the training file. If the star does not match a number in each
    column, they keep the table's order.

    Raises:
        DataError: a name is not a column, or no column matches a pattern.
    """
    found: list[str] = []
    for pattern in patterns:
        if pattern in table.columns or not is_pattern(pattern):
            table.column(pattern)
            found.append(pattern)
            continue
        fitting = [name for name in table.columns if fnmatchcase(name, pattern)]
        if not fitting:
            fail(
                table.source, "the pattern", f"match one of {', '.join(table.columns)}", repr(pattern), error=DataError
            )
        found += _by_number(fitting, pattern)
    return list(dict.fromkeys(found))


def _by_number(names: list[str], pattern: str) -> list[str]:
    """Sorted by what the star of the pattern matches, if it is a whole number in all; else in the given order."""
    before, _, after = pattern.partition("*")
    stars = {name: name[len(before) : len(name) - len(after)] for name in names}
    numbered = not is_pattern(before + after) and all(map(str.isdecimal, stars.values()))
    return sorted(names, key=lambda name: int(stars[name])) if numbered else names


def from_wide(table: Table, columns: Sequence[str], name: str, bad: BadRows) -> Table:
    """Make each row's cells one sequence of one channel, its steps in the order of `columns`.

    A row with a cell that is not a number is bad; an empty cell is a missing value.
    """
    for column in columns:
        if column not in table.columns:
            table.column(column)  # raises the error
    plain = [array for column in columns if (array := measured(table.columns[column])) is not None]
    if plain and len(plain) == len(columns):
        series = np.stack(plain, axis=1)[:, :, None]
        return Table({**table.columns, name: series}, table.source, table.where, table.left_out, table.numbers)
    cells = [table.column(column) for column in columns]
    good, found = [], []
    for row in range(len(table)):
        steps: list[float | None] = []
        for column, values in zip(columns, cells, strict=True):
            steps.append(table.parse_cell(row, column, values[row], parse_or_missing, bad))
            if steps[-1] is None:
                break
        else:
            good.append(row)
            found.append(np.array(steps)[:, None])
    gathered = table.take(good)
    gathered.columns[name] = found
    return gathered


def from_long(
    table: Table,
    columns: Sequence[str],
    name: str,
    id: str | None,
    time: str | None,
    bad: BadRows,
    parse: Callable[[Any], float] = parse_or_missing,
) -> Table:
    """Make the rows of one `id` one sequence, sorted by `time` (in the given order if None); `columns` are channels.

    Without an id all rows are one sequence.

    Every other column has one value per sequence, which all its rows must share; a column that varies within a sequence
    is left out, except `time`, which is that of the first step. `parse` parses a cell of a channel.
    """
    ids = [""] * len(table) if id is None else table.values(id, not_blank, bad)
    keys = ids if time is None else table.values(time, moment, bad, ids)
    channels: list[list[Any]] = []
    for column in columns:
        channels.append(table.values(column, parse, bad, channels[-1] if channels else keys))
    groups: dict[Any, list[int]] = {}
    for row, key in enumerate(ids):
        if channels[-1][row] is not None:
            groups.setdefault(key, []).append(row)
    sequences = [rows if time is None else sorted(rows, key=keys.__getitem__) for rows in groups.values()]
    gathered: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for column in table.columns:
        values = table.column(column)
        varying = next((rows for rows in sequences if len({repr(values[row]) for row in rows}) > 1), None)
        if column == time or varying is None:
            gathered[column] = [values[rows[0]] for rows in sequences]
        else:
            of = "" if id is None else f" where {id!r} is {shown(table.column(id)[varying[0]])}"
            left_out[column] = f"several{of}"
    gathered[name] = [np.array([[values[row] for values in channels] for row in rows]) for rows in sequences]
    return Table(gathered, table.source, table.where, left_out, [table.numbers[rows[0]] for rows in sequences])
