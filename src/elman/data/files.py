"""The files of a source, named by paths and patterns, parallel or not, compressed or not; and their bytes."""

import bz2
import glob
import gzip
import hashlib
import io
import lzma
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, Generic, NamedTuple, TypeVar

import pyarrow as pa

from elman.checks import fail, shown
from elman.errors import DataError

Paths = str | Path | Sequence[str | Path]
T = TypeVar("T")

FOLDER, PARALLEL = "folder", "parallel"
BESIDE = "+"  # between parallel files: line n of each belongs together
EXPANDS = 4  # assumed ratio of uncompressed to compressed size, typical of texts


class _Zstd(io.RawIOBase):
    """A zstd reader, which Python's library has only from 3.14 on."""

    def __init__(self, file: IO[bytes]) -> None:
        self.stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self.stream.readinto(buffer))


def _zstd(file: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_Zstd(file), 1 << 20)


PACKED: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _zstd}
COMPRESSED = ", ".join(PACKED)


DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)  # errors of reading a damaged archive


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Convert errors of reading a file to a DataError that names the file and the reason.

    Raises:
        DataError: the file cannot be read to its end.
    """
    try:
        yield
    except (OSError, *DAMAGED) as error:
        what = "it is truncated" if isinstance(error, EOFError) else getattr(error, "strerror", None) or str(error)
        then = "It is damaged: copy or compress it again." if isinstance(error, DAMAGED) else "Check the path."
        fail("data", "the source", "be readable", f"{shown(str(path))}, {what}", then, DataError)


class File(NamedTuple):
    """One file (or folder) of a source, or several parallel files, which are read line by line.

    Args:
        path: its path.
        name: its name in messages: its path if another file of the source has the same name.
        beside: the parallel files.
    """

    path: Path
    name: str
    beside: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its path, and those of the parallel files."""
        return self.path, *self.beside

    @property
    def abreast(self) -> list["File"]:
        """Each of the parallel files as a file of its own."""
        return [File(path, path.name) for path in self.paths]

    @property
    def packing(self) -> str:
        """The suffix of the compression; empty if it is not compressed."""
        ending = self.path.suffix.lower()
        return ending if ending in PACKED and not self.path.is_dir() else ""

    @property
    def kind(self) -> str:
        """The suffix of the format, or FOLDER, or PARALLEL."""
        if self.beside:
            return PARALLEL
        if self.path.is_dir():
            return FOLDER
        return self.unpacked.suffix.lower()

    @property
    def unpacked(self) -> Path:
        """Its name without the suffix of the compression."""
        return Path(self.path.stem if self.packing else self.path.name)

    @property
    def size(self) -> int:
        """Its approximate size in bytes, uncompressed."""
        return sum(file.path.stat().st_size * (EXPANDS if file.packing else 1) for file in self.abreast)

    @contextmanager
    def open(self, digest: "Digest | None" = None, again: bool = False) -> Iterator[IO[bytes]]:
        """Its bytes, uncompressed; `digest` gets the bytes on disk.

        With a digest the file may be larger than memory. Unless it will be read `again`, the system is advised to drop
        the pages that were read, which frees memory for what is written meanwhile.
        """
        with _Digested(self.path, digest, forgets=not again) as raw:
            if not self.packing:
                yield raw
                return
            with PACKED[self.packing](raw) as unpacked:  # which does not close `raw`
                yield unpacked


