"""Encoded rows and padded batches."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.data.order import Lengths, batches_an_epoch, in_order_of_length, shuffled
from elman.types import Column

Encoded = Mapping[str, Sequence[np.ndarray]]  # by field: sequences (T, ...) or singles () or (K, ...)


class Batch(NamedTuple):
    """Padded rows as arrays; a network converts them to tensors."""

    inputs: dict[str, Column]
    targets: dict[str, Column] | None
    rows: np.ndarray  # (B,) row numbers within the examples
    chunk: int | None = None  # of a stream: from 1 on each row continues that of the last batch; else None

    @property
    def columns(self) -> list[Column]:
        """All fields, the inputs first."""
        return [*self.inputs.values(), *(self.targets or {}).values()]

    @property
    def is_stream(self) -> bool:
        """Whether the rows are lanes of one long sequence, which continue in the next batch."""
        return self.chunk is not None

    @property
    def follows(self) -> bool:
        """Whether the state of each row is carried over from the last batch."""
        return bool(self.chunk)

    def part(self, rows: slice) -> "Batch":
        """The given rows, each column cut to its longest row."""
        targets = None if self.targets is None else _part(self.targets, rows)
        return self._replace(inputs=_part(self.inputs, rows), targets=targets, rows=self.rows[rows])

    def pieces(self, size: int) -> Iterator["Batch"]:
        """The batch in micro-batches of at most `size` rows, each cut to its longest row."""
        if size >= len(self.rows):
            yield self
            return
        for begin in range(0, len(self.rows), size):
            yield self.part(slice(begin, begin + size))

    @property
    def steps(self) -> int:
        """Steps of the longest sequence, padding included; 1 without sequences, or if all are empty."""
        steps: list[int] = [column.values.shape[1] for column in self.columns if column.lengths is not None]
        return max([1, *steps])


def _part(columns: Mapping[str, Column], rows: slice) -> dict[str, Column]:
    cut = {}
    for name, (values, lengths) in columns.items():
        values = values[rows]
        if lengths is not None:
            lengths = lengths[rows]
            values = values[:, : int(lengths.max())]
        cut[name] = Column(values, lengths)
    return cut


class Ragged:
    """Sequences of different lengths in one flat array.

    Args:
        sequences: arrays (T, ...), each with its own T.
    """

    def __init__(self, sequences: Sequence[np.ndarray]) -> None:
        self.lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.values = np.concatenate(sequences) if len(sequences) else np.zeros(0)

    def __getitem__(self, row: int) -> np.ndarray:
        sequence: np.ndarray = self.values[self.offsets[row] : self.offsets[row] + self.lengths[row]]
        return sequence

    def column(self, rows: np.ndarray) -> Column:
        """The given rows, padded to the longest."""
        return Column(self.padded(rows), self.lengths[rows])

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """The given rows as one array (B, T, ...), zeros after a row's end."""
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max(initial=0))
        real = steps < lengths[:, None]
        out = np.zeros((*real.shape, *self.values.shape[1:]), self.values.dtype)
        out[real] = self.values[(self.offsets[rows][:, None] + steps)[real]]
        return out


class Singles:
    """One value per row.

    Args:
        values: arrays () or (K, ...), of one shape and type.
    """

    def __init__(self, values: Sequence[np.ndarray]) -> None:
        self.values = np.array(values)
        self.lengths = np.ones(len(values), np.int64)

    def __getitem__(self, row: int) -> np.ndarray:
        value: np.ndarray = self.values[row]
        return value

    def column(self, rows: np.ndarray) -> Column:
        """The given rows."""
        return Column(self.values[rows], None)


class Examples:
    """The encoded rows of one split.

    Args:
        inputs: encoded inputs by field, sequences (T, ...) or singles (...).
        targets: encoded targets by field; None for prediction only.
        place: row -> where it came from, for messages.
        singles: fields with one value per row that may be an array (K, ...); values () are singles in any case.
        values: the parsed values by role, such as target.reply; may be left out if they are not used.
    """

    lengths: Lengths  # steps of each row, the sum over its sequences; 1 without sequences

    def __init__(
        self,
        inputs: Encoded,
        targets: Encoded | None = None,
        place: Callable[[int], str] = str,
        singles: Collection[str] = (),
        values: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._where, self._values = place, values or {}
        self.inputs = {name: _packed(values, name in singles) for name, values in inputs.items()}
        self.targets = (
            None if targets is None else {name: _packed(values, name in singles) for name, values in targets.items()}
        )
        self.lengths = total_steps([*self.inputs.values(), *(self.targets or {}).values()])

    def __len__(self) -> int:
        return len(self.lengths)

    def longest_target(self) -> int:
        """Steps of the longest target; 1 if targets are single values."""
        return max((int(packed.lengths.max(initial=1)) for packed in (self.targets or {}).values()), default=1)

    def place(self, row: int) -> str:
        """Where a row came from, for messages."""
        return self._where(row)

    def values(self, role: str, rows: np.ndarray) -> list[Any]:
        """The parsed values of the given rows, as in the data; encoding may lose information."""
        values = self._values[role]
        return [values[row] for row in rows.tolist()]

    def digest(self) -> str:
        """SHA-256 of all encoded values, by which a resumed training recognises its data."""
        digest = hashlib.sha256(str(len(self)).encode())
        for side in (self.inputs, self.targets):
            digest.update(b"none" if side is None else str(list(side)).encode())
            for packed in (side or {}).values():
                for array in [packed.lengths, packed.values]:
                    digest.update(f"{array.dtype.str} {array.shape}".encode())  # equal bytes may be different numbers
                    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def batches_an_epoch(self, size: int) -> int:
        """The number of batches of an epoch."""
        return batches_an_epoch(len(self), size)

    def batches(self, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, in the order of `shuffled`, see there."""
        return (self.batch(rows) for rows in shuffled(self.lengths, size, seed, epoch, begin))

    def scored(self, size: int) -> Iterator[Batch]:
        """All rows once, in batches for evaluation, rows of similar length together."""
        return (self.batch(rows) for rows in in_order_of_length(self.lengths, size))

    def batch(self, rows: np.ndarray) -> Batch:
        """The given rows, padded to the longest."""
        inputs = {name: packed.column(rows) for name, packed in self.inputs.items()}
        if self.targets is None:
            return Batch(inputs, None, rows)
        return Batch(inputs, {name: packed.column(rows) for name, packed in self.targets.items()}, rows)


def total_steps(sides: Sequence[Ragged | Singles]) -> np.ndarray:
    """Steps of each row, the sum over its sequences; 1 without sequences."""
    sequences = [packed.lengths for packed in sides if isinstance(packed, Ragged)]
    if not sequences:
        return sides[0].lengths if sides else np.zeros(0, np.int64)
    total: np.ndarray = np.sum(sequences, axis=0)
    return total


def _packed(values: Sequence[np.ndarray], single: bool = False) -> Ragged | Singles:
    return Singles(values) if single or not len(values) or not np.ndim(values[0]) else Ragged(values)
