"""A table, or a piece of one, in memory: named columns, and the place of every row for messages."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from elman.checks import did_you_mean, fail
from elman.errors import BadValueError, DataError

SHOWN_BAD_ROWS = 10


@dataclass
class BadRows:
    """How to treat rows that cannot be used: raise an error, or skip, count and list them.

    Args:
        skip: False: raise at the first bad row.
    """

    skip: bool = False
    messages: list[str] = field(default_factory=list)  # about the first ten
    count: int = 0

    def found(self, message: str, then: str = "Fix the row") -> None:
        """Report one bad row, and what to do about it.

        Raises:
            DataError: bad rows must not be skipped.
        """
        if not self.skip:
            raise DataError(f"{message}. {then} or pass --bad-rows skip.")
        self.count += 1
        if self.count <= SHOWN_BAD_ROWS:
            self.messages.append(message)

    def handed_over(self) -> "BadRows":
        """The bad rows so far, which are removed from this object."""
        taken = BadRows(self.skip, self.messages, self.count)
        self.messages, self.count = [], 0
        return taken

    def add(self, messages: list[str], count: int) -> None:
        """Add bad rows that were found elsewhere: messages about the first ten, and their number."""
        self.messages += messages[: SHOWN_BAD_ROWS - len(self.messages)]
        self.count += count

    def summary(self) -> str:
        """The number of skipped rows, and the reasons for the first ten, a line each; empty if none was skipped."""
        if not self.count:
            return ""
        more = self.count - len(self.messages)
        listed = [f"  {message}" for message in self.messages] + [f"  ... and {more} more"] * (more > 0)
        return "\n".join([f"{self.count:,} bad row{'s' * (self.count != 1)} skipped:", *listed])


class Table:
    """Rows of named columns.

    Args:
        columns: each a list or anything with `to_pylist` (Arrow), all of one length.
        source: the name of the table in messages, such as a file's name.
        where: number of a row -> its place, such as "train.csv:118"; None: "<source>: row 118", counted from 1.
        left_out: columns of the source without a single value per row here, each with what they have instead.
        numbers: the number of each row for `where`, (rows,); None: 0, 1, 2, ...
        sparse: whether a column that this piece of a source lacks consists of missing values.
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        source: str,
        where: Callable[[int], str] | None = None,
        left_out: Mapping[str, str] | None = None,
        numbers: Sequence[int] | np.ndarray | None = None,
        sparse: bool = False,
    ) -> None:
        self.sparse = sparse
        self.columns, self.source, self.left_out = dict(columns), source, left_out or {}
        self.where = where or (lambda number: f"{source}: row {number + 1}")
        self.numbers = range(len(self)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """The place of a row, for messages."""
        return self.where(int(self.numbers[row]))

    def column(self, name: str) -> Sequence[Any]:
        """The raw values of a column, as Python objects.

        Raises:
            DataError: there is no such column.
        """
        if name in self.left_out:
            fail(
                self.source,
                f"column {name!r}",
                "have one value per sequence",
                self.left_out[name],
                "Name a column that does not vary within a sequence.",
                DataError,
            )
        if name not in self.columns:
            hint = did_you_mean(name, self.columns) or "Check the name."
            fail(self.source, "the table", f"have the column {name!r}", ", ".join(self.columns), hint, DataError)
        column = self.columns[name]
        values: Sequence[Any] = column.to_pylist() if hasattr(column, "to_pylist") else column
        return values

    def completed(self, names: Iterable[str]) -> "Table":
        """The table with the given columns first, in this order; those that a sparse table lacks are missing values."""
        names = [name for name in names if self.sparse or name in self.columns]
        columns = {name: self.columns[name] if name in self.columns else [None] * len(self) for name in names}
        return Table({**columns, **self.columns}, self.source, self.where, self.left_out, self.numbers)

    def take(self, rows: Sequence[int]) -> "Table":
        """The table of the given rows only, in this order; their places stay the same."""
        columns = {name: [values[row] for row in rows] for name in self.columns for values in [self.column(name)]}
        return Table(columns, self.source, self.where, numbers=[self.numbers[row] for row in rows])

    def values(
        self, name: str, parse: Callable[[Any], Any], bad: BadRows, among: Sequence[Any] | None = None
    ) -> list[Any]:
        """The parsed cells of a column; None for a bad cell that is skipped.

        A row whose value in `among` is None is bad already: it stays None, and is not reported again.
        """
        values = []
        for row, raw in enumerate(self.column(name)):
            known = among is not None and among[row] is None
            values.append(None if known else self.parse_cell(row, name, raw, parse, bad))
        return values

    def parse_cell(self, row: int, name: str, raw: Any, parse: Callable[[Any], Any], bad: BadRows) -> Any:
        """A parsed cell; None for a bad cell that is skipped."""
        try:
            return parse(raw)
        except BadValueError as error:
            # The place is looked up only here: this may read the file again.
            bad.found(f"{self.place(row)}: column {name!r} {error}")
            return None


def joined(tables: Sequence[Table], source: str) -> Table:
    """Tables with the same columns as one; the columns are those of the first and of sparse ones.

    Raises:
        DataError: one of them lacks a column.
    """
    if len(tables) == 1 and tables[0].source == source:
        return tables[0]
    names = dict.fromkeys(name for table in tables if table.sparse or table is tables[0] for name in table.columns)
    tables = [table.completed(names) for table in tables]
    columns = {name: _concatenated([_whole(table, name) for table in tables]) for name in names}
    starts = np.cumsum([0, *(len(table) for table in tables)])

    def where(row: int) -> str:
        index = int(np.searchsorted(starts, row, side="right")) - 1
        return tables[index].place(row - int(starts[index]))

    return Table(columns, source, where)


def _whole(table: Table, name: str) -> Any:
    return table.columns[name] if name in table.columns else table.column(name)  # raises the error


def _concatenated(parts: list[Any]) -> Any:
    """Arrow columns of one type stay Arrow columns; others become a list."""
    if all(hasattr(part, "type") for part in parts) and len({part.type for part in parts}) == 1:
        return pa.chunked_array([chunk for part in parts for chunk in getattr(part, "chunks", [part])], parts[0].type)
    return [value for part in parts for value in (part.to_pylist() if hasattr(part, "to_pylist") else part)]


def check_names(names: Sequence[str], where: str) -> Sequence[str]:
    """Check that the names of the columns are distinct, and return them.

    Raises:
        DataError: a name occurs twice.
    """
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        fail(where, "a column's name", "be unique", f"{double!r} twice", "Rename one of them.", DataError)
    return names


def check_not_empty(table: Table) -> Table:
    """Check that a table has rows, and return it.

    Raises:
        DataError: it has no rows.
    """
    if len(table) == 0:
        fail(table.source, "a table", "have at least one row", "none", error=DataError)
    return table


def from_memory(data: Any, name: str | None = None) -> Table:
    """A pandas or Arrow table, a dictionary of columns, a list of dictionaries, or a list of values of column `name`.

    Raises:
        DataError: it is none of these, or its columns differ in length.
    """
    source = "the table"
    if hasattr(data, "columns") and hasattr(data, "to_dict"):  # pandas
        check_names([str(column) for column in data.columns], source)
        filled = data.astype(object).where(data.notna(), None)  # pandas has several values that mean "missing"
        return Table({str(column): filled[column].tolist() for column in data.columns}, source)
    if hasattr(data, "column_names") and hasattr(data, "to_pydict"):  # Arrow
        return Table({column: data.column(column) for column in check_names(data.column_names, source)}, source)
    if isinstance(data, Mapping):
        columns = {str(key): list(values) for key, values in data.items()}
        lengths = {key: len(values) for key, values in columns.items()}
        if len(set(lengths.values())) > 1:
            fail(source, "the columns", "have one length", str(lengths), error=DataError)
        return Table(columns, source)
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
        rows = list(data)
        if rows and all(isinstance(row, Mapping) for row in rows):
            names = dict.fromkeys(str(key) for row in rows for key in row)
            return Table({key: [row.get(key) for row in rows] for key in names}, source)
        if name is not None:
            return Table({name: rows}, "the values")
    fail(
        source,
        "the data",
        "be a path, a pandas or Arrow table, a dictionary of columns or a list of dictionaries",
        type(data).__name__,
        error=DataError,
    )
