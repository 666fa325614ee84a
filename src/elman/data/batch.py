"""From encoded rows to padded batches."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data.order import Lengths, shuffled


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
        self.values = np.concatenate(sequences) if len(sequences) else np.zeros(0)

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
        self._where = place
        self.sequences = Ragged(inputs) if len(inputs) and np.ndim(inputs[0]) else None
        self.singles = np.array(inputs) if self.sequences is None else None
        self.targets = None if targets is None else np.array(targets)
        self.lengths: Lengths = np.ones(len(inputs), np.int64) if self.sequences is None else self.sequences.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def place(self, row: int) -> str:
        """Where a row came from, for messages."""
        return self._where(row)

    def all_targets(self) -> np.ndarray:
        """The encoded targets of all rows, (rows,)."""
        assert self.targets is not None
        return self.targets

    def digest(self) -> str:
        """SHA-256 of all that is encoded, by which a training that is resumed knows its data again."""
        digest = hashlib.sha256(str(len(self)).encode())
        ragged = [] if self.sequences is None else [self.sequences.lengths, self.sequences.values]
        for array in (*ragged, self.singles, self.targets):
            if array is None:
                digest.update(b"none")
                continue
            digest.update(f"{array.dtype.str} {array.shape}".encode())  # equal bytes may be other numbers
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def batches(self, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, in the order of `shuffled`, which see."""
        return (self.batch(rows) for rows in shuffled(self.lengths, size, seed, epoch, begin))

    def batch(self, rows: np.ndarray) -> Batch:
        """These rows, padded to the longest of them."""
        targets = None if self.targets is None else torch.from_numpy(self.targets[rows])
        if self.sequences is None:
            assert self.singles is not None
            return Batch(torch.from_numpy(self.singles[rows]), None, targets, rows)
        lengths = torch.from_numpy(self.lengths[rows])
        return Batch(torch.from_numpy(self.sequences.padded(rows)), lengths, targets, rows)
