"""Downloading public data: verified by SHA-256, kept in the cache, searched in the folder ELMAN_DATA first."""

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from elman.checks import fail
from elman.data.cache import cache_folder
from elman.errors import DataError

TIMEOUT = 30  # seconds without a response
AT_ONCE = 16  # concurrent downloads


class PublicFile(NamedTuple):
    """A public file.

    Args:
        name: "set/file", its path in the cache and in ELMAN_DATA.
        address: its URL.
        sha256: of its bytes; empty for one of many files that are verified together.
    """

    name: str
    address: str
    sha256: str = ""


def github(name: str, repository: str, commit: str, path: str, sha256: str = "") -> PublicFile:
    """A file of a public GitHub repository at one commit."""
    return PublicFile(name, f"https://raw.githubusercontent.com/{repository}/{commit}/{path}", sha256)


def fetch(file: PublicFile) -> Path:
    """The path of the file: in ELMAN_DATA, in the cache, or downloaded now.

    Raises:
        DataError: it cannot be downloaded, or its digest is wrong.
    """
    path = _on_disk(file)
    if path is not None:
        return _checked(path, file)
    content = _download(file)
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        fail("data", file.address, f"have the SHA-256 {file.sha256}", digest, "Try again later.", DataError)
    return _keep(file, content)


def fetch_together(name: str, files: Sequence[PublicFile], sha256: str) -> list[Path]:
    """The paths of many small files, as `fetch` for one.

    Args:
        name: of the set, for messages.
        files: the files.
        sha256: of their concatenated bytes.

    Raises:
        DataError: one cannot be downloaded, or the digest is wrong.
    """
    paths = [_on_disk(file) for file in files]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        contents = list(
            threads.map(lambda file, path: _download(file) if path is None else path.read_bytes(), files, paths)
        )
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    if digest.hexdigest() != sha256:
        then = f"Delete the files of {Path(files[0].name).parent} and try again."
        fail("data", name, f"have together the SHA-256 {sha256}", digest.hexdigest(), then, DataError)
    entries = zip(files, paths, contents, strict=True)
    return [_keep(file, content) if path is None else path for file, path, content in entries]


def _on_disk(file: PublicFile) -> Path | None:
    """The path of the file in ELMAN_DATA or in the cache, if it is there."""
    given = os.environ.get("ELMAN_DATA")
    folders = (Path(given), cache_folder()) if given else (cache_folder(),)
    return next((path for folder in folders if (path := folder / file.name).is_file()), None)


def _download(file: PublicFile) -> bytes:
    try:
        with urllib.request.urlopen(file.address, timeout=TIMEOUT) as response:
            content: bytes = response.read()
            return content
    except (http.client.HTTPException, OSError) as error:  # a URLError is an OSError
        fail(
            "data",
            file.name,
            "be downloaded from its public address",
            str(error),
            f"Download {file.address} yourself, save it as {file.name} in a folder, set ELMAN_DATA to that folder.",
            DataError,
        )


def _keep(file: PublicFile, content: bytes) -> Path:
    """Write the file to the cache, atomically."""
    path = cache_folder() / file.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        then = "Set the variable ELMAN_CACHE to another folder."
        fail("data", "the cache", "be writable", f"{path.parent}: {error.strerror}", then, DataError)
    return path


def _checked(path: Path, file: PublicFile) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != file.sha256:
        fail("data", str(path), f"have the SHA-256 {file.sha256}", digest, "Delete the file and try again.", DataError)
    return path
