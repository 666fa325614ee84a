"""Files that the cells of a column name: sounds, notes, pictures."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from elman.checks import shown
from elman.errors import BadValueError

# The kind of field that reads a file, by the end of its name in lower case.
KINDS = {
    ".flac": "audio",
    ".mp3": "audio",
    ".ogg": "audio",
    ".wav": "audio",
    ".mid": "notes",
    ".midi": "notes",
    ".bmp": "image",
    ".jpeg": "image",
    ".jpg": "image",
    ".png": "image",
}

EXAMPLES = {"audio": "clip.wav", "notes": "tune.mid", "image": "picture.png"}  # in messages


def find_file(raw: Any, root: str | None = None) -> Path:
    """The file that a cell names.

    Args:
        raw: its path.
        root: the folder that relative paths start from; what is not there, and all if None, from the current one.

    Raises:
        BadValueError: the cell is no path, or there is no such file.
    """
    if not isinstance(raw, str | Path) or not str(raw).strip():
        raise BadValueError("be the path of a file", shown(raw))
    path = Path(str(raw).strip())
    for found in (Path(root or "") / path, path):
        with suppress(OSError, ValueError):  # longer than a path can be, or with a zero byte in it
            if found.is_file():
                return found
    raise BadValueError("be the path of a file that is there", shown(str(path)))


def kind_of_file(cell: Any) -> str | None:
    """The kind of field that reads the file which a cell names; None where it names none."""
    return KINDS.get(Path(cell.strip()).suffix.lower()) if isinstance(cell, str) else None


def kind_of_files(cells: list[Any]) -> str | None:
    """The kind of field that reads the files which all these cells name; None where they name none, or several."""
    kind = kind_of_file(cells[0]) if cells else None
    return kind if kind and all(kind_of_file(cell) == kind for cell in cells) else None
