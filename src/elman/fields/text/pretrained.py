"""Pretrained word vectors in GloVe's text format, or in word2vec's text or binary one."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from elman.checks import fail
from elman.errors import ConfigError, DataError

BLOCK = 1 << 20  # bytes of a binary file that are read together
LONGEST_WORD = 10_000  # bytes; a longer one is no word


def read_vectors(path: str | Path, wanted: Callable[[str], bool] = lambda word: True) -> dict[str, np.ndarray]:
    """The vectors (D,) of the words that are `wanted`, in the order of the file.

    A name that ends in .bin has word2vec's binary format: a line with the number of words and D, then each word, a
    space, and D float32 numbers, little endian. Another is text, a word and its numbers a line, and a first line of two
    numbers (word2vec's header) is passed over. A further ending .gz is unpacked.

    Raises:
        DataError: there is no such file, it is in neither format, or a line has another number of numbers than the
            first.
    """
    path = Path(path)
    packed = path.suffix == ".gz"
    if not path.is_file():
        then = "Name a file in GloVe's text format or word2vec's binary one."
        fail("vectors", "the file", "exist", repr(str(path)), then, DataError)
    if (path.with_suffix("") if packed else path).suffix == ".bin":
        return _read_binary(path, packed, wanted)
    vectors: dict[str, np.ndarray] = {}
    size = 0
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                # Once the size is known, from the right: some words of GloVe 840B hold a space.
                word, *numbers = line.rstrip().rsplit(" ", size) if size else line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1:
                    continue
                size = size or len(numbers)
                if len(numbers) != size:
                    raise ValueError(f"{len(numbers)} numbers after the word, not {size}")
                if wanted(word):
                    vectors[word] = np.array(numbers, dtype=np.float32)
        except (ValueError, OSError, EOFError) as error:
            fail(
                f"{path}:{number}" if size else str(path),
                "a line",
                "hold a word and its numbers",
                str(error),
                "Name a file in GloVe's text format.",
                DataError,
            )
    return vectors


def pretrained(
    column: str, path: str, tokens: Sequence[str], everything: bool, size: int | None
) -> tuple[dict[str, np.ndarray], int]:
    """The vectors that a column's words start from, and how many numbers each has.

    Args:
        column: for messages.
        path: of the file.
        tokens: the words of the training split.
        everything: take the file's other words too.
        size: numbers that a vector must have; None: what the file has.

    Raises:
        DataError: as `read_vectors`, or the file has none of the words.
        ConfigError: its vectors have another size.
    """
    where, known = f"column {column!r}", set(tokens)
    vectors = read_vectors(path, bool if everything else known.__contains__)
    if not vectors:
        then = "Check the file and `lowercase`."
        fail(where, "vectors", "hold words of the training split", "none in common", then, DataError)
    found = len(next(iter(vectors.values())))
    if size not in (None, found):
        must = f"be {found}, as the vectors have it, or left out"
        fail(where, "embedding", must, str(size), error=ConfigError)
    return vectors, found


def _read_binary(path: Path, packed: bool, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    vectors: dict[str, np.ndarray] = {}
    read = 0
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        try:
            for word, numbers in _binary_rows(file):  # type: ignore[arg-type]
                read += 1
                if wanted(word):
                    vectors[word] = numbers.astype(np.float32)  # a copy: the block is let go
        except (ValueError, OSError, EOFError) as error:
            place = f"word {read + 1} of {path}" if read else str(path)
            must = 'begin with "V D" and hold V words with D float32 numbers each'
            fail(place, "a binary file of vectors", must, str(error), "Take the file from its source anew.", DataError)
    return vectors


def _binary_rows(file: BinaryIO) -> Iterator[tuple[str, np.ndarray]]:
    """Each word and its numbers (D,), from a block that is filled up when it runs out."""
    header = file.readline(100).split()
    if len(header) != 2:
        raise ValueError("another first line")
    count, size = int(header[0]), int(header[1])
    if count < 1 or not 1 <= size < BLOCK:
        raise ValueError(f"{count} words of {size} numbers")
    block, at = b"", 0
    for _ in range(count):
        if len(block) - at < LONGEST_WORD + 4 * size:
            block, at = block[at:] + file.read(BLOCK + 4 * size), 0
        space = block.find(b" ", at)
        begin, end = space + 1, space + 1 + 4 * size
        if space < 0 or end > len(block):
            raise ValueError("a file that ends too early")
        # Some writers end each vector by a line break. A word that is no UTF-8 is kept as far as it is.
        yield block[at:space].lstrip(b"\n").decode(errors="replace"), np.frombuffer(block, "<f4", size, begin)
        at = end
