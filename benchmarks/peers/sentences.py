"""Data of a plain training loop: reading the file, words to ids, rows to padded batches."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.task import Array

PAD, UNKNOWN = 0, 1
LEAST = 2  # a word that occurs only once is unknown, as in elman


def read(path: Path) -> tuple[list[Array], Array, int]:
    """Ids of each row, labels 0 or 1, and the size of the vocabulary, of a file with the columns text and label."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    words = [row["text"].lower().split() for row in rows]
    counted = Counter(word for sentence in words for word in sentence)
    known = {word: at for at, word in enumerate((w for w, n in counted.items() if n >= LEAST), UNKNOWN + 1)}
    ids = [np.array([known.get(word, UNKNOWN) for word in sentence], np.int64) for sentence in words]
    labels = np.array([row["label"] == "positive" for row in rows], np.float32)
    return ids, labels, len(known) + 2


def padded(ids: list[Array], width: int | None = None) -> Array:
    """Rows as one array (B, T) with zeros at their ends."""
    out = np.zeros((len(ids), width or max(map(len, ids))), np.int64)
    for row, values in enumerate(ids):
        out[row, : len(values)] = values
    return out


def shuffled(rows: int, size: int) -> Iterator[Array]:
    """Row numbers in batches, shuffled."""
    order = np.random.default_rng(0).permutation(rows)
    return (order[at : at + size] for at in range(0, rows, size))


def bucketed(lengths: Array, size: int) -> list[Array]:
    """Row numbers in batches of similar length, the batches shuffled."""
    random: Any = np.random.default_rng(0)
    order = random.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    return [batches[at] for at in random.permutation(len(batches))]
