"""A batch in pieces that fit in memory."""

from collections.abc import Iterator, Mapping

from elman.data import Batch
from elman.types import Column


def pieces(batch: Batch, size: int) -> Iterator[Batch]:
    """A batch in micro-batches of at most so many rows, each cut to its own longest row."""
    if size >= len(batch.rows):
        yield batch
        return
    for begin in range(0, len(batch.rows), size):
        part = slice(begin, begin + size)
        targets = None if batch.targets is None else _cut(batch.targets, part)
        yield Batch(_cut(batch.inputs, part), targets, batch.rows[part], batch.chunk)


def _cut(columns: Mapping[str, Column], part: slice) -> dict[str, Column]:
    found = {}
    for name, (values, lengths) in columns.items():
        values = values[part]
        if lengths is not None:
            lengths = lengths[part]
            values = values[:, : int(lengths.max())]
        found[name] = Column(values, lengths)
    return found
