"""A folder of text files: one text a file, the subfolder is the label; or files whose lines belong together."""

from collections.abc import Iterator
from pathlib import Path

from elman.checks import fail
from elman.data.files import Digest, File
from elman.data.readers.parallel import read_parallel
from elman.data.table import BadRows, Table
from elman.errors import DataError


def read_folder(folder: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read every file below a folder into the columns `text`, `label` (the subfolder's name) and `file`.

    Where no file stands in a subfolder there is no label. If moreover no two files end alike, as seq.in, seq.out and
    label, they are the columns of one table, line by line (see `read_parallel`).

    Files and folders whose names begin with a dot are passed over. A folder is read whole, and no digest is made of it.

    Raises:
        DataError: there is no file, or one is not UTF-8.
    """
    path = folder.path
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not _is_hidden(file.relative_to(path))]
    flat = all(file.parent == path for file in files)
    endings = {File(file, file.name).unpacked.suffix for file in files}
    if flat and len(endings) == len(files) > 1:
        yield from read_parallel(File(files[0], folder.name, tuple(files[1:])), bad)
        return
    columns: dict[str, list[str]] = {"text": [], "label": [], "file": []}
    for file in files:
        inside = file.relative_to(path)
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            bad.found(f"{file}: column 'text' must be UTF-8, got {error.object[error.start : error.start + 8]!r}")
            continue
        for name, value in zip(columns, (text, str(inside.parent), str(inside)), strict=True):
            columns[name].append(value)
    if not columns["text"]:
        fail(
            str(path),
            "the folder",
            "hold text files, in subfolders if these name their labels",
            "none",
            error=DataError,
        )
    if flat:
        del columns["label"]
    yield Table(columns, folder.name, lambda row: str(path / columns["file"][row]))


def _is_hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)
