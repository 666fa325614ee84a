"""The files of a source: one path, a pattern or several, side by side or not, compressed or not, and their bytes."""

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
BESIDE = "+"  # between files of which each line belongs to the same line of the others
EXPANDS = 4  # what a compressed file is taken to hold, in sizes of its own, as texts do


class _Zstd(io.RawIOBase):
    """Python has no reader of its own for this before 3.14."""

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


DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)  # what reading a damaged archive raises


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """While a file is read: where that fails, say which file it was, and why.

    Raises:
        DataError: it cannot be read to its end.
    """
    try:
        yield
    except (OSError, *DAMAGED) as error:
        what = "it ends too soon" if isinstance(error, EOFError) else getattr(error, "strerror", None) or str(error)
        then = "It is damaged: copy or compress it again." if isinstance(error, DAMAGED) else "Check the path."
        fail("data", "the source", "be readable", f"{shown(str(path))}, {what}", then, DataError)


class File(NamedTuple):
    """One file (or folder) of a source, or several that are read side by side, line by line.

    Args:
        path: where it is.
        name: what messages call it: its name, or its path where another file of the source has the same name.
        beside: the files whose lines belong to its lines.
    """

    path: Path
    name: str
    beside: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its path, and those of the files beside it."""
        return self.path, *self.beside

    @property
    def abreast(self) -> list["File"]:
        """Each of the files that are read side by side, alone."""
        return [File(path, path.name) for path in self.paths]

    @property
    def packing(self) -> str:
        """The ending that says how it is compressed; empty where it is not."""
        ending = self.path.suffix.lower()
        return ending if ending in PACKED and not self.path.is_dir() else ""

    @property
    def kind(self) -> str:
        """The ending that says what it holds, or FOLDER, or PARALLEL."""
        if self.beside:
            return PARALLEL
        if self.path.is_dir():
            return FOLDER
        return self.unpacked.suffix.lower()

    @property
    def unpacked(self) -> Path:
        """Its name without the ending that says how it is compressed."""
        return Path(self.path.stem if self.packing else self.path.name)

    @property
    def size(self) -> int:
        """Its bytes, unpacked about."""
        return sum(file.path.stat().st_size * (EXPANDS if file.packing else 1) for file in self.abreast)

    @contextmanager
    def open(self, digest: "Digest | None" = None, again: bool = False) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked; `digest` is given those that stand on the disk.

        What a digest is taken of may be larger than memory. If it is not read `again`, the system is told to forget
        what was read of it, which leaves its memory to what is written meanwhile.
        """
        with _Digested(self.path, digest, forgets=not again) as raw:
            if not self.packing:
                yield raw
                return
            with PACKED[self.packing](raw) as unpacked:  # which does not close what it reads from
                yield unpacked


class Digest:
    """A SHA-256 that a thread takes while the bytes are in use elsewhere."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """Take in these bytes, which come after those before."""
        if self._last is not None:
            self._last.result()  # no more than one piece waits
        self._last = self._thread.submit(self._hash.update, data)

    def hexdigest(self) -> str:
        """The SHA-256 of all of them."""
        self._thread.shutdown()
        return self._hash.hexdigest()


class _Digested(io.FileIO):
    """A file that shows what is read of it to a digest, see `File.open`."""

    def __init__(self, path: Path, digest: Digest | None, forgets: bool) -> None:
        super().__init__(path)
        self.digest = digest
        self.forgets = forgets and hasattr(os, "posix_fadvise")

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        if self.digest is not None:
            self.digest.update(data)
            if self.forgets:
                with suppress(OSError):  # advice, which a system may refuse
                    os.posix_fadvise(self.fileno(), self.tell() - len(data), len(data), os.POSIX_FADV_DONTNEED)
        return data


class Walk(threading.local, Generic[T]):
    """The n-th of what an iterator gives, without keeping it: forward from where it stands, else from the beginning.

    Each thread walks by itself, for one that reads and one that parses ask for the places of different rows.
    """

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self.begin = begin
        self.items, self.position = begin(), 0

    def __call__(self, number: int) -> T:
        if number < self.position:
            self.items, self.position = self.begin(), 0
        found = next(islice(self.items, number - self.position, None))
        self.position = number + 1
        return found


def find_files(source: Paths) -> list[File]:
    """The files that a path, a pattern such as "logs/*.csv" or several of them name, those of a pattern by name.

    A path such as "train.en+train.fr" names files of which line n belongs to line n.

    Raises:
        DataError: one does not exist, or none fits a pattern.
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


def names_files(text: str) -> bool:
    """Whether a text is the path of files that exist, alone or side by side, or a pattern.

    >>> names_files("I loved it"), names_files("logs/*.csv")
    (False, True)
    """
    beside = text.split(BESIDE)
    return os.path.exists(text) or glob.has_magic(text) or (len(beside) > 1 and all(map(os.path.exists, beside)))


def seen_from(folder: Path, source: str) -> str:
    """A path or pattern that starts from a folder, as it is from the current one; itself where nothing is there."""
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
    """What messages call all of them."""
    return files[0].name + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def run_name(source: str) -> str:
    """The name of a source without its endings, of a pattern that of its folder: what its run directory is called.

    >>> run_name("data/reviews.csv.gz"), run_name("logs/*.csv"), run_name("*.csv"), run_name("train.en+train.fr")
    ('reviews', 'logs', 'run', 'train')
    """
    path = Path(source if os.path.exists(source) else source.split(BESIDE)[0])
    while path.name and glob.has_magic(path.name):
        path = path.parent
    path = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return path.stem or "run"


def _found(source: str) -> list[tuple[Path, ...]]:
    """What a path or pattern names: files that stand alone, or those that are read side by side."""
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
