"""The folder in which data is kept between runs: ELMAN_CACHE, ~/.cache/elman by default. It may be deleted at any time.

What is written there appears whole or not at all, by a rename, and what is found damaged when it is read is made anew.
JSON files are checked by a SHA-256; `rows.arrow`, which may be many gigabytes, by its size and Arrow's footer only, so
that a byte changed inside it is not noticed. Two processes that make the same thing do not disturb each other: the
first rename is kept.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from elman.checks import fail
from elman.directory import to_json
from elman.errors import DataError

PARTIAL = ".partial-"
FORGOTTEN = 24 * 3600  # seconds after which what an unfinished run left is removed


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
    then = f"Make room, delete {cache_folder()}, or name another folder in the variable ELMAN_CACHE."
    fail("data", "the cache", "be writable", f"{folder}: {error.strerror or error}", then, DataError)
