"""A batch in pieces that fit in memory."""

from collections.abc import Iterator

from elman.data import Batch


def pieces(batch: Batch, size: int) -> Iterator[Batch]:
    """A batch in micro-batches of at most so many rows, each cut to its own longest row."""
    if size >= len(batch.rows):
        yield batch
        return
    for begin in range(0, len(batch.rows), size):
        yield batch.part(slice(begin, begin + size))
