"""The cache of data between runs: the folder ELMAN_CACHE, ~/.cache/elman by default. It can be deleted at any time.

Files are written atomically, by a rename, and damaged ones are written again. JSON files are verified by a SHA-256;
`rows.arrow`, which may have many gigabytes, by a CRC-32 of each piece when it is first read. Two processes that write
the same entry do not disturb each other: the first rename is kept.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from elman.checks import fail, shown
from elman.errors import DataError
from elman.storage import to_json

PARTIAL = ".partial-"
FORGOTTEN = 24 * 3600  # seconds after which the remains of an unfinished run are removed
GB = 1e9
MOST_GB = 50.0


def cache_folder() -> Path:
    """The folder of the cache."""
    return Path(os.environ.get("ELMAN_CACHE") or Path.home() / ".cache" / "elman")


def key_of(value: Any) -> str:
    """A name for a JSON value: equal values have equal names, different ones have different names."""
    return hashlib.sha256(to_json({"value": value})).hexdigest()[:40]


def write_checked(path: Path, value: Any) -> None:
    """Write a JSON value with its digest, to be read by `read_checked`.

    Raises:
        DataError: it cannot be written.
    """
    content = to_json({"sha256": hashlib.sha256(to_json({"value": value})).hexdigest(), "value": value})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        _refuse(path.parent, error)


def read_checked(path: Path) -> Any:
    """The value of a file; None if the file is missing or damaged."""
    try:
        document = json.loads(path.read_bytes())
        whole = document["sha256"] == hashlib.sha256(to_json({"value": document["value"]})).hexdigest()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return document["value"] if whole else None


def make_folder(parent: Path, make: Callable[[Path], str], is_complete: Callable[[Path], bool]) -> Path:
    """Write a folder below `parent` atomically.

    Args:
        parent: the folder above it.
        make: fills the given folder, and returns its final name.
        is_complete: whether a folder of that name exists and is complete; then it is kept instead of the new one.

    Raises:
        DataError: it cannot be written, as on a full disk.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_forgotten(parent)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=parent))
        try:
            target = parent / make(partial)
            if not is_complete(target):
                _move_into_place(partial, target, is_complete)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        _refuse(parent, error)
    return target


def cache_limit() -> float:
    """The maximum size of the cache in bytes: ELMAN_CACHE_GB, 50 GB by default; it may be "inf".

    Raises:
        DataError: it is not a number, or negative.
    """
    given = os.environ.get("ELMAN_CACHE_GB") or str(MOST_GB)
    try:
        limit = float(given) * GB
    except ValueError:
        limit = -1
    if not limit >= 0:
        must = "be a number of GB, at least 0, or inf"
        fail("ELMAN_CACHE_GB", "the limit of the cache", must, shown(given), error=DataError)
    return limit


def shown_size(size: int) -> str:
    """A number of bytes for a person.

    >>> shown_size(7_000_000), shown_size(5_002_000_000)
    ('7 MB', '5 GB')
    """
    return f"{size / GB:.3g} GB" if size >= GB else f"{size / 1e6:.3g} MB"


def mark_used(folder: Path) -> None:
    """Record that a folder of the cache is used now, by its modification time."""
    with suppress(OSError):  # a read-only cache
        os.utime(folder)


class Entry(NamedTuple):
    """A folder of the cache: when it was last used, in seconds since 1970, and its bytes."""

    used: float
    size: int
    folder: Path


def surplus(parent: Path, limit: float, kept: Collection[Path]) -> Iterator[Entry]:
    """The least recently used folders below `parent`, each removed after it was yielded, until the others are within
    the limit.

    Args:
        parent: the folder of the entries.
        limit: bytes.
        kept: folders that are never removed.
    """
    entries = sorted(entry for folder in parent.iterdir() if (entry := _entry(folder)) is not None)
    size = sum(entry.size for entry in entries)
    for entry in entries:
        if size <= limit:
            return
        if entry.folder not in kept:
            yield entry
            _remove(entry.folder)
            size -= entry.size


def _entry(folder: Path) -> Entry | None:
    """The entry of a folder; None for a file, for a folder being written, and for one that was just removed."""
    try:
        if folder.name.startswith(PARTIAL) or not folder.is_dir():
            return None
        return Entry(folder.stat().st_mtime, sum(file.stat().st_size for file in folder.iterdir()), folder)
    except OSError:
        return None


def _remove(folder: Path) -> None:
    """Remove a folder atomically."""
    with suppress(OSError):
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
        with suppress(OSError):  # another process was faster
            folder.rename(partial / folder.name)
        shutil.rmtree(partial, ignore_errors=True)


class ChecksummedFile(io.BufferedWriter):
    """A new file that is written from beginning to end, with the CRC-32 of each piece."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("wb", buffering=0))
        self.pieces: list[list[int]] = []  # the end of each, and its CRC-32
        self._sum = 0

    def write(self, data: Any) -> int:
        self._sum = zlib.crc32(data, self._sum)
        return super().write(data)

    def end_piece(self) -> None:
        """End a piece of the file here."""
        self.pieces.append([self.tell(), self._sum])
        self._sum = 0


def _move_into_place(partial: Path, target: Path, is_complete: Callable[[Path], bool]) -> None:
    if target.exists():  # damaged: move it away under another name
        with suppress(FileNotFoundError):  # another process was faster
            target.rename(partial / "damaged")
    try:
        partial.rename(target)
    except OSError:
        if not is_complete(target):  # unless another process wrote the same one meanwhile
            raise
    else:
        shutil.rmtree(target / "damaged", ignore_errors=True)


def _remove_forgotten(parent: Path) -> None:
    for old in parent.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            newest = max((file.stat().st_mtime for file in old.iterdir()), default=old.stat().st_mtime)
            if newest < time.time() - FORGOTTEN:
                shutil.rmtree(old, ignore_errors=True)


def _refuse(folder: Path, error: OSError) -> None:
    then = "Free some space, or set the variable ELMAN_CACHE to another folder."
    fail("data", "the cache", "be writable", f"{folder}: {error.strerror or error}", then, DataError)
