"""Files to tables. A new format is one file here and one line in this table."""

import glob
from collections.abc import Callable
from pathlib import Path

from elman.checks import fail, shown
from elman.data.readers.csv import read_csv, read_tsv
from elman.data.readers.folder import read_folder
from elman.data.readers.jsonl import read_jsonl
from elman.data.readers.parquet import read_parquet
from elman.data.table import BadRows, Table, check_not_empty
from elman.errors import DataError

FOLDER = "folder"
READERS: dict[str, Callable[[Path, BadRows], Table]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
    FOLDER: read_folder,
}


def read(source: str | Path, bad: BadRows) -> Table:
    """Read a file by its ending, or a folder.

    Raises:
        DataError: no such file, no reader for it, no rows, or a row that cannot be used.
    """
    path = Path(source)
    try:
        if not path.exists():
            near = sorted(p.name for p in path.parent.glob(f"{glob.escape(path.stem[:3])}*"))[:3]
            then = f"Did you mean {', '.join(near)}?" if near else "Check the path."
            fail("data", "the source", "exist", shown(str(source)), then, DataError)
        kind = FOLDER if path.is_dir() else path.suffix.lower()
        if kind not in READERS:
            endings = ", ".join(ending for ending in READERS if ending != FOLDER)
            fail(
                "data",
                "the source",
                f"end in {endings} or be a folder",
                repr(path.name),
                "Save the table in one of these formats.",
                DataError,
            )
        return check_not_empty(READERS[kind](path, bad))
    except OSError as error:
        fail("data", "the source", "be readable", f"{shown(str(path))}, {error.strerror}", "Check the path.", DataError)


__all__ = ["READERS", "read", "read_csv", "read_folder", "read_jsonl", "read_parquet", "read_tsv"]
