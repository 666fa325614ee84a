"""Sources larger than memory: read once, parsed, and kept in the cache for the next time.

Each entry of the cache is a folder `tables/<key>/` with `rows.arrow`, `manifest.json`, and what fields learned from it.
The key is derived from the SHA-256 of the source's bytes and from how it is parsed. `tables/index/` has the SHA-256 of
files by path, size, modification times and inode, so that it need not be computed again.

When an entry is added, the least recently used ones are removed until all are within the limit of the cache.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakSet

import numpy as np
import pyarrow as pa

from elman.checks import fail
from elman.data.arrow_rows import ArrowRows
from elman.data.cache import (
    GB,
    ChecksummedFile,
    cache_folder,
    cache_limit,
    key_of,
    make_folder,
    mark_used,
    read_checked,
    shown_size,
    surplus,
    write_checked,
)
from elman.data.files import Digest, File, source_name
from elman.data.prefetch import prefetched
from elman.data.readers import pieces
from elman.data.table import BadRows, Table
from elman.errors import DataError
from elman.fields import Field
from elman.fields.values.cells import each_distinct
from elman.types import Json

FORMAT = 6
ROWS, MANIFEST, INDEX = "rows.arrow", "manifest.json", "index"
IN_USE: WeakSet[ArrowRows] = WeakSet()  # opened by this process


class StoredColumn(NamedTuple):
    """A column of the stored rows.

    Args:
        role: its name there: "input.NAME", "target.NAME" or "split".
        column: its name in the source.
        storage: the Arrow type.
        parse: a cell -> the value.
        parse_column: parses all cells at once; gives None if one needs a closer look.
        pack: the value -> an element of an array of type `storage`.
        representatives: representative values of an array.
        means: identifies how cells are parsed, as plain JSON.
    """

    role: str
    column: str
    storage: pa.DataType
    parse: Callable[[Any], Any]
    parse_column: Callable[[Any], pa.Array | None]
    pack: Callable[[Any], Any]
    representatives: Callable[[pa.Array], list[Any]]
    means: Json


def stored_field(role: str, field: Field) -> StoredColumn:
    """The column of a field."""
    options = {name: getattr(field, name) for name in sorted(field.parse_options)}
    means = {"kind": field.kind, "column": field.name, **options}
    return StoredColumn(
        role, field.name, field.storage, field.parse, field.parse_column, field.pack, field.representative_values, means
    )


def stored_value(column: str, storage: pa.DataType, parse: Callable[[Any], Any]) -> StoredColumn:
    """The column of a split by value."""
    means = {"column": column, "parse": parse.__name__}

    def at_once(cells: pa.Array) -> pa.Array | None:
        return each_distinct(cells, parse, storage)

    return StoredColumn("split", column, storage, parse, at_once, lambda value: value, lambda array: [], means)


def open_stored(
    files: Sequence[File],
    columns: Sequence[StoredColumn],
    gather: Callable[[Table, BadRows], Table],
    bad: BadRows,
    note: Callable[[str], None],
) -> tuple[ArrowRows, Path]:
    """The parsed rows of a source, from the cache if they are there, and their folder.

    Args:
        files: of the source.
        columns: the columns to store.
        gather: a piece from the reader -> one row per sequence.
        bad: how to treat rows that cannot be used; skipped rows are listed the next time, too.
        note: takes a line for the person: where the rows come from, and what was removed from the cache.

    Raises:
        DataError: the data cannot be used, the cache cannot be written, or its limit is not valid.
    """
    tables, limit = cache_folder() / "tables", cache_limit()
    line = f"source    {source_name(files)}: {shown_size(sum(file.size for file in files))}, "
    means = [FORMAT, [file.name for file in files], bad.skip, [entry.means for entry in columns]]
    known = [_known_digest(tables, file) for file in files]
    if None not in known:
        folder = tables / key_of([known, *means])
        stored = _opened(folder, files, bad)
        if stored is not None:
            note(f"{line}read from the cache, {cache_folder()}")
            return stored, folder
        if folder.exists():
            line += "damaged in the cache and so "
    note(f"{line}read once and kept in the cache, {cache_folder()}, which can be deleted")

    def make(partial: Path) -> str:
        digests, manifest = _write(partial / ROWS, files, columns, gather, BadRows(bad.skip))
        write_checked(partial / MANIFEST, manifest)
        for file, digest in zip(files, digests, strict=True):
            _remember_digest(tables, file, *digest)
        return key_of([[digest for digest, _ in digests], *means])

    folder = make_folder(tables, make, lambda folder: _opened(folder, files, BadRows(True)) is not None)
    stored = _opened(folder, files, bad)
    if stored is None:
        got, then = "no such folder: another process removed it", "Increase ELMAN_CACHE_GB."
        fail("data", str(folder), "exist until it is opened", got, then, DataError)
    for entry in surplus(tables, limit, {tables / INDEX, *(one.path.parent for one in IN_USE)}):
        what = (read_checked(entry.folder / MANIFEST) or {}).get("source", "an unknown source")
        used = f"{shown_size(entry.size)}, last used on {date.fromtimestamp(entry.used)}"
        note(f"cache     {what} removed ({used}): ELMAN_CACHE_GB, the limit of the cache, is {limit / GB:g}")
    return stored, folder


def _opened(folder: Path, files: Sequence[File], bad: BadRows) -> ArrowRows | None:
    """The rows of an entry; None if it does not exist or is damaged."""
    manifest = read_checked(folder / MANIFEST)
    try:
        if manifest is None or (folder / ROWS).stat().st_size != manifest["bytes"]:
            return None
        where = partial(_place, files, manifest["starts"])
        stored = ArrowRows(folder / ROWS, source_name(files), where, manifest["representatives"], manifest["pieces"])
    except (OSError, ValueError, pa.ArrowException):
        return None
    if len(stored) != manifest["rows"]:
        return None
    IN_USE.add(stored)
    mark_used(folder)
    bad.add(manifest["bad"]["messages"], manifest["bad"]["count"])
    return stored


def _place(files: Sequence[File], starts: list[int], number: int) -> str:
    """The place of a row: its file is read again as far as needed."""
    index = bisect_right(starts, number) - 1
    return next(pieces(files[index], BadRows(skip=True))).where(number - starts[index])


def _write(
    path: Path,
    files: Sequence[File],
    columns: Sequence[StoredColumn],
    gather: Callable[[Table, BadRows], Table],
    bad: BadRows,
) -> tuple[list[tuple[str, list[int]]], Json]:
    """Write the Arrow file; returns each source file's SHA-256 with its stamp, and the manifest.

    One thread reads, one parses, and this one writes; each takes about as long.
    """
    reading = _Reading(files, columns, gather, bad)
    rows = 0
    with ChecksummedFile(path) as sink:
        with pa.ipc.new_file(sink, reading.schema) as writer:
            for batch in prefetched(reading.batches(), 1):
                writer.write_batch(batch)
                sink.end_piece()
                rows += batch.num_rows
        sink.end_piece()
    if not reading.starts[-1]:
        fail(source_name(files), "a table", "have at least one row", "none", error=DataError)
    if not rows:
        fail(source_name(files), "the table", "have a row that can be used", "none", error=DataError)
    return reading.digests, {
        "source": source_name(files),
        "rows": rows,
        "bytes": path.stat().st_size,
        "pieces": sink.pieces,
        "starts": reading.starts[:-1],
        "representatives": {role: list(values.values()) for role, values in reading.representatives.items()},
        "bad": {"messages": bad.messages, "count": bad.count},
    }


class _Reading:
    """The good rows of a source, piece by piece; the attributes are complete after the end of `batches`.

    Attributes:
        schema: of the batches.
        starts: the number of each file's first row, and of the row after the last file.
        representatives: of each column, by their repr.
        digests: the SHA-256 and the stamp of each file.
    """

    def __init__(
        self,
        files: Sequence[File],
        columns: Sequence[StoredColumn],
        gather: Callable[[Table, BadRows], Table],
        bad: BadRows,
    ) -> None:
        self.files, self.columns, self.gather, self.bad = files, columns, gather, bad
        self.schema = pa.schema([*((entry.role, entry.storage) for entry in columns), ("row", pa.int64())])
        self.starts = [0]
        self.representatives: dict[str, dict[str, Any]] = {entry.role: {} for entry in columns}
        self.digests: list[tuple[str, list[int]]] = []

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The pieces with at least one good row."""
        for file in self.files:
            digest, stamp, end = Digest(), _stamp(file), self.starts[-1]
            for table, found in prefetched(_pieces_and_bad(file, self.bad.skip, digest), 1):
                self.bad.add(found.messages, found.count)
                if table is None or not len(table):
                    continue
                end = self.starts[-1] + int(table.numbers[-1]) + 1
                gathered = self.gather(table, self.bad)
                batch = _parsed(gathered, self.starts[-1], self.columns, self.schema, self.bad)
                if not batch.num_rows:
                    continue
                for entry in self.columns:
                    for value in entry.representatives(batch.column(entry.role)):
                        self.representatives[entry.role][repr(value)] = value
                yield batch
            if _stamp(file) != stamp:
                then = "Try again when no program writes to it."
                fail("data", str(file.path), "not change while it is read", "a changed file", then, DataError)
            self.digests.append((digest.hexdigest(), stamp))
            self.starts.append(end)


