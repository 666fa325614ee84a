"""Files that a table names: their paths start from the folder that the table stands in."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from elman.data.files import File
from elman.data.table import Table
from elman.fields.values.files import kind_of_file


def root_of(cells: Iterable[Any], files: Sequence[File]) -> str | None:
    """The folder of a table, where the first file that its cells name stands there; None: the current folder.

    Args:
        cells: of a column of names of files, or of anything else, where the answer is None.
        files: of the table; none where it is in memory.
    """
    first = next(filter(kind_of_file, cells), None)
    if first is None or not files:
        return None
    folder = folder_of(files[0])
    return str(folder) if folder != Path() and (folder / first.strip()).is_file() else None


def with_whole_paths(table: Table, columns: Iterable[str], files: Sequence[File]) -> Table:
    """The table with whole paths in these columns, where a cell names a file in the folder of the table.

    So a table finds its own files, whatever the folder of the one that was trained on; one in memory is as it was.
    """
    if not files:
        return table
    folder = folder_of(files[0]).absolute()
    found = {name: [_whole(cell, folder) for cell in table.column(name)] for name in columns if name in table.columns}
    if not found:
        return table
    return Table({**table.columns, **found}, table.source, table.where, table.left_out, table.numbers, table.sparse)


def folder_of(file: File) -> Path:
    """The folder that a file stands in; a folder itself."""
    return file.path if file.path.is_dir() else file.path.parent


def _whole(cell: Any, folder: Path) -> Any:
    return str(folder / cell.strip()) if kind_of_file(cell) and (folder / cell.strip()).is_file() else cell
