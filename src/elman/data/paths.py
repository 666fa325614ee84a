"""Files that are named in a table: their paths are relative to the folder of the table."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from elman.data.files import File
from elman.data.table import Table
from elman.fields.values.files import kind_of_file


def root_of(cells: Iterable[Any], files: Sequence[File]) -> str | None:
    """The folder of a table, if the first file that its cells name is there; None: the current folder.

    Args:
        cells: of a column of file names; for other columns the result is None.
        files: of the table; none for a table in memory.
    """
    first = next(filter(kind_of_file, cells), None)
    if first is None or not files:
        return None
    folder = folder_of(files[0])
    return str(folder) if folder != Path() and (folder / first.strip()).is_file() else None


def with_whole_paths(table: Table, columns: Iterable[str], files: Sequence[File]) -> Table:
    """The table with complete paths in the given columns, where a cell names a file in the folder of the table.

    So a table finds its own files, independent of the folder of the training table; a table in memory is unchanged.
    """
    if not files:
        return table
    folder = folder_of(files[0]).absolute()
    found = {name: [_whole(cell, folder) for cell in table.column(name)] for name in columns if name in table.columns}
    if not found:
        return table
    return Table({**table.columns, **found}, table.source, table.where, table.left_out, table.numbers, table.sparse)


def folder_of(file: File) -> Path:
    """The folder of a file; a folder itself."""
    return file.path if file.path.is_dir() else file.path.parent


def _whole(cell: Any, folder: Path) -> Any:
    return str(folder / cell.strip()) if kind_of_file(cell) and (folder / cell.strip()).is_file() else cell
