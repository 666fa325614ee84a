"""A source that is larger than memory, read once: parsed, checked and kept in the cache; the next time it is there.

Each entry of the cache stands in `tables/<key>/`: `rows.arrow`, `manifest.json`, and what fields learned from it. The
key is made of the SHA-256 of the source's bytes and of how it is parsed. `tables/index/` remembers the SHA-256 of
files by path, size, times of change and inode, so that it is not taken anew.

When an entry is added, those that were not used for longest are removed until all are within the limit of the cache.
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
from elman.data.arrow_rows import Stored
from elman.data.cache import (
    GB,
    Summed,
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
from elman.data.prefetch import ahead
from elman.data.readers import pieces
from elman.data.table import BadRows, Table
from elman.errors import DataError
from elman.fields import Field
from elman.fields.values.cells import each_distinct
from elman.types import Json

FORMAT = 5
ROWS, MANIFEST, INDEX = "rows.arrow", "manifest.json", "index"
IN_USE: WeakSet[Stored] = WeakSet()  # what this process has open


class Kept(NamedTuple):
    """A column that is kept.

    Args:
        role: what it is called there: "input.NAME", "target.NAME" or "split".
        column: its name in the source.
        storage: the Arrow type.
        parse: a cell -> the value.
        parse_column: all cells at once, or None where one is doubtful.
        pack: the value -> what an array of `storage` is made from.
        witnesses: values that stand for all of an array.
        means: what tells how cells are parsed, as plain JSON.
    """

    role: str
    column: str
    storage: pa.DataType
    parse: Callable[[Any], Any]
    parse_column: Callable[[Any], pa.Array | None]
    pack: Callable[[Any], Any]
    witnesses: Callable[[pa.Array], list[Any]]
    means: Json


def kept_field(role: str, field: Field) -> Kept:
    """The column of a field."""
    options = {name: getattr(field, name) for name in sorted(field.heeded_by_parse)}
    means = {"kind": field.kind, "column": field.name, **options}
    return Kept(role, field.name, field.storage, field.parse, field.parse_column, field.pack, field.witnesses, means)


def kept_value(column: str, storage: pa.DataType, parse: Callable[[Any], Any]) -> Kept:
    """A column to split by."""
    means = {"column": column, "parse": parse.__name__}

    def at_once(cells: pa.Array) -> pa.Array | None:
        return each_distinct(cells, parse, storage)

    return Kept("split", column, storage, parse, at_once, lambda value: value, lambda array: [], means)


def open_stored(
    files: Sequence[File],
    kept: Sequence[Kept],
    gather: Callable[[Table, BadRows], Table],
    bad: BadRows,
    note: Callable[[str], None],
) -> tuple[Stored, Path]:
    """The parsed rows of a source, from the cache if they are there, and the folder where they stand.

    Args:
        files: of the source.
        kept: the columns that are needed.
        gather: a piece as the reader gave it -> one row a sequence.
        bad: what is done with rows that cannot be used; those that are skipped are listed the next time, too.
        note: takes a line for the person: where the rows come from, and what was removed from the cache to make room.

    Raises:
        DataError: data that cannot be used, a cache that cannot be written, or a limit of it that is none.
    """
    tables, limit = cache_folder() / "tables", cache_limit()
    said = f"source    {source_name(files)}: {shown_size(sum(file.size for file in files))}, "
    means = [FORMAT, [file.name for file in files], bad.skip, [entry.means for entry in kept]]
    known = [_known_digest(tables, file) for file in files]
    if None not in known:
        folder = tables / key_of([known, *means])
        stored = _opened(folder, files, bad)
        if stored is not None:
            note(f"{said}as an earlier run read it and kept it in the cache, {cache_folder()}")
            return stored, folder
        if folder.exists():
            said += "no longer whole in the cache and so "
    note(f"{said}read once and kept in the cache, {cache_folder()}, which may be deleted")

    def make(partial: Path) -> str:
        digests, manifest = _write(partial / ROWS, files, kept, gather, BadRows(bad.skip))
        write_checked(partial / MANIFEST, manifest)
        for file, digest in zip(files, digests, strict=True):
            _remember_digest(tables, file, *digest)
        return key_of([[digest for digest, _ in digests], *means])

    folder = make_folder(tables, make, lambda folder: _opened(folder, files, BadRows(True)) is not None)
    stored = _opened(folder, files, bad)
    if stored is None:
        got, then = "no such folder: another process made room", "Set ELMAN_CACHE_GB to more."
        fail("data", str(folder), "stand until it is opened", got, then, DataError)
    for entry in surplus(tables, limit, {tables / INDEX, *(one.path.parent for one in IN_USE)}):
        what = (read_checked(entry.folder / MANIFEST) or {}).get("source", "an unknown source")
        used = f"{shown_size(entry.size)}, last used on {date.fromtimestamp(entry.used)}"
        note(f"cache     {what} removed ({used}): ELMAN_CACHE_GB, the most that is kept, is {limit / GB:g}")
    return stored, folder


def _opened(folder: Path, files: Sequence[File], bad: BadRows) -> Stored | None:
    """The rows of an entry; None where there is none, or it is damaged."""
    manifest = read_checked(folder / MANIFEST)
    try:
        if manifest is None or (folder / ROWS).stat().st_size != manifest["bytes"]:
            return None
        where = partial(_place, files, manifest["starts"])
        stored = Stored(folder / ROWS, source_name(files), where, manifest["witnesses"], manifest["pieces"])
    except (OSError, ValueError, pa.ArrowException):
        return None
    if len(stored) != manifest["rows"]:
        return None
    IN_USE.add(stored)
    mark_used(folder)
    bad.add(manifest["bad"]["messages"], manifest["bad"]["count"])
    return stored


def _place(files: Sequence[File], starts: list[int], number: int) -> str:
    """Where a row stands: its file is asked, read again as far as needed."""
    index = bisect_right(starts, number) - 1
    return next(pieces(files[index], BadRows(skip=True))).where(number - starts[index])


def _write(
    path: Path, files: Sequence[File], kept: Sequence[Kept], gather: Callable[[Table, BadRows], Table], bad: BadRows
) -> tuple[list[tuple[str, list[int]]], Json]:
    """Write the Arrow file; each source file's SHA-256 with its stamp, and the manifest.

    Three threads, for each takes about as long: one reads, one parses, and this one writes.
    """
    reading = _Reading(files, kept, gather, bad)
    rows = 0
    with Summed(path) as sink:
        with pa.ipc.new_file(sink, reading.schema) as writer:
            for batch in ahead(reading.batches(), 1):
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
        "witnesses": {role: list(values.values()) for role, values in reading.witnesses.items()},
        "bad": {"messages": bad.messages, "count": bad.count},
    }


class _Reading:
    """The good rows of a source, piece by piece, and what is known of it when `batches` has come to its end.

    Attributes:
        schema: of the batches.
        starts: the number of each file's first row, and of the row after the last file.
        witnesses: of each column, by how they are written.
        digests: of each file, the SHA-256 and the stamp.
    """

    def __init__(
        self, files: Sequence[File], kept: Sequence[Kept], gather: Callable[[Table, BadRows], Table], bad: BadRows
    ) -> None:
        self.files, self.kept, self.gather, self.bad = files, kept, gather, bad
        self.schema = pa.schema([*((entry.role, entry.storage) for entry in kept), ("row", pa.int64())])
        self.starts = [0]
        self.witnesses: dict[str, dict[str, Any]] = {entry.role: {} for entry in kept}
        self.digests: list[tuple[str, list[int]]] = []

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The pieces that have a good row."""
        for file in self.files:
            digest, stamp, end = Digest(), _stamp(file), self.starts[-1]
            for table, found in ahead(_pieces_and_bad(file, self.bad.skip, digest), 1):
                self.bad.add(found.messages, found.count)
                if table is None or not len(table):
                    continue
                end = self.starts[-1] + int(table.numbers[-1]) + 1
                gathered = self.gather(table, self.bad)
                batch = _parsed(gathered, self.starts[-1], self.kept, self.schema, self.bad)
                if not batch.num_rows:
                    continue
                for entry in self.kept:
                    for value in entry.witnesses(batch.column(entry.role)):
                        self.witnesses[entry.role][repr(value)] = value
                yield batch
            if _stamp(file) != stamp:
                then = "Try again when nothing writes to it."
                fail("data", str(file.path), "stay as it is while it is read", "a changed file", then, DataError)
            self.digests.append((digest.hexdigest(), stamp))
            self.starts.append(end)


