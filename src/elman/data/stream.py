"""Examples of one long sequence: chunks in parallel lanes, the state of each chunk carried over to the next."""

import hashlib
from collections.abc import Iterator

import numpy as np

from elman.data.batch import Batch, Examples
from elman.types import Column

SCORED_LANES = 8  # each starts without context, which costs accuracy: few, but enough to keep a processor busy


class StreamExamples(Examples):
    """One long sequence of symbols.

    It is cut into as many lanes as a batch has rows. The n-th batch of an epoch holds the n-th chunk of every lane, so
    that the state of a row continues in the next batch. Every epoch but the first starts the chunks at a random offset,
    so that each symbol has context in some epoch. Row i is the i-th chunk.

    Args:
        name: of the field.
        ids: (N,) symbols.
        chunk: steps of a batch, through which the gradient is backpropagated, at least 1.
        source: its name in messages.
    """

    def __init__(self, name: str, ids: np.ndarray, chunk: int, source: str) -> None:
        self.name, self.ids, self.chunk, self.source = name, ids, chunk, source
        starts = np.arange(0, len(ids), chunk)
        self.lengths = np.minimum(chunk, len(ids) - starts)

    def place(self, row: int) -> str:
        return f"{self.source}: near step {row * self.chunk:,}"

    def digest(self) -> str:
        return hashlib.sha256(f"{self.chunk} {self.ids.dtype.str}".encode() + self.ids.tobytes()).hexdigest()

    def batches(self, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """The chunks of an epoch in order, in `size` parallel lanes."""
        offset = int(np.random.default_rng((seed, epoch)).integers(self.chunk)) if epoch else 0
        return self._parallel(np.roll(self.ids, -offset), size, begin)

    def scored(self, size: int) -> Iterator[Batch]:
        return self._parallel(self.ids, min(size, SCORED_LANES), 0)

    def batch(self, rows: np.ndarray) -> Batch:
        """The given chunks, each as a sequence of its own."""
        return self._cut(self.ids, rows, None)

    def _parallel(self, ids: np.ndarray, lanes: int, begin: int) -> Iterator[Batch]:
        each = self.batches_an_epoch(lanes)
        first = np.arange(lanes) * each
        for number in range(begin, each):
            rows = first + number
            yield self._cut(ids, rows, number)

    def _cut(self, ids: np.ndarray, rows: np.ndarray, number: int | None) -> Batch:
        starts = rows * self.chunk
        lengths = np.clip(len(ids) - starts, 0, self.chunk)
        places = starts[:, None] + np.arange(lengths.max(initial=0))
        values = np.where(places < len(ids), ids[places.clip(max=len(ids) - 1)], 0)
        column = Column(values.astype(np.int64), lengths)
        return Batch({}, {self.name: column}, rows.clip(max=len(self.lengths) - 1), number)
