"""A directory of files that is written whole or not at all, and checked at every load.

`manifest.json` names each file with its size and SHA-256, and carries a digest of itself.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from elman.checks import fail, shown
from elman.errors import DataError, IntegrityError
from elman.types import Json

FORMAT = 1
MANIFEST = "manifest.json"
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def to_json(value: Json) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def check_free(path: str | Path, force: bool) -> Path:
    """The path, if a directory may be written there: early, before hours of work.

    Raises:
        ArgumentError: something is there and `force` is not set, or it is no directory of ours.
        DataError: nothing can be written there.
    """
    path = Path(path)
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
        above = next(folder for folder in path.absolute().parents if folder.exists())
    except OSError as error:
        got = f"{shown(str(path))}, {error.strerror}"
        fail("run directory", "the path", "be one that can be written", got, "Choose another --out.")
    if taken and not force:
        fail(
            "run directory",
            "the path",
            "be free",
            f"{str(path)!r}, which exists",
            "Choose another --out, or pass --force to replace it.",
        )
    if taken and not (path / MANIFEST).is_file():
        fail("run directory", "what --force replaces", "be a run directory", repr(str(path)), "Choose another --out.")
    if not above.is_dir():
        fail("run directory", "the path", "lie in a folder", f"{str(path)!r}, under a file", "Choose another --out.")
    try:
        Path(tempfile.mkdtemp(prefix=".elman.", dir=above)).rmdir()  # tried, for os.access does not know all
    except OSError as error:
        fail(
            "run directory", "the path", "be writable", f"{above}, {error.strerror}", "Choose another --out.", DataError
        )
    return path


def write_directory(path: str | Path, files: Mapping[str, bytes], force: bool = False) -> str:
    """Write the files and their manifest; give the manifest's digest.

    All is written beside the goal and renamed at the end: whatever fails, the goal is as it was.

    Raises:
        ArgumentError: the path is taken, see `check_free`.
        DataError: the disk is full, or the folder cannot be written.
    """
    path = check_free(path, force)
    listed = {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in files.items()}
    manifest = _with_digest({"format": FORMAT, "elman": version("elman"), "files": listed})
    made = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".elman.", suffix=".partial", dir=path.parent))
    except OSError as error:
        _remove_empty(made)
        fail("run directory", "the folder", "be writable", f"{path.parent}: {error.strerror}", error=DataError)
    try:
        for name, content in {**files, MANIFEST: to_json(manifest)}.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        beside.chmod(0o755)
        if path.exists():
            old = beside.with_suffix(".old")
            path.rename(old)
            try:
                beside.rename(path)
            except BaseException:  # an interrupt, too, must not leave the goal empty
                old.rename(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            beside.rename(path)
    except OSError as error:
        fail(
            "run directory",
            "the files",
            "be written",
            f"{error.strerror} ({path})",
            "What was there is untouched.",
            DataError,
        )
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        _remove_empty(made)
    return str(manifest["digest"])


def read_directory(path: str | Path, wanted: Sequence[str] = ()) -> tuple[dict[str, bytes], str]:
    """The files of a directory, each checked against the manifest, and the manifest's digest.

    `wanted` names files that must be among them.

    Raises:
        DataError: there is no such directory.
        IntegrityError: a file is missing, changed or cut, or the manifest is.
    """
    path = Path(path)
    if not os.path.isfile(path / MANIFEST):  # os.path: false, not an error, for a name that is too long
        what = "a folder without manifest.json" if os.path.isdir(path) else "no folder"
        fail(
            "model",
            str(path),
            "be a run directory",
            what,
            "Name what `elman train` wrote, such as runs/reviews.",
            DataError,
        )
    manifest = _read_manifest(path)
    for name in wanted:
        if name not in manifest["files"]:
            inner = next((found.parent for found in sorted(path.glob(f"*/{MANIFEST}"), reverse=True)), None)
            then = f"Did you mean {inner}?" if inner else "Name what `elman train` wrote."
            fail("model", str(path), "be a model's run directory", f"one without {name}", then, DataError)
    files = {}
    for name, expected in manifest["files"].items():
        file = path / name
        if file.is_symlink() or not file.is_file():
            _refuse(path, name, "be there", "no such file")
        size = file.stat().st_size
        if size != expected["bytes"]:  # before a byte of it is read
            _refuse(path, name, f"have {expected['bytes']} bytes", str(size))
        content = file.read_bytes()
        if _sha256(content) != expected["sha256"]:
            _refuse(path, name, f"have the SHA-256 {expected['sha256']}", _sha256(content))
        files[name] = content
    return files, str(manifest["digest"])


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, the innermost first, as far as nothing stands in them."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _read_manifest(path: Path) -> Json:
    raw = (path / MANIFEST).read_bytes()
    try:
        manifest = json.loads(raw)
        whole = to_json(manifest) == raw and _with_digest(manifest) == manifest
    except (ValueError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        _refuse(path, MANIFEST, "agree with its digest", "a changed or cut file")
    if manifest.get("format") != FORMAT:
        _refuse(path, MANIFEST, f"have format {FORMAT}", str(manifest.get("format")))
    for name, entry in manifest["files"].items():
        if not SAFE_NAME.fullmatch(name):
            _refuse(path, MANIFEST, "name files in its own folder", shown(name))
        if not isinstance(entry, dict) or set(entry) != {"bytes", "sha256"}:
            _refuse(path, MANIFEST, f"give the bytes and the SHA-256 of {name}", shown(entry))
    return dict(manifest)


def _with_digest(manifest: Json) -> Json:
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return body | {"digest": _sha256(to_json(body))}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refuse(path: Path, name: str, must: str, got: str) -> NoReturn:
    fail(str(path), name, must, got, "Take the directory from a copy, or train again.", IntegrityError)
