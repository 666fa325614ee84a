"""Writing a directory of files atomically."""

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
    """The path, if a directory can be written there. It is checked early, before hours of work.

    Raises:
        ArgumentError: it exists and `force` is not set, or it is not a run directory.
        DataError: it cannot be written.
    """
    path = Path(path)
    try:
        taken = path.exists() and (not path.is_dir() or any(_contents(path)))
        above = next(folder for folder in path.absolute().parents if folder.exists())
    except OSError as error:
        got = f"{shown(str(path))}, {error.strerror}"
        fail("run directory", "the path", "be one that can be written", got, "Choose another --out.")
    stopped = any((path / CHECKPOINTS).glob(f"*/{MANIFEST}"))
    if taken and not force:
        then = "Choose another --out, or pass --force to replace it."
        if stopped:
            then = f"It holds a stopped training: pass --force to start again, or continue: elman train --resume {path}"
        fail("run directory", "the path", "be free", f"{str(path)!r}, which exists", then)
    if taken and not stopped and not (path / MANIFEST).is_file():
        fail("run directory", "what --force replaces", "be a run directory", repr(str(path)), "Choose another --out.")
    if os.path.ismount(path):
        then = "Name a folder in it."
        fail("run directory", "the path", "be a folder that can be replaced", f"{str(path)!r}, a mount point", then)
    if not above.is_dir():
        fail("run directory", "the path", "be in a folder", f"{str(path)!r}, under a file", "Choose another --out.")
    try:
        Path(tempfile.mkdtemp(prefix=".elman.", dir=above)).rmdir()  # tried, because os.access is not reliable
    except OSError as error:
        fail(
            "run directory", "the path", "be writable", f"{above}, {error.strerror}", "Choose another --out.", DataError
        )
    return path


def write_directory(
    path: str | Path, files: Mapping[str, bytes], force: bool = False, keep: Sequence[str] = (), held: bool = False
) -> str:
    """Write the files and their manifest; returns the manifest's digest.

    The files are written to a temporary directory beside the target, with fsync, which replaces the target at the end:
    whatever fails, and whenever the process is killed, the target is either the old or the new directory. Files of
    others in the target stay.

    Args:
        path: the target; a link is followed.
        files: contents by name.
        force: replace an existing directory.
        keep: names of our own entries to keep in the new directory, such as the checkpoints.
        held: this process has locked the target, see `claim`, so that it need not be checked.

    Raises:
        ArgumentError: the path exists, see `check_free`.
        DataError: the disk is full, or the folder cannot be written.
    """
    if not held:
        check_free(path, force)
    target = Path(os.path.realpath(path))
    manifest = manifest_of(files)
    made = [folder for folder in target.parents if not folder.exists()]
    try_to_make(target.parent, made)
    try:
        partial = Path(tempfile.mkdtemp(prefix=partial_prefix(target), suffix=".partial", dir=target.parent))
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{target.parent}: {error.strerror}", error=DataError)
    try:
        for name, content in {**files, MANIFEST: to_json(manifest)}.items():
            with (partial / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for entry in _entries_to_keep(target, keep):
            _carry_over(entry, partial / entry.name)
        partial.chmod(0o755)
        _sync(partial)
        if target.exists():
            _exchange(partial, target)  # `partial` is the old directory now, and removed below
        else:
            partial.rename(target)
        for folder in (target.parent, *(folder.parent for folder in made)):
            _sync(folder)
    except OSError as error:
        then = "Existing files are unchanged."
        fail("run directory", "the files", "be written", f"{error.strerror or error} ({path})", then, DataError)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        remove_empty(made)
    return str(manifest["digest"])


def _entries_to_keep(target: Path, keep: Sequence[str]) -> list[Path]:
    """The entries of the target that the new directory keeps: those in `keep`, and those that are not ours."""
    if not target.is_dir():
        return []
    try:
        ours = {MANIFEST, LOCK, CHECKPOINTS, *json.loads((target / MANIFEST).read_bytes())["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        ours = {MANIFEST, LOCK, CHECKPOINTS}
    return [entry for entry in target.iterdir() if entry.name in keep or entry.name not in ours]


def _carry_over(old: Path, new: Path) -> None:
    """Put the same file or folder under another name, by hard links where the system has them."""
    if new.exists():
        return  # replaced by a new one
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
    """The prefix of the names of temporary directories."""
    return f".{path.name[:100]}."


def try_to_make(folder: Path, made: Sequence[Path]) -> None:
    """Create a folder and its parents; if this fails, remove those in `made`.

    Raises:
        DataError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{folder}: {error.strerror}", error=DataError)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as far as they are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _contents(path: Path) -> Sequence[Path]:
    """The entries of a directory, less the remains of a process that was killed before its first checkpoint."""
    remains = [path / LOCK, *path.glob(f"{CHECKPOINTS}/.*.partial")]
    empty = path / CHECKPOINTS if all(entry in remains for entry in path.glob(f"{CHECKPOINTS}/*")) else None
    return [entry for entry in path.iterdir() if entry not in remains and entry != empty]


def _sync(folder: Path) -> None:
    """fsync of a folder, which writes its names to the disk; not every system supports it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(new: Path, old: Path) -> None:
    """Swap two directories: atomically where the system can, else one after the other."""
    if _swapped_atomically(new, old):
        return
    aside = new.with_suffix(".old")
    old.rename(aside)
    try:
        new.rename(old)
    except BaseException:  # not even an interrupt may leave the target empty
        aside.rename(old)
        raise
    aside.rename(new)


def _swapped_atomically(new: Path, old: Path) -> bool:
    """Swap two directories atomically, as Linux can; returns whether it did."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(new), os.fsencode(old)
    return renameat2 is not None and renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0
