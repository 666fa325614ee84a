"""Exclusive use of a run directory by one process: created early, locked while training, restored if unused."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from elman.checks import fail
from elman.errors import ArgumentError, DataError
from elman.storage.write import CHECKPOINTS, LOCK, check_free, partial_prefix, remove_empty, try_to_make

PATIENCE = 1.0  # seconds; another process may be checking the lock for a moment, see `is_held`


@contextmanager
def claim(path: str | Path, force: bool = False, resume: bool = False) -> Iterator[Path]:
    """Lock a run directory, so that no other process can train there.

    Args:
        path: it is created if it does not exist, and removed again if it is empty at the end.
        force, resume: what it may contain already, see `check_free`; to resume, anything.

    Raises:
        ArgumentError: another process uses it, or it exists already.
        DataError: it cannot be created.
    """
    path = Path(os.path.realpath(path if resume else check_free(path, force)))
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try_to_make(path, made)
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        then = "Wait for it, or choose another --out."
        fail(
            "run directory", str(path), "be used by one process", "one in use by another training", then, ArgumentError
        )
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{path}: {error.strerror}", error=DataError)
    try:
        if not resume:
            check_free(path, force)  # again: another process may have used it in the meantime
        _sweep(path)
        yield path
    finally:
        (path / LOCK).unlink(missing_ok=True)  # while it is held: a waiting process notices this and tries again
        lock.release()
        remove_empty(made)


def is_held(path: Path) -> bool:
    """Whether a process is training in this run directory."""
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
    """Remove partial directories that a killed process left here."""
    for folder, prefix in ((path.parent, partial_prefix(path)), (path / CHECKPOINTS, ".")):
        for leftover in folder.glob(f"{prefix}*.partial"):
            with suppress(OSError):
                shutil.rmtree(leftover)
