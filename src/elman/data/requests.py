"""The rows that a training or a trained model is given: as tables, or piece by piece where their files are large."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from elman.checks import check_choice, fail
from elman.data.files import File, Paths, find_files, is_path, source_name
from elman.data.layouts import Layout, Note, Source, Sources, Tables
from elman.data.prepare import spread_series
from elman.data.readers import read_files, read_pieces, read_stream
from elman.data.table import BadRows, Table, from_memory
from elman.errors import NoRowError

Values = Any  # a path, a pandas or Arrow table, a dictionary of columns, a list of dictionaries, or a list of values
T = TypeVar("T")


def row_policy(bad_rows: str) -> BadRows:
    """What is done with bad rows where "refuse" or "skip" is asked for."""
    check_choice("model", "bad_rows", bad_rows, ("refuse", "skip"))
    return BadRows(bad_rows == "skip")


def open_sources(
    paths: Sequence[Paths | None],
    tables: Tables | None,
    is_stream: bool,
    reads_whole: bool,
    in_memory: float,
    bad: BadRows,
    note: Note,
) -> Sources:
    """The source of each split.

    Args:
        paths: of the training, validation and test split, None where one has none.
        tables: of the training split at least, which `paths` then do not name; None: all are files.
        is_stream: read each as one long text.
        reads_whole: read each into memory, however large it is.
        in_memory: megabytes; larger files are not read yet.
        bad: what is done with rows that cannot be used.
        note: takes a line for the person.

    Raises:
        DataError: no such file, or one that cannot be read.
    """

    def opened(path: Paths | None, table: Table | None) -> Source | None:
        if table is not None or path is None:
            return None if table is None else Source(table)
        files = find_files(path)
        is_large = sum(file.size for file in files) > in_memory * 1e6
        if is_stream:
            if is_large:
                note(f"source    {source_name(files)}: read into memory whole, as one long text is")
            return Source(read_stream(path), files)
        whole = reads_whole or _are_folders(files)
        if is_large and whole:
            note(f"source    {source_name(files)}: read into memory whole, as folders and the long format are")
        return Source(None if is_large and not whole else read_files(files, bad), files)

    train, valid, test = (opened(path, table) for path, table in zip(paths, tables or (None,) * 3, strict=True))
    assert train is not None
    return Sources(train, valid, test)


def table_given(values: Values, layout: Layout, bad: BadRows) -> Table:
    """What is given as one table; the values of a list are those of the first field.

    Raises:
        DataError: no such file, or a row that cannot be used.
    """
    return _whole(values, _files(values), layout, bad)


def tables_given(values: Values, layout: Layout, in_memory: float, bad: BadRows) -> Iterator[Table]:
    """What is given as tables of some megabytes, where it is in files that are larger than `in_memory` megabytes.

    Raises: as `table_given`.
    """
    files = _files(values)
    is_small = sum(file.size for file in files) <= in_memory * 1e6
    if is_small or layout.reads_whole or _are_folders(files):
        yield _whole(values, files, layout, bad)
        return
    spread = spread_series(layout.fields, ())
    wanted = [field.name for field in layout.fields.by_role().values() if field is not spread]
    for piece in read_pieces(files, wanted, bad):
        yield layout.prepared(piece, files, bad)


def scored_tables(values: Values, layout: Layout, in_memory: float, bad: BadRows) -> Iterator[Table]:
    """As `tables_given`, but that of files which were trained on as one long text each is one long text.

    Raises: as `table_given`.
    """
    if layout.is_stream and isinstance(values, str | Path):
        yield read_stream(values)
    else:
        yield from tables_given(values, layout, in_memory, bad)


def each_usable(tables: Iterator[Table], use: Callable[[Table], T]) -> Iterator[T]:
    """What is made of each table, but for those that have no row that can be used.

    Raises:
        NoRowError: none of them has one.
    """
    refusal: NoRowError | None = None
    used = 0
    for table in tables:
        try:
            found = use(table)
        except NoRowError as error:
            refusal = error
            continue
        used += 1
        yield found
    if refusal is not None and not used:
        raise refusal


def _are_folders(files: Sequence[File]) -> bool:
    return any(file.path.is_dir() for file in files)


def _files(values: Values) -> list[File]:
    """The files that are named; none where the values are in memory."""
    if isinstance(values, str) and not is_path(values):
        then = "Pass a list: [value]."
        fail("model", "the values", "be a list, a table or a path that exists", repr(values), then)
    return find_files(values) if isinstance(values, str | Path) else []


def _whole(values: Values, files: Sequence[File], layout: Layout, bad: BadRows) -> Table:
    """All rows of the files, or of the values where there are none, as the layout wants them."""
    first = next(chain(layout.fields.inputs, layout.fields.targets))
    table = read_files(list(files), bad) if files else from_memory(values, first)
    return layout.prepared(table, files, bad)
