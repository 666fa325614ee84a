"""A run directory in the hands of one process: made early, held while training, as it was where nothing came of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from elman.checks import fail
from elman.errors import ArgumentError, DataError
from elman.storage.write import CHECKPOINTS, LOCK, check_free, partial_prefix, remove_empty, try_to_make

PATIENCE = 1.0  # seconds; someone may only be looking whether a training is under way, see `is_held`


@contextmanager
def claim(path: str | Path, force: bool = False, resume: bool = False) -> Iterator[Path]:
    """Hold a run directory: no other process may train there meanwhile.

    Args:
        path: it is made if it is not there, and taken away again if nothing stands in it at the end.
        force, resume: what may stand there already, see `check_free`; to resume, anything.

    Raises:
        ArgumentError: another process holds it, or it is taken.
        DataError: it cannot be made.
    """
    path = Path(os.path.realpath(path if resume else check_free(path, force)))
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try_to_make(path, made)
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        then = "Wait for it, or choose another --out."
        fail("run directory", str(path), "be used by one process", "one that another trains in", then, ArgumentError)
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{path}: {error.strerror}", error=DataError)
    try:
        if not resume:
            check_free(path, force)  # again: another may have come and gone while this one waited
        _sweep(path)
        yield path
    finally:
        (path / LOCK).unlink(missing_ok=True)  # while it is held: whoever waits for it sees that, and asks anew
        lock.release()
        remove_empty(made)


def is_held(path: Path) -> bool:
    """Whether a process trains in this run directory now."""
    if not (path / LOCK).is_file():
        return False
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def _sweep(path: Path) -> None:
    """Remove what a killed process left of a directory that it was writing here."""
    for folder, prefix in ((path.parent, partial_prefix(path)), (path / CHECKPOINTS, ".")):
        for leftover in folder.glob(f"{prefix}*.partial"):
            with suppress(OSError):
                shutil.rmtree(leftover)
