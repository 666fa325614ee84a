"""A folder of text files, one text a file: the subfolder is the label."""

from collections.abc import Iterator

from elman.checks import fail
from elman.data.files import Digest, File
from elman.data.table import BadRows, Table
from elman.errors import DataError


def read_folder(folder: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read every file below a folder into the columns `text`, `label` (the subfolder's name) and `file`.

    Files and folders whose names begin with a dot are passed over. A folder is read whole, and no digest is made of it.

    Raises:
        DataError: there is no file, or one is not UTF-8.
    """
    path = folder.path
    columns: dict[str, list[str]] = {"text": [], "label": [], "file": []}
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if not file.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            bad.found(f"{file}: column 'text' must be UTF-8, got {error.object[error.start : error.start + 8]!r}")
            continue
        for name, value in zip(columns, (text, str(inside.parent), str(inside)), strict=True):
            columns[name].append(value)
    if not columns["text"]:
        fail(str(path), "the folder", "hold text files in subfolders named for their labels", "none", error=DataError)
    yield Table(columns, folder.name, lambda row: str(path / columns["file"][row]))
