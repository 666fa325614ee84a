"""Data by its public address: checked by SHA-256, kept in a cache, looked for in the folder ELMAN_DATA first."""

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

TIMEOUT = 30  # seconds without an answer
AT_ONCE = 16  # files that are asked for together


class Source(NamedTuple):
    """A public file.

    Args:
        name: "set/file", its place in the cache and in ELMAN_DATA.
        address: where it can be fetched.
        sha256: of its bytes; empty for one of many files that are checked together.
    """

    name: str
    address: str
    sha256: str = ""


def github(name: str, repository: str, commit: str, path: str, sha256: str = "") -> Source:
    """A file of a public GitHub repository at one commit."""
    return Source(name, f"https://raw.githubusercontent.com/{repository}/{commit}/{path}", sha256)


def fetch(source: Source) -> Path:
    """The file on disk: from ELMAN_DATA, from the cache, or fetched now.

    Raises:
        DataError: it cannot be fetched, or its bytes are not the ones that were published.
    """
    path = _on_disk(source)
    if path is not None:
        return _checked(path, source)
    content = _asked_for(source)
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        fail("data", source.address, f"have the SHA-256 {source.sha256}", found, "Try again later.", DataError)
    return _kept(source, content)


def fetch_together(name: str, sources: Sequence[Source], sha256: str) -> list[Path]:
    """Many small files on disk, as `fetch` gives one.

    Args:
        name: what messages call them.
        sources: the files.
        sha256: of the bytes of all of them, one after the other.

    Raises:
        DataError: one cannot be fetched, or the bytes are not the ones that were published.
    """
    paths = [_on_disk(source) for source in sources]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        contents = list(
            threads.map(lambda s, path: _asked_for(s) if path is None else path.read_bytes(), sources, paths)
        )
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    if digest.hexdigest() != sha256:
        then = f"Delete the files of {Path(sources[0].name).parent} and try again."
        fail("data", name, f"have together the SHA-256 {sha256}", digest.hexdigest(), then, DataError)
    found = zip(sources, paths, contents, strict=True)
    return [_kept(source, content) if path is None else path for source, path, content in found]


def _on_disk(source: Source) -> Path | None:
    """Where the file is, in ELMAN_DATA or in the cache."""
    given = os.environ.get("ELMAN_DATA")
    folders = (Path(given), cache_folder()) if given else (cache_folder(),)
    return next((path for folder in folders if (path := folder / source.name).is_file()), None)


def _asked_for(source: Source) -> bytes:
    """The bytes that stand at its address."""
    try:
        with urllib.request.urlopen(source.address, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content
    except (http.client.HTTPException, OSError) as error:  # a URLError is an OSError
        fail(
            "data",
            source.name,
            "be fetched from its public address",
            str(error),
            f"Fetch {source.address} yourself, save it as {source.name} in a folder, set ELMAN_DATA to that folder.",
            DataError,
        )


def _kept(source: Source, content: bytes) -> Path:
    """The file in the cache, which appears whole or not at all."""
    path = cache_folder() / source.name
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