def _pieces_and_bad(file: File, skip: bool, digest: Digest) -> Iterator[tuple[Table | None, BadRows]]:
    """Each piece of a file with the bad rows that its reader found; at the end those after the last piece."""
    bad = BadRows(skip)
    for table in chain(pieces(file, bad, digest), [None]):
        yield table, bad.handed_over()


def _parsed(
    table: Table, start: int, columns: Sequence[StoredColumn], schema: pa.Schema, bad: BadRows
) -> pa.RecordBatch:
    """The good rows of a piece, column by column: at once if possible, else cell by cell."""
    rows = np.arange(len(table))
    arrays: list[pa.Array] = []
    for entry in columns:
        cells = table.columns[entry.column] if entry.column in table.columns else table.column(entry.column)
        if isinstance(cells, pa.Array) and pa.types.is_large_string(cells.type):
            cells = cells.cast(pa.string())
        array = _at_once(cells, rows, entry)
        if array is None:
            raw = table.column(entry.column)
            values = [table.parse_cell(row, entry.column, raw[row], entry.parse, bad) for row in rows.tolist()]
            good = np.array([index for index, value in enumerate(values) if value is not None], np.int64)
            rows, arrays = rows[good], [before.take(good) for before in arrays]
            array = pa.array([entry.pack(values[index]) for index in good.tolist()], entry.storage)
        arrays.append(array)
    numbers = start + np.asarray(table.numbers)[rows]
    return pa.record_batch([*arrays, pa.array(numbers, pa.int64())], schema)


def _at_once(cells: Any, rows: np.ndarray, entry: StoredColumn) -> pa.Array | None:
    if isinstance(cells, np.ndarray):
        return entry.parse_column(cells[rows])
    if isinstance(cells, pa.Array):
        return entry.parse_column(cells if len(rows) == len(cells) else cells.take(pa.array(rows)))
    return None


def _known_digest(tables: Path, file: File) -> str | None:
    """The SHA-256 of a file that has not changed since it was last read."""
    known = read_checked(_index(tables, file))
    return known["sha256"] if known and known["stamp"] == _stamp(file) else None


def _remember_digest(tables: Path, file: File, digest: str, stamp: list[int]) -> None:
    write_checked(_index(tables, file), {"sha256": digest, "stamp": stamp})


def _index(tables: Path, file: File) -> Path:
    """The path of the recorded SHA-256 of a file, or of parallel files."""
    paths = [str(path.absolute()) for path in file.paths]
    return tables / INDEX / f"{key_of(paths if file.beside else paths[0])}.json"


def _stamp(file: File) -> list[int]:
    """What identifies a version of a file. A program can set the modification time back, but not that of the inode."""
    stats = [path.stat() for path in file.paths]
    return [part for stat in stats for part in (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)]
