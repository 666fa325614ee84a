"""Strips of handwritten digits and their words, made of the pictures in scikit-learn (Alpaydin & Kaynak 1998)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from elman.data import Table
from elman.data.layouts import Tables
from elman.errors import MissingExtraError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE, MOST = 8, 5  # pixels of a digit, digits of a strip
PICTURES, STRIPS = (1257, 180, 360), (20_000, 1_000, 2_000)  # of training, validation, test
INK = 16  # maximum value of a pixel in the data
SEED = 0


def digit_strips() -> Tables:
    """Columns `strip`, (8, 40) with ink from 0 to 255, and `words`, such as "three one four".

    A strip has 1 to 5 digits side by side, at a random position, and is blank elsewhere. Each of the 1,797 pictures is
    in strips of one split only.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    package = find_spec("sklearn")  # found, not imported: only its file of pictures is needed
    if package is None or package.origin is None:
        raise MissingExtraError("scikit-learn", "demo", "the pictures of digits")
    rows = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", np.uint8, delimiter=",")
    random = np.random.default_rng(SEED)
    shuffled = rows[random.permutation(len(rows))]
    splits = np.split(shuffled, np.cumsum(PICTURES)[:-1])
    return Tables(*(_strips(split, count, random) for split, count in zip(splits, STRIPS, strict=True)))


def _strips(rows: np.ndarray, count: int, random: np.random.Generator) -> Table:
    """`count` strips of the pictures of one split; each row is 64 pixels and the digit."""
    columns: dict[str, list[Any]] = {"strip": [], "words": []}
    for _ in range(count):
        chosen = rows[random.integers(len(rows), size=random.integers(1, MOST + 1))]
        ink = chosen[:, :-1].astype(np.float32) * 255 / INK
        digits = np.concatenate(list(ink.astype(np.uint8).reshape(-1, SIDE, SIDE)), axis=1)
        before = random.integers(MOST * SIDE - digits.shape[1] + 1)
        columns["strip"].append(np.pad(digits, ((0, 0), (before, MOST * SIDE - digits.shape[1] - before))))
        columns["words"].append(" ".join(WORDS[digit] for digit in chosen[:, -1]))
    return Table(columns, "digit_strips")
