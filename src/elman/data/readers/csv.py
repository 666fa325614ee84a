"""CSV and TSV files: every cell is read as text; the field of the column parses it."""

import csv
import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import cached_property
from itertools import islice
from threading import Event
from typing import IO, Any
from weakref import finalize

import numpy as np
import pyarrow as pa
from pyarrow.csv import ConvertOptions, InvalidRow, ParseOptions, ReadOptions, open_csv

from elman.checks import fail, shown
from elman.data.files import Cursor, Digest, File
from elman.data.table import BadRows, Table, check_names
from elman.errors import DataError

LARGEST_ROW = 1 << 23  # bytes that are read at once; for pyarrow a row must fit
PATIENCE = 10  # seconds that a read from a slow disk may take
LARGEST_FIELD = 1 << 30  # characters, for Python's own reader, which is used only to find line numbers


def read_csv(file: File, bad: BadRows, digest: Digest | None = None, delimiter: str = ",") -> Iterator[Table]:
    """Read a file whose first line names the columns, in pieces.

    A tab-separated file has no quotes, a comma-separated one has quotes as in RFC 4180. Only rows with the right number
    of cells are numbered.

    Raises:
        DataError: there are no names, a name occurs twice, a row has too many or too few cells, or bytes are not UTF-8.
    """
    lines = _Lines(file, delimiter)
    names = lines.names
    ragged = reported = number = 0  # ragged rows, those that were reported; the next row's number

    def refuse(row: InvalidRow) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    reading = ReadOptions(
        use_threads=False,
        block_size=LARGEST_ROW,
        column_names=names,
        skip_rows_after_names=lines.before_rows,
    )
    parsing = ParseOptions(
        delimiter=delimiter,
        quote_char=False if delimiter == "\t" else '"',
        newlines_in_values=delimiter != "\t",
        invalid_row_handler=refuse,
    )
    # As bytes: whether they are UTF-8 is checked below, cell by cell if necessary.
    converting = ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), check_utf8=False)
    with file.open(digest) as stream, closing(_batches(stream, reading, parsing, converting, file)) as batches:
        while True:
            batch = next(batches, None)
            for line, cells in islice(lines.ragged, ragged - reported):
                bad.found(_ragged(f"{file.name}:{line}", len(names), cells))
            reported = ragged
            if batch is None:
                break
            yield _decoded(batch, number, lines, bad)
            number += batch.num_rows
    if not number:
        yield Table({name: [] for name in names}, file.name)


def read_rows(lines: Iterable[str], source: str, bad: BadRows) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of CSV from lines, each as soon as it is complete: its place, and its cells by column.

    Args:
        lines: the first one names the columns; bytes that are not UTF-8 are surrogates.
        source: their name in messages.
        bad: how to treat rows that cannot be used.

    Raises:
        DataError: as `read_csv`.
    """
    rows = _numbered(lines)
    line, first = next(rows, (1, []))
    names = _checked(first, line, source, _as_bytes(",".join(first)))
    for line, cells in rows:
        where = f"{source}:{line}"
        wrong = next((n for n, cell in zip(names, cells, strict=False) if not _is_utf8(_as_bytes(cell))), None)
        if len(cells) != len(names):
            bad.found(_ragged(where, len(names), len(cells)))
        elif wrong is not None:
            bad.found(_no_utf8(where, wrong, _as_bytes(cells[names.index(wrong)])))
        else:
            yield where, dict(zip(names, cells, strict=True))


def read_tsv(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read a tab-separated file; see `read_csv`."""
    return read_csv(file, bad, digest, "\t")


class _Lent:
    """A stream for Arrow, which reads it in a thread: `returned` is set once that thread has released it."""

    closed = False

    def __init__(self, stream: IO[bytes], returned: Event) -> None:
        self.read = stream.read
        finalize(self, returned.set).atexit = False

    def close(self) -> None:
        """The stream is closed by its owner."""


def _batches(
    stream: IO[bytes], reading: Any, parsing: Any, converting: Any, file: File
) -> Generator[pa.RecordBatch, None, None]:
    returned = Event()
    try:
        yield from open_csv(_Lent(stream, returned), reading, parsing, converting)
    except pa.ArrowInvalid as error:
        if str(error) == "Empty CSV file":  # there are no rows after the names
            return
        fail(
            file.name,
            "the file",
            f"be a table with rows under {LARGEST_ROW >> 20} MB",
            shown(str(error)),
            "Look for a quote that is not closed.",
            DataError,
        )
    finally:
        # Arrow reads ahead. If Python ended during this, the process would be aborted.
        returned.wait(PATIENCE)


