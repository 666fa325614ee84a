"""Pretrained word vectors in GloVe's text format, or word2vec's: a word and its numbers a line."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from elman.checks import fail
from elman.errors import DataError


def read_vectors(path: str | Path, wanted: Callable[[str], bool] = lambda word: True) -> dict[str, np.ndarray]:
    """The vectors (D,) of the words that are `wanted`, in the order of the file; a name that ends in .gz is unpacked.

    A first line of two numbers (word2vec's header) is passed over.

    Raises:
        DataError: there is no such file, it is not text, or a line has another number of numbers than the first.
    """
    path = Path(path)
    if not path.is_file():
        fail("vectors", "the file", "exist", repr(str(path)), "Name a file in GloVe's text format.", DataError)
    vectors: dict[str, np.ndarray] = {}
    size = 0
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
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
