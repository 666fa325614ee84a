"""From encoded rows to padded batches, in an order that wastes little and is a function of (seed, epoch)."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

POOL = 100  # batches that are sorted by length together: larger pads less and shuffles less


class Batch(NamedTuple):
    inputs: Tensor  # (B, T, ...) padded with zeros, or (B,) singles
    lengths: Tensor | None  # (B,) real steps; None for singles
    targets: Tensor | None  # (B,) as encoded
    rows: np.ndarray  # (B,) row numbers within the examples


class Ragged:
    """Sequences of different lengths in one flat array.

    Args:
        sequences: arrays (T, ...), T of each its own.
    """

    def __init__(self, sequences: Sequence[np.ndarray]) -> None:
        self.lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.values = np.concatenate(sequences)

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """These rows as one array (B, T, ...), zeros after a row's end."""
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max(initial=0))
        real = steps < lengths[:, None]
        out = np.zeros((*real.shape, *self.values.shape[1:]), self.values.dtype)
        out[real] = self.values[(self.offsets[rows][:, None] + steps)[real]]
        return out


class Examples:
    """Encoded rows of one part of the data.

    Args:
        inputs: encoded inputs, sequences (T, ...) or singles ().
        targets: encoded targets (), or None where only answers are wanted.
        place: row -> where it came from, for messages.
    """

    def __init__(
        self,
        inputs: Sequence[np.ndarray],
        targets: Sequence[np.ndarray] | None = None,
        place: Callable[[int], str] = str,
    ) -> None:
        self.place = place
        self.sequences = Ragged(inputs) if len(inputs) and np.ndim(inputs[0]) else None
        self.singles = np.array(inputs) if self.sequences is None else None
        self.targets = None if targets is None else np.array(targets)
        self.lengths = np.ones(len(inputs), np.int64) if self.sequences is None else self.sequences.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, rows: np.ndarray) -> Batch:
        """These rows, padded to the longest of them."""
        targets = None if self.targets is None else torch.from_numpy(self.targets[rows])
        if self.sequences is None:
            assert self.singles is not None
            return Batch(torch.from_numpy(self.singles[rows]), None, targets, rows)
        lengths = torch.from_numpy(self.lengths[rows])
        return Batch(torch.from_numpy(self.sequences.padded(rows)), lengths, targets, rows)


def shuffled(lengths: np.ndarray, size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Rows in batches for training: shuffled, then sorted by length within pools of 100 batches, batches shuffled.

    Args:
        lengths: (rows,) real steps.
        size: rows a batch; the last of a pool may be smaller.
        seed: with `epoch`, decides the order and nothing else does.
        epoch: counted from 0.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    batches: list[np.ndarray] = []
    for begin in range(0, len(order), size * POOL):
        pool = order[begin : begin + size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [batches[index] for index in random.permutation(len(batches))]


def in_order_of_length(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in batches for evaluation: least padding, no chance."""
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + size] for i in range(0, len(order), size)]


def padding_share(lengths: np.ndarray, batches: Iterable[np.ndarray]) -> float:
    """Share of the steps of these batches that is padding, 0 to 1."""
    real = padded = 0
    for rows in batches:
        real += int(lengths[rows].sum())
        padded += int(lengths[rows].max(initial=0)) * len(rows)
    return 1 - real / padded if padded else 0.0
