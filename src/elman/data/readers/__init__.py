"""Reading files as tables, in pieces. A new format is one file here and one line in this table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from elman.checks import fail
from elman.data.files import COMPRESSED, FOLDER, PARALLEL, Digest, File, Paths, find_files, readable, source_name
from elman.data.readers.conll import read_conll, read_conllu
from elman.data.readers.csv import read_csv, read_rows, read_tsv
from elman.data.readers.folder import read_folder
from elman.data.readers.jsonl import read_jsonl
from elman.data.readers.parallel import read_parallel
from elman.data.readers.parquet import read_parquet
from elman.data.readers.text import blocks_of, read_stream, read_text
from elman.data.table import BadRows, Table, check_not_empty, from_memory, joined
from elman.errors import DataError
from elman.fields.values import files as media

ENOUGH, MOST_PIECES = 10_000, 4  # rows, or pieces, from which the kinds of columns are inferred

# Each gives a file's rows as tables of some megabytes, and passes every byte of the file to the digest, if any.
READERS: dict[str, Callable[[File, BadRows, Digest | None], Iterator[Table]]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
    ".txt": read_text,
    ".conll": read_conll,
    ".bio": read_conll,
    ".iob": read_conll,
    ".conllu": read_conllu,
    FOLDER: read_folder,
    PARALLEL: read_parallel,
}


def read(source: Paths, bad: BadRows) -> Table:
    """Read a file by its suffix, a folder, the files of a pattern, parallel files (a.en+a.fr), or several of these.

    Raises:
        DataError: there is no such file, no reader for it, no rows, or a row that cannot be used.
    """
    return read_files(find_files(source), bad)


def table_of(values: Any, bad: BadRows, name: str | None = None) -> Table:
    """A table from files, see `read`, or from memory, see `from_memory`.

    Raises: as these.
    """
    return read(values, bad) if isinstance(values, (str, Path)) else from_memory(values, name)


def read_files(files: Sequence[File], bad: BadRows) -> Table:
    """The rows of files as one table, see `read`."""
    tables = [table for file in files for table in pieces(file, bad)]
    filled = [table for table in tables if len(table)] or tables[:1]
    return check_not_empty(joined(filled, source_name(files)))


def read_pieces(files: Sequence[File], wanted: Iterable[str], bad: BadRows) -> Iterator[Table]:
    """The rows of files, see `read`, in tables of some megabytes, each with the columns of the first rows.

    Args:
        files: the files to read.
        wanted: columns that are filled with missing values in a sparse piece without them, see `Table`.
        bad: how to treat rows that cannot be used.
    """
    names = dict.fromkeys([*head(files, BadRows(bad.skip)).columns, *wanted])
    for file in files:
        yield from (table.completed(names) for table in pieces(file, bad) if len(table))


def head(files: Sequence[File], bad: BadRows) -> Table:
    """The first rows of files, enough to infer the kinds of columns; see `read`."""
    tables: list[Table] = []
    for file in files:
        for table in pieces(file, bad):
            tables.append(table)
            if sum(map(len, tables)) >= ENOUGH or len(tables) == MOST_PIECES:
                return joined(tables, source_name(files))
    return check_not_empty(joined([table for table in tables if len(table)] or tables[:1], source_name(files)))


def pieces(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """The rows of one file, in tables of some megabytes; there is at least one table.

    Args:
        file: the file to read.
        bad: how to treat rows that cannot be used.
        digest: gets every byte of the file.

    Raises: as `read`.
    """
    if file.kind not in READERS:
        endings = ", ".join(ending for ending in READERS if ending.startswith("."))
        must = f"end in {endings} (then, if compressed, in {COMPRESSED}) or be a folder"
        then = "Save the table in one of these formats."
        if file.kind in media.KINDS:
            then = "Name a table that lists such files, or the folder that holds them."
        fail("data", "the source", must, repr(file.path.name), then, DataError)
    with readable(file.path):
        yield from READERS[file.kind](file, bad, digest)


__all__ = [
    "READERS",
    "blocks_of",
    "head",
    "pieces",
    "read",
    "read_conll",
    "read_conllu",
    "read_csv",
    "read_files",
    "read_folder",
    "read_jsonl",
    "read_parallel",
    "read_parquet",
    "read_pieces",
    "read_rows",
    "read_stream",
    "read_text",
    "read_tsv",
    "table_of",
]
