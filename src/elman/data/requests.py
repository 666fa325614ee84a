"""The rows that a model is given to answer: as tables, piece by piece where their files are large, and as examples."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from elman.checks import check_choice, fail
from elman.config import DataConfig
from elman.data import (
    BadRows,
    Examples,
    File,
    Table,
    encode,
    find_files,
    from_memory,
    gather,
    names_files,
    parse,
    read_files,
    read_pieces,
    spread_series,
    with_whole_paths,
)
from elman.errors import NoRowError
from elman.fields import Fields

Source = Any  # a path, a pandas or Arrow table, a dictionary of columns, a list of dictionaries, or a list of values
T = TypeVar("T")


def row_policy(bad_rows: str) -> BadRows:
    """What is done with bad rows where "refuse" or "skip" is asked for."""
    check_choice("model", "bad_rows", bad_rows, ("refuse", "skip"))
    return BadRows(bad_rows == "skip")


def is_read_whole(files: Sequence[File], data: DataConfig) -> bool:
    """Whether all rows of files are needed together, whatever their size: steps that stand in rows, and folders."""
    in_rows = any(option is not None for option in (data.id, data.time, data.horizon))
    return in_rows or any(file.path.is_dir() for file in files)


def table_given(values: Source, data: DataConfig, fields: Fields, bad: BadRows) -> Table:
    """What is given as one table; the values of a list are those of the first field.

    Raises:
        DataError: no such file, or a row that cannot be used.
    """
    return _whole(values, _files(values), data, fields, bad)


def tables_given(values: Source, data: DataConfig, fields: Fields, bad: BadRows) -> Iterator[Table]:
    """What is given as tables of some megabytes, where it stands in files that are larger than `data.in_memory`.

    Raises: as `table_given`.
    """
    files = _files(values)
    if is_read_whole(files, data) or sum(file.size for file in files) <= data.in_memory * 1e6:
        yield _whole(values, files, data, fields, bad)
        return
    spread = spread_series(fields, ())
    wanted = [field.name for field in fields.by_role().values() if field is not spread]
    for piece in read_pieces(files, wanted, bad):
        yield _ready(piece, files, data, fields, bad)


def examples_given(table: Table, fields: Fields, bad: BadRows, targets: bool = False) -> Examples:
    """The rows of a table, encoded; with their targets where these are wanted.

    Raises:
        DataError: a row cannot be used and is not to be skipped.
        NoRowError: no row is left.
    """
    return encode(parse(table, fields, bad, targets), fields, bad)[1]


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


def _files(values: Source) -> list[File]:
    """The files that are named; none where the values are in memory."""
    if isinstance(values, str) and not names_files(values):
        then = "Pass a list: [value]."
        fail("model", "the values", "be a list, a table or a path that exists", repr(values), then)
    return find_files(values) if isinstance(values, (str, Path)) else []


def _whole(values: Source, files: Sequence[File], data: DataConfig, fields: Fields, bad: BadRows) -> Table:
    """All rows of the files, or of the values where there are none, as fields read them."""
    first = next(chain(fields.inputs, fields.targets))
    table = read_files(files, bad) if files else from_memory(values, first)
    return _ready(table, files, data, fields, bad)


def _ready(table: Table, files: Sequence[File], data: DataConfig, fields: Fields, bad: BadRows) -> Table:
    """A table as fields read it: the paths in it whole, a row a sequence, but for series that are cut into windows."""
    table = with_whole_paths(table, fields.named_files(), files)
    return table if data.horizon is not None else gather(table, fields, data.id, data.time, bad)