class _Lines:
    """The places of the rows of a file: found by Python's own reader, only if something must be located."""

    def __init__(self, file: File, delimiter: str) -> None:
        self.file = file
        self.options: dict[str, Any] = {"delimiter": delimiter}
        if delimiter == "\t":
            self.options["quoting"] = csv.QUOTE_NONE
        self._of_row = Cursor(self._good)

    def place(self, number: int) -> str:
        """The line of the row with this number among those with the right number of cells, names not counted."""
        return f"{self.file.name}:{self._of_row(number + 1)}"

    @cached_property
    def names(self) -> list[str]:
        line, names = next(self._rows(), (1, []))
        with self.file.open() as file:
            raw = next(islice(file, line - 1, None), b"")
        return _checked(names, line, self.file.name, raw)

    @cached_property
    def before_rows(self) -> int:
        """The number of rows for pyarrow to skip: the names, and the blank lines before them, which it counts."""
        return next((line for line, _ in self._rows()), 1)

    @cached_property
    def ragged(self) -> Iterator[tuple[int, int]]:
        """Line and number of cells of each row with too many or too few."""
        return ((line, len(row)) for line, row in self._rows() if len(row) != len(self.names))

    def _good(self) -> Iterator[int]:
        """The line of each good row, including the first line (the names)."""
        return (line for line, row in self._rows() if len(row) == len(self.names))

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        with self.file.open() as raw:
            text = io.TextIOWrapper(_buffered(raw), "utf-8-sig", errors="replace", newline="")
            yield from _numbered(text, **self.options)


def _numbered(lines: Iterable[str], **options: Any) -> Iterator[tuple[int, list[str]]]:
    """The line of each row that is not blank, and its cells."""
    rows, begin = csv.reader(lines, **options), 1
    while True:
        # The limit is global: it is changed only while a row is read.
        limit = csv.field_size_limit(LARGEST_FIELD)
        try:
            row = next(rows, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        if row:
            yield begin, row
        begin = rows.line_num + 1


def _checked(names: list[str], line: int, source: str, raw: bytes) -> list[str]:
    """Check the names of the columns, which are on the given line."""
    if not names:
        fail(source, "the file", "name its columns in the first line", "an empty file", error=DataError)
    where = f"{source}:{line}"
    if not _is_utf8(raw):
        fail(where, "the names of the columns", "be UTF-8", shown(raw), "Save the file as UTF-8.", DataError)
    check_names(names, where)
    return names


def _ragged(where: str, names: int, cells: int) -> str:
    return f"{where}: the row must have {names} cells, as the first line, got {cells}"


def _no_utf8(where: str, column: str, cell: bytes) -> str:
    return f"{where}: column {column!r} must be UTF-8, got {shown(cell)}"


def _decoded(batch: pa.RecordBatch, first: int, lines: _Lines, bad: BadRows) -> Table:
    """Decode a batch; a row with bytes that are not UTF-8 is bad. `first` is the number of the first row."""
    name, numbers = lines.file.name, np.arange(first, first + batch.num_rows)
    try:
        columns = {column: batch.column(column).cast(pa.string()) for column in batch.schema.names}
        return Table(columns, name, lines.place, numbers=numbers)
    except pa.ArrowInvalid:
        pass
    cells: dict[str, list[bytes]] = batch.to_pydict()
    good = []
    for row in range(batch.num_rows):
        wrong = next((column for column, values in cells.items() if not _is_utf8(values[row])), None)
        if wrong is None:
            good.append(row)
        else:
            bad.found(_no_utf8(lines.place(first + row), wrong, cells[wrong][row]))
    text = {column: [values[row].decode() for row in good] for column, values in cells.items()}
    return Table(text, name, lines.place, numbers=numbers[good])


def _buffered(file: Any) -> Any:
    return io.BufferedReader(file, 1 << 20) if isinstance(file, io.RawIOBase) else file


def _as_bytes(cell: str) -> bytes:
    return cell.encode(errors="surrogateescape")


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True
