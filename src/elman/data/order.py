"""In which order rows become batches: shuffled for training, as they stand for scoring, of similar length together.

Nothing here keeps a number a row: what is needed of an order is calculated window by window, so that a training can
begin in the middle of an epoch, and 20 million rows cost no more memory than a thousand.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from elman.data.permutation import Permutation

WINDOW = 100  # batches that are sorted by length together: more pad less and shuffle less
SCORED_TOGETHER = 3200  # rows: a large source encodes a window at once, and batches for scoring are large ones


class Lengths(Protocol):
    """Real steps of each row: an array, or what finds them when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


def batches_an_epoch(rows: int, size: int) -> int:
    """How many batches `shuffled` gives."""
    return -(-rows // size)


def shuffled(lengths: Lengths, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[np.ndarray]:
    """Rows in batches for training: shuffled; in windows of 100 batches sorted by length and cut; these shuffled.

    Args:
        lengths: real steps of each row.
        size: rows a batch; the last of an epoch may be smaller.
        seed: with `epoch`, decides the order and nothing else does.
        epoch: counted from 0.
        begin: the batch to begin at, counted from 0; those before it are not made.
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
    """Rows in batches for scoring: as they stand, in windows of 3200 rows or one batch sorted by length; no chance."""
    window = max(size, SCORED_TOGETHER)
    for begin in range(0, len(lengths), window):
        yield from _cut(np.arange(begin, min(begin + window, len(lengths))), lengths, size)


def padding_share(lengths: Lengths, batches: Iterable[np.ndarray]) -> float:
    """Share of the steps of these batches that is padding, 0 to 1."""
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