def _pieces_and_bad(file: File, skip: bool, digest: Digest) -> Iterator[tuple[Table | None, BadRows]]:
    """Each piece of a file with the bad rows that its reader found; at the end those that were found after it."""
    bad = BadRows(skip)
    for table in chain(pieces(file, bad, digest), [None]):
        yield table, bad.handed_over()


def _parsed(table: Table, start: int, kept: Sequence[Kept], schema: pa.Schema, bad: BadRows) -> pa.RecordBatch:
    """The good rows of a piece, column by column: at once where all cells are plain, else cell by cell."""
    rows = np.arange(len(table))
    arrays: list[pa.Array] = []
    for entry in kept:
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


def _at_once(cells: Any, rows: np.ndarray, entry: Kept) -> pa.Array | None:
    if isinstance(cells, np.ndarray):
        return entry.parse_column(cells[rows])
    if isinstance(cells, pa.Array):
        return entry.parse_column(cells if len(rows) == len(cells) else cells.take(pa.array(rows)))
    return None


def _known_digest(tables: Path, file: File) -> str | None:
    """The SHA-256 of a file that was read before and has not changed since."""
    known = read_checked(_index(tables, file))
    return known["sha256"] if known and known["stamp"] == _stamp(file) else None


def _remember_digest(tables: Path, file: File, digest: str, stamp: list[int]) -> None:
    write_checked(_index(tables, file), {"sha256": digest, "stamp": stamp})


def _index(tables: Path, file: File) -> Path:
    """Where the SHA-256 of a file, or of those that are read side by side, is remembered."""
    paths = [str(path.absolute()) for path in file.paths]
    return tables / INDEX / f"{key_of(paths if file.beside else paths[0])}.json"


def _stamp(file: File) -> list[int]:
    """By what a file is known again. A program may set the time of the last change back, but not that of its inode."""
    stats = [path.stat() for path in file.paths]
    return [part for stat in stats for part in (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)]
