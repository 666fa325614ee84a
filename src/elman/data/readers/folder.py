"""A folder of text, audio, music or picture files, labelled by their subfolders; or a folder of parallel files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from elman.checks import fail
from elman.data.files import Digest, File
from elman.data.readers.parallel import read_parallel
from elman.data.table import BadRows, Table
from elman.errors import DataError
from elman.fields.values.files import KINDS


def read_folder(folder: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read every file below a folder into the columns `text`, `label` (the subfolder's name) and `file`.

    Audio, music and picture files are not read yet, only named: their columns are `file`, the path, and `label`.
    Without subfolders there is no label. If, moreover, all files have different suffixes, such as seq.in, seq.out and
    label, they are the columns of one table, line by line (see `read_parallel`).

    Files and folders whose names begin with a dot are skipped. A folder is read at once, without a digest.

    Raises:
        DataError: there is no file, there are files of several kinds, or one is not UTF-8.
    """
    path = folder.path
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not _is_hidden(file.relative_to(path))]
    flat = all(file.parent == path for file in files)
    kinds = {KINDS.get(file.suffix.lower(), "text"): file for file in reversed(files)}
    if len(kinds) > 1:
        got = ", ".join(f"{kind} ({file.relative_to(path)})" for kind, file in sorted(kinds.items()))
        then = "Name the table that lists them, or move the others."
        fail(str(path), "the folder", "hold files of one kind", got, then, DataError)
    if kinds and "text" not in kinds:
        yield _named(folder, files, flat)
        return
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
            "hold files, in subfolders if these name their labels",
            "none",
            error=DataError,
        )
    if flat:
        del columns["label"]
    yield Table(columns, folder.name, lambda row: str(path / columns["file"][row]))


def _named(folder: File, files: Sequence[Path], flat: bool) -> Table:
    """The paths of files, a row each."""
    columns = {"file": [str(file) for file in files]}
    if not flat:
        columns["label"] = [str(file.relative_to(folder.path).parent) for file in files]
    return Table(columns, folder.name, lambda row: columns["file"][row])


def _is_hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)
