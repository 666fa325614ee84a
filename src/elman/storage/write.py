"""A directory of files that is written whole or not at all."""

import ctypes
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from elman.checks import fail, shown
from elman.errors import DataError
from elman.storage.manifest import MANIFEST, manifest_of, to_json

LOCK = "lock"
CHECKPOINTS = "checkpoints"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux, for renameat2


def check_free(path: str | Path, force: bool) -> Path:
    """The path, if a directory may be written there: early, before hours of work.

    Raises:
        ArgumentError: something is there and `force` is not set, or it is no directory of ours.
        DataError: nothing can be written there.
    """
    path = Path(path)
    try:
        taken = path.exists() and (not path.is_dir() or any(_unless_empty(path)))
        above = next(folder for folder in path.absolute().parents if folder.exists())
    except OSError as error:
        got = f"{shown(str(path))}, {error.strerror}"
        fail("run directory", "the path", "be one that can be written", got, "Choose another --out.")
    stopped = any((path / CHECKPOINTS).glob(f"*/{MANIFEST}"))
    if taken and not force:
        then = "Choose another --out, or pass --force to replace it."
        if stopped:
            then = f"It holds a training that was stopped: elman train --resume {path}, or --force to begin anew."
        fail("run directory", "the path", "be free", f"{str(path)!r}, which exists", then)
    if taken and not stopped and not (path / MANIFEST).is_file():
        fail("run directory", "what --force replaces", "be a run directory", repr(str(path)), "Choose another --out.")
    if os.path.ismount(path):
        then = "Name a folder in it."
        fail("run directory", "the path", "be a folder that can be replaced", f"{str(path)!r}, a mount point", then)
    if not above.is_dir():
        fail("run directory", "the path", "lie in a folder", f"{str(path)!r}, under a file", "Choose another --out.")
    try:
        Path(tempfile.mkdtemp(prefix=".elman.", dir=above)).rmdir()  # tried, for os.access does not know all
    except OSError as error:
        fail(
            "run directory", "the path", "be writable", f"{above}, {error.strerror}", "Choose another --out.", DataError
        )
    return path


def write_directory(
    path: str | Path, files: Mapping[str, bytes], force: bool = False, keep: Sequence[str] = (), held: bool = False
) -> str:
    """Write the files and their manifest; give the manifest's digest.

    All is written beside the goal, to the disk itself, and takes its place at the end: whatever fails, and whenever the
    process is killed, the goal is as it was or as it should be. What others put into the goal stays in it.

    Args:
        path: the goal; where it is a link, what it points to.
        files: contents by name.
        force: replace what is there.
        keep: what of ours the new directory takes over, such as the checkpoints.
        held: this process holds the goal, see `claim`, and need not ask whether it is free.

    Raises:
        ArgumentError: the path is taken, see `check_free`.
        DataError: the disk is full, or the folder cannot be written.
    """
    if not held:
        check_free(path, force)
    goal = Path(os.path.realpath(path))
    manifest = manifest_of(files)
    made = [folder for folder in goal.parents if not folder.exists()]
    try_to_make(goal.parent, made)
    try:
        beside = Path(tempfile.mkdtemp(prefix=partial_prefix(goal), suffix=".partial", dir=goal.parent))
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{goal.parent}: {error.strerror}", error=DataError)
    try:
        for name, content in {**files, MANIFEST: to_json(manifest)}.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for entry in _stays(goal, keep):
            _carry_over(entry, beside / entry.name)
        beside.chmod(0o755)
        _to_disk(beside)
        if goal.exists():
            _exchange(beside, goal)  # what was there is beside now, and removed below
        else:
            beside.rename(goal)
        for folder in (goal.parent, *(folder.parent for folder in made)):
            _to_disk(folder)
    except OSError as error:
        then = "What was there is untouched."
        fail("run directory", "the files", "be written", f"{error.strerror or error} ({path})", then, DataError)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        remove_empty(made)
    return str(manifest["digest"])


def _stays(goal: Path, keep: Sequence[str]) -> list[Path]:
    """What of the goal the directory that takes its place must have too: what is kept, and what is not ours."""
    if not goal.is_dir():
        return []
    try:
        ours = {MANIFEST, LOCK, CHECKPOINTS, *json.loads((goal / MANIFEST).read_bytes())["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        ours = {MANIFEST, LOCK, CHECKPOINTS}
    return [entry for entry in goal.iterdir() if entry.name in keep or entry.name not in ours]


def _carry_over(old: Path, new: Path) -> None:
    """The same file or folder under another name: no byte is copied where the system has hard links."""
    if new.exists():
        return  # written anew
    if old.is_dir() and not old.is_symlink():
        shutil.copytree(old, new, symlinks=True, copy_function=_linked)
    else:
        _linked(str(old), str(new))


def _linked(old: str, new: str) -> None:
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError:
        shutil.copy2(old, new, follow_symlinks=False)


def partial_prefix(path: Path) -> str:
    """How the names begin under which a directory is written before it takes its place."""
    return f".{path.name[:100]}."


def try_to_make(folder: Path, made: Sequence[Path]) -> None:
    """Make a folder and those above it; where that fails, those that were `made` go again.

    Raises:
        DataError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{folder}: {error.strerror}", error=DataError)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as far as nothing stands in them."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _unless_empty(path: Path) -> Sequence[Path]:
    """What stands in a directory, less what a process leaves there that was killed before it had anything to keep."""
    begun = [path / LOCK, *path.glob(f"{CHECKPOINTS}/.*.partial")]
    empty = path / CHECKPOINTS if all(entry in begun for entry in path.glob(f"{CHECKPOINTS}/*")) else None
    return [entry for entry in path.iterdir() if entry not in begun and entry != empty]


def _to_disk(folder: Path) -> None:
    """Bring the names in a folder to the disk, as fsync does for a file's content; not every system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(new: Path, old: Path) -> None:
    """Swap two directories: at once where the system can, else one after the other."""
    if _swapped(new, old):
        return
    aside = new.with_suffix(".old")
    old.rename(aside)
    try:
        new.rename(old)
    except BaseException:  # an interrupt, too, must not leave the goal empty
        aside.rename(old)
        raise
    aside.rename(new)


def _swapped(new: Path, old: Path) -> bool:
    """Whether two directories could be swapped at once, as Linux can: no moment has neither."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(new), os.fsencode(old)
    return renameat2 is not None and renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0