class Digest:
    """A SHA-256 that is computed in a thread while the bytes are used elsewhere."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        if self._last is not None:
            self._last.result()  # at most one piece waits
        self._last = self._thread.submit(self._hash.update, data)

    def hexdigest(self) -> str:
        """The SHA-256 of all bytes."""
        self._thread.shutdown()
        return self._hash.hexdigest()


class _Digested(io.FileIO):
    """A file that passes the bytes read to a digest, see `File.open`."""

    def __init__(self, path: Path, digest: Digest | None, forgets: bool) -> None:
        super().__init__(path)
        self.digest = digest
        self.forgets = forgets and hasattr(os, "posix_fadvise")

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        if self.digest is not None:
            self.digest.update(data)
            if self.forgets:
                with suppress(OSError):  # advice, which the system may reject
                    os.posix_fadvise(self.fileno(), self.tell() - len(data), len(data), os.POSIX_FADV_DONTNEED)
        return data


class Cursor(threading.local, Generic[T]):
    """The n-th item of an iterator, without storing items: forward from the current position, else from the beginning.

    Each thread has its own position, because the one that reads and the one that parses locate different rows.
    """

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self.begin = begin
        self.items, self.position = begin(), 0

    def __call__(self, number: int) -> T:
        if number < self.position:
            self.items, self.position = self.begin(), 0
        item = next(islice(self.items, number - self.position, None))
        self.position = number + 1
        return item


def find_files(source: Paths) -> list[File]:
    """The files of a path, a pattern such as "logs/*.csv" or several of these; those of a pattern sorted by name.

    A path such as "train.en+train.fr" names parallel files.

    Raises:
        DataError: a file does not exist, or none matches a pattern.
    """
    several = [source] if isinstance(source, (str, Path)) else list(source)
    found = [paths for one in several for paths in _found(str(one))]
    if not found:
        fail("data", "the source", "name a file or a folder", "none", "Name one.", DataError)
    names = [BESIDE.join(path.name for path in paths) for paths in found]
    return [
        File(paths[0], name if names.count(name) == 1 else BESIDE.join(map(str, paths)), paths[1:])
        for name, paths in zip(names, found, strict=True)
    ]


def is_path(text: str) -> bool:
    """Whether a text is the path of an existing file, of existing parallel files, or a pattern.

    >>> is_path("I loved it"), is_path("logs/*.csv")
    (False, True)
    """
    beside = text.split(BESIDE)
    return os.path.exists(text) or glob.has_magic(text) or (len(beside) > 1 and all(map(os.path.exists, beside)))


def seen_from(folder: Path, source: str) -> str:
    """A path or pattern relative to a folder, from the current one; unchanged if no file is there."""
    if os.path.exists(folder / source):
        return str(folder / source)
    pattern = glob.has_magic(source)
    begin = Path(glob.escape(str(folder))) if pattern else folder
    found = BESIDE.join(str(begin / one) for one in ([source] if pattern else source.split(BESIDE)))
    try:
        _found(found)
    except DataError:
        return source
    return found


def source_name(files: Sequence[File]) -> str:
    """The name of all of them in messages."""
    return files[0].name + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def run_name(source: str) -> str:
    """The default name of a run directory: the name of the source without suffixes, of a pattern that of its folder.

    >>> run_name("data/reviews.csv.gz"), run_name("logs/*.csv"), run_name("*.csv"), run_name("train.en+train.fr")
    ('reviews', 'logs', 'run', 'train')
    """
    path = Path(source if os.path.exists(source) else source.split(BESIDE)[0])
    while path.name and glob.has_magic(path.name):
        path = path.parent
    path = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return path.stem or "run"


def _found(source: str) -> list[tuple[Path, ...]]:
    """The files of a path or pattern, each with its parallel files."""
    named = source.split(BESIDE)
    if len(named) == 1 or not all(named) or os.path.exists(source) or glob.has_magic(source):
        return [(path,) for path in _matching(source)]
    return [tuple(path for one in named for path in _matching(one))]


def _matching(source: str) -> list[Path]:
    path = Path(source)
    try:
        if path.exists():
            return [path]
    except OSError as error:
        fail("data", "the source", "be readable", f"{shown(source)}, {error.strerror}", "Check the path.", DataError)
    found = sorted(glob.glob(source, recursive=True)) if glob.has_magic(source) else []
    if not found:
        near = sorted(p.name for p in path.parent.glob(f"{glob.escape(path.stem[:3])}*"))[:3]
        then = f"Did you mean {', '.join(near)}?" if near else "Check the path."
        fail("data", "the source", "exist", shown(source), then, DataError)
    return [Path(one) for one in found]
