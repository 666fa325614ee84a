"""CSV and TSV: every cell is read as text; the field that reads the column says what it holds."""

import csv
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from elman.checks import fail, shown
from elman.data.table import BadRows, Table, check_names
from elman.errors import DataError

LARGEST_ROW = 1 << 26  # bytes; pyarrow wants a row to fit in one of its blocks
LARGEST_FIELD = 1 << 30  # characters, for Python's own reader, which is used only to find line numbers


def read_csv(path: Path, bad: BadRows, delimiter: str = ",") -> Table:
    """Read a file whose first line names the columns.

    A tab-separated file has no quotes, a comma-separated one has them as RFC 4180 says.

    Raises:
        DataError: no names, a name twice, a row with too many or too few cells, bytes that are not UTF-8.
    """
    lines = _Lines(path, delimiter)
    names = lines.names
    ragged: list[int] = []

    def refuse(row: pa_csv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    try:
        table = pa_csv.read_csv(
            path,
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=LARGEST_ROW,
                column_names=names,
                skip_rows_after_names=lines.before_rows,
            ),
            pa_csv.ParseOptions(
                delimiter=delimiter,
                quote_char=False if delimiter == "\t" else '"',
                newlines_in_values=delimiter != "\t",
                invalid_row_handler=refuse,
            ),
            # As bytes: whether they are UTF-8 is checked below, cell by cell where it must be.
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), check_utf8=False),
        )
    except pa.ArrowInvalid as error:
        fail(
            path.name,
            "the file",
            f"be a table with rows under {LARGEST_ROW >> 20} MB",
            shown(str(error)),
            "Look for a quote that is not closed.",
            DataError,
        )
    for line, cells in lines.ragged if ragged else []:
        bad.found(f"{path.name}:{line}: the row must have {len(names)} cells, as the first line, got {cells}")
    return _decoded(table, path, lines, bad)


def read_tsv(path: Path, bad: BadRows) -> Table:
    """Read a tab-separated file; see `read_csv`."""
    return read_csv(path, bad, "\t")


class _Lines:
    """Where the rows of a file stand: read by Python's own reader, and only when something must be located."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path = path
        self.options: dict[str, Any] = {"delimiter": delimiter}
        if delimiter == "\t":
            self.options["quoting"] = csv.QUOTE_NONE

    @cached_property
    def names(self) -> list[str]:
        line, names = next(self._rows(), (1, []))
        if not names:
            fail(self.path.name, "the file", "name its columns in the first line", "an empty file", error=DataError)
        where = f"{self.path.name}:{line}"
        with self.path.open("rb") as file:
            raw = next(islice(file, line - 1, None), b"")
        if not _is_utf8(raw):
            fail(where, "the names of the columns", "be UTF-8", shown(raw), "Save the file as UTF-8.", DataError)
        check_names(names, where)
        return names

    @cached_property
    def before_rows(self) -> int:
        """How many rows pyarrow has to pass over: the names, and the blank lines before them, which it counts."""
        return next((line for line, _ in self._rows()), 1)

    @cached_property
    def ragged(self) -> list[tuple[int, int]]:
        """Line and number of cells of each row that has too many or too few."""
        return [(line, len(row)) for line, row in self._rows() if len(row) != len(self.names)]

    @cached_property
    def of_rows(self) -> list[int]:
        """The line on which each good row begins, the first line (the names) left out."""
        return [line for line, row in self._rows() if len(row) == len(self.names)][1:]

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        limit = csv.field_size_limit(LARGEST_FIELD)
        try:
            with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                rows, begin = csv.reader(file, **self.options), 1
                for row in rows:
                    if row:
                        yield begin, row
                    begin = rows.line_num + 1
        finally:
            csv.field_size_limit(limit)


def _decoded(table: pa.Table, path: Path, lines: _Lines, bad: BadRows) -> Table:
    """Bytes to text; a row with bytes that are not UTF-8 is bad."""
    try:
        columns = {name: table.column(name).cast(pa.string()) for name in table.column_names}
        return Table(columns, path.name, lambda row: f"{path.name}:{lines.of_rows[row]}")
    except pa.ArrowInvalid:
        pass
    cells: dict[str, list[bytes]] = table.to_pydict()
    good = []
    for row in range(table.num_rows):
        wrong = next((name for name, values in cells.items() if not _is_utf8(values[row])), None)
        if wrong is None:
            good.append(row)
        else:
            where = f"{path.name}:{lines.of_rows[row]}: column {wrong!r}"
            bad.found(f"{where} must be UTF-8, got {shown(cells[wrong][row])}")
    text = {name: [values[row].decode() for row in good] for name, values in cells.items()}
    return Table(text, path.name, lambda row: f"{path.name}:{lines.of_rows[good[row]]}")


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True
