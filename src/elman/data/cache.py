"""The folder in which data is kept between runs: ELMAN_CACHE, ~/.cache/elman by default. It may be deleted at any time.

What is written there appears whole or not at all, by a rename, and what is found damaged when it is read is made anew.
JSON files are checked by a SHA-256; `rows.arrow`, which may be many gigabytes, by a CRC-32 of each piece when it is
first read. Two processes that make the same thing do not disturb each other: the first rename is kept.
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
FORGOTTEN = 24 * 3600  # seconds after which what an unfinished run left is removed
GB = 1e9
MOST_GB = 50.0


def cache_folder() -> Path:
    """Where it is."""
    return Path(os.environ.get("ELMAN_CACHE") or Path.home() / ".cache" / "elman")


def key_of(value: Any) -> str:
    """A name for a JSON value: the same for the same value only."""
    return hashlib.sha256(to_json({"value": value})).hexdigest()[:40]


def write_checked(path: Path, value: Any) -> None:
    """A JSON value as a file that `read_checked` trusts.

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
    """The value of a file, None where there is none or it is not what was written."""
    try:
        document = json.loads(path.read_bytes())
        whole = document["sha256"] == hashlib.sha256(to_json({"value": document["value"]})).hexdigest()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return document["value"] if whole else None


def make_folder(parent: Path, make: Callable[[Path], str], stands: Callable[[Path], bool]) -> Path:
    """A folder below `parent`, written whole.

    Args:
        parent: where it comes to stand.
        make: fills the folder that it is given, and gives its name.
        stands: whether a folder of that name is whole; where it is, it is kept, and the new one is not.

    Raises:
        DataError: it cannot be written, as on a full disk.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_forgotten(parent)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=parent))
        try:
            goal = parent / make(partial)
            if not stands(goal):
                _take_place(partial, goal, stands)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        _refuse(parent, error)
    return goal


def cache_limit() -> float:
    """Bytes that the folders of the cache may have together: ELMAN_CACHE_GB, 50 GB by default; it may be "inf".

    Raises:
        DataError: it is no number, or below 0.
    """
    given = os.environ.get("ELMAN_CACHE_GB") or str(MOST_GB)
    try:
        limit = float(given) * GB
    except ValueError:
        limit = -1
    if not limit >= 0:
        must = "be a number of GB from 0 on, or inf"
        fail("ELMAN_CACHE_GB", "the limit of the cache", must, shown(given), error=DataError)
    return limit


def shown_size(size: int) -> str:
    """Bytes for a person.

    >>> shown_size(7_000_000), shown_size(5_002_000_000)
    ('7 MB', '5 GB')
    """
    return f"{size / GB:.3g} GB" if size >= GB else f"{size / 1e6:.3g} MB"


def mark_used(folder: Path) -> None:
    """Remember that a folder of the cache is used now, by its time of change."""
    with suppress(OSError):  # a cache that can only be read
        os.utime(folder)


class Entry(NamedTuple):
    """A folder of the cache: the seconds since 1970 at which it was last used, and its bytes."""

    used: float
    size: int
    folder: Path


def surplus(parent: Path, limit: float, kept: Collection[Path]) -> Iterator[Entry]:
    """The folders below `parent` that were not used for longest, each removed after it was given, until all are within
    the limit.

    Args:
        parent: where they stand.
        limit: bytes.
        kept: those that stay.
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
    """A folder as it stands; None for a file, for what is being written, and for what another process just removed."""
    try:
        if folder.name.startswith(PARTIAL) or not folder.is_dir():
            return None
        return Entry(folder.stat().st_mtime, sum(file.stat().st_size for file in folder.iterdir()), folder)
    except OSError:
        return None


def _remove(folder: Path) -> None:
    """Remove a folder; under its own name it is whole, or gone."""
    with suppress(OSError):
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
        with suppress(OSError):  # another process was faster
            folder.rename(partial / folder.name)
        shutil.rmtree(partial, ignore_errors=True)


class Summed(io.BufferedWriter):
    """A new file that is written from front to end, and the CRC-32 of each piece of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("wb", buffering=0))
        self.pieces: list[list[int]] = []  # the end of each, and its CRC-32
        self._sum = 0

    def write(self, data: Any) -> int:
        self._sum = zlib.crc32(data, self._sum)
        return super().write(data)

    def end_piece(self) -> None:
        """A piece of the file ends here."""
        self.pieces.append([self.tell(), self._sum])
        self._sum = 0


def _take_place(partial: Path, goal: Path, stands: Callable[[Path], bool]) -> None:
    if goal.exists():  # damaged: out of the way, under a name of its own
        with suppress(FileNotFoundError):  # another process was faster
            goal.rename(partial / "damaged")
    try:
        partial.rename(goal)
    except OSError:
        if not stands(goal):  # unless another process made the same one meanwhile
            raise
    else:
        shutil.rmtree(goal / "damaged", ignore_errors=True)


def _remove_forgotten(parent: Path) -> None:
    for old in parent.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            newest = max((file.stat().st_mtime for file in old.iterdir()), default=old.stat().st_mtime)
            if newest < time.time() - FORGOTTEN:
                shutil.rmtree(old, ignore_errors=True)


def _refuse(folder: Path, error: OSError) -> None:
    then = "Make room, or name another folder in the variable ELMAN_CACHE."
    fail("data", "the cache", "be writable", f"{folder}: {error.strerror or error}", then, DataError)
