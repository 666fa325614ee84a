"""From a table to encoded examples, for training, evaluation and prediction alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail
from elman.data.batch import Examples
from elman.data.reshape import from_long, from_wide, matching_columns
from elman.data.table import BadRows, Table
from elman.errors import BadValueError, NoRowError
from elman.fields import Fields, Series, column_of, split_roles


class Parsed(NamedTuple):
    """The usable rows of a table, as parsed values of the fields."""

    table: Table
    rows: Sequence[int]  # of the table
    values: Mapping[str, Sequence[Any]]  # by role, such as input.review

    def take(self, indices: Sequence[int]) -> "Parsed":
        """The given rows only."""
        values = {role: [column[i] for i in indices] for role, column in self.values.items()}
        return Parsed(self.table, [self.rows[i] for i in indices], values)


def spread_series(fields: Fields, columns: Iterable[str]) -> Series | None:
    """The series that is spread over columns or rows of a table with the given columns, if there is one."""
    every = fields.by_role().values()
    found = [field for field in every if isinstance(field, Series) and field.columns is not None]
    return next((field for field in found if field.name not in set(columns)), None)


def gather(table: Table, fields: Fields, id: str | None, time: str | None, bad: BadRows) -> Table:
    """The table with one row per sequence: a series that is spread over columns or rows is gathered."""
    series = spread_series(fields, table.columns)
    if series is None or series.columns is None:
        return table
    columns = matching_columns(table, series.columns)
    if id is None and time is None:
        return from_wide(table, columns, series.name, bad)
    return from_long(table, columns, series.name, id, time, bad)


def parse(table: Table, fields: Fields, bad: BadRows, targets: bool = True) -> Parsed:
    """Parse the columns of the inputs, and of the targets if `targets` is set.

    Raises:
        DataError: a column is missing, a cell is bad and must not be skipped, or no row is left.
    """
    parsed: dict[str, list[Any]] = {}
    last: list[Any] | None = None
    for role, field in fields.by_role(targets).items():
        last = parsed[role] = table.values(field.name, field.parse, bad, last)
    rows = [row for row, value in enumerate(last or []) if value is not None]
    if not rows:
        fail(table.source, "the table", "have a row that can be used", "none", error=NoRowError)
    return Parsed(table, rows, {role: [values[row] for row in rows] for role, values in parsed.items()})


def encode(parsed: Parsed, fields: Fields, bad: BadRows) -> tuple[Parsed, Examples]:
    """The examples of parsed rows, by fitted fields, and the rows themselves without those that cannot be encoded.

    Raises:
        DataError: a value cannot be encoded and must not be skipped, or no row is left.
    """
    encoded, good = encoded_at_once(fields, parsed.values), list(range(len(parsed.rows)))
    if encoded is None:
        encoded, good = _one_by_one(parsed, fields, bad)
    if not good:
        fail(parsed.table.source, "the table", "have a row that can be used", "none", error=NoRowError)
    kept = parsed.take(good)
    inputs, targets = split_roles(encoded)
    return kept, Examples(
        inputs, targets or None, lambda row: kept.table.place(kept.rows[row]), fields.singles(), kept.values
    )


def _one_by_one(parsed: Parsed, fields: Fields, bad: BadRows) -> tuple[dict[str, list[np.ndarray]], list[int]]:
    """The rows that can be encoded, by role, and their indices."""
    encoded: dict[str, list[np.ndarray]] = {role: [] for role in parsed.values}
    good: list[int] = []
    for index, row in enumerate(parsed.rows):
        found = encoded_row(fields, {role: values[index] for role, values in parsed.values.items()})
        if isinstance(found, tuple):
            role, error = found
            bad.found(f"{parsed.table.place(row)}: column {column_of(role)!r} {error}")
            continue
        for role, value in found.items():
            encoded[role].append(value)
        good.append(index)
    return encoded, good


def encoded_at_once(fields: Fields, values: Mapping[str, Sequence[Any]]) -> dict[str, list[np.ndarray]] | None:
    """Encoded rows, by role; None if one cannot be encoded, which `encoded_row` identifies."""
    by_role = fields.by_role()
    try:
        found = {role: by_role[role].encode_batch(column) for role, column in values.items()}
    except BadValueError:
        return None
    rows = zip(*found.values(), strict=True) if fields.tied_by_steps() else ()
    return None if any(fields.out_of_step(dict(zip(found, row, strict=True))) for row in rows) else found


def encoded_row(fields: Fields, values: dict[str, Any]) -> dict[str, np.ndarray] | tuple[str, BadValueError]:
    """An encoded row, by role; or the role of the value that cannot be encoded, and the reason."""
    by_role, found = fields.by_role(), {}
    for role, value in values.items():
        try:
            found[role] = by_role[role].encode(value)
        except BadValueError as error:
            return role, error
    return fields.out_of_step(found) or found
