"""The order in which rows become batches: shuffled for training, in order for evaluation, similar lengths together.

No order is stored: it is computed window by window, so that a training can start in the middle of an epoch, and 20
million rows need no more memory than a thousand.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from elman.data.permutation import Permutation

WINDOW = 100  # batches that are sorted by length together: more means less padding and less shuffling
SCORED_TOGETHER = 3200  # rows: a large source encodes a window at once, and batches for evaluation are large


class Lengths(Protocol):
    """Real steps of each row: an array, or an object that computes them on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


def batches_an_epoch(rows: int, size: int) -> int:
    """The number of batches of `shuffled`."""
    return -(-rows // size)


def shuffled(lengths: Lengths, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[np.ndarray]:
    """Rows in batches for training: shuffled, sorted by length within windows of 100 batches, cut, shuffled again.

    Args:
        lengths: real steps of each row.
        size: rows per batch; the last of an epoch may be smaller.
        seed: the order depends on `seed` and `epoch` only.
        epoch: counted from 0.
        begin: the first batch, counted from 0.
    """
    rows = len(lengths)
    order = Permutation(rows, seed, epoch)
    first, skipped = divmod(begin, WINDOW)
    for window in range(first, -(-rows // (size * WINDOW))):
        inside = order(np.arange(window * size * WINDOW, min((window + 1) * size * WINDOW, rows)))
        batches = _cut(inside, lengths, size)
        turns = np.random.default_rng((seed, epoch, window)).permutation(len(batches))
        for turn in turns[skipped if window == first else 0 :]:
            yield batches[turn]


def in_order_of_length(lengths: Lengths, size: int) -> Iterator[np.ndarray]:
    """Rows in batches for evaluation: in order, sorted by length within windows of 3200 rows or one batch."""
    window = max(size, SCORED_TOGETHER)
    for begin in range(0, len(lengths), window):
        yield from _cut(np.arange(begin, min(begin + window, len(lengths))), lengths, size)


def padding_fraction(lengths: Lengths, batches: Iterable[np.ndarray]) -> float:
    """Fraction of padding among the steps of the batches, 0 to 1."""
    real = padded = 0
    for rows in batches:
        steps = lengths[rows]
        real += int(steps.sum())
        padded += int(steps.max(initial=0)) * len(rows)
    return 1 - real / padded if padded else 0.0


def _cut(rows: np.ndarray, lengths: Lengths, size: int) -> list[np.ndarray]:
    """Rows sorted by length, in batches."""
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    return [rows[i : i + size] for i in range(0, len(rows), size)]
