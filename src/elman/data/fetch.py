"""Data by its public address: checked by SHA-256, kept in a cache, looked for in the folder ELMAN_DATA first."""

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path
from typing import NamedTuple

from elman.checks import fail
from elman.data.cache import cache_folder
from elman.errors import DataError

TIMEOUT = 30  # seconds without an answer


class Source(NamedTuple):
    """A public file.

    Args:
        name: "set/file", its place in the cache and in ELMAN_DATA.
        address: where it can be fetched.
        sha256: of its bytes.
    """

    name: str
    address: str
    sha256: str


def github(name: str, repository: str, commit: str, path: str, sha256: str) -> Source:
    """A file of a public GitHub repository at one commit."""
    return Source(name, f"https://raw.githubusercontent.com/{repository}/{commit}/{path}", sha256)


def fetch(source: Source) -> Path:
    """The file on disk: from ELMAN_DATA, from the cache, or fetched now.

    Raises:
        DataError: it cannot be fetched, or its bytes are not the ones that were published.
    """
    cache = cache_folder()
    given = os.environ.get("ELMAN_DATA")
    for folder in (Path(given), cache) if given else (cache,):
        path = folder / source.name
        if path.is_file():
            return _checked(path, source)
    try:
        with urllib.request.urlopen(source.address, timeout=TIMEOUT) as answer:
            content = answer.read()
    except (http.client.HTTPException, OSError) as error:  # a URLError is an OSError
        fail(
            "data",
            source.name,
            "be fetched from its public address",
            str(error),
            f"Fetch {source.address} yourself, save it as {source.name} in a folder, set ELMAN_DATA to that folder.",
            DataError,
        )
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        fail("data", source.address, f"have the SHA-256 {source.sha256}", found, "Try again later.", DataError)
    path = cache / source.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        then = "Name another folder in the variable ELMAN_CACHE."
        fail("data", "the cache", "be writable", f"{path.parent}: {error.strerror}", then, DataError)
    return path


def _checked(path: Path, source: Source) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        fail("data", str(path), f"have the SHA-256 {source.sha256}", found, "Delete the file and try again.", DataError)
    return path
