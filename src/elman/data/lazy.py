"""Examples of a source larger than memory: rows are encoded on demand."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from elman.checks import fail
from elman.data.arrow_rows import ArrowRows
from elman.data.batch import Batch, Examples
from elman.data.prefetch import prefetched
from elman.data.prepare import encoded_at_once, encoded_row
from elman.data.split import Rows
from elman.data.table import BadRows
from elman.errors import BadValueError, DataError
from elman.fields import Field, Fields, column_of, split_roles

PREPARED = 50  # batches: half a window
SAMPLED = 256  # rows of a digest


class LazyExamples(Examples):
    """The encoded rows of one split of a stored source; see `Examples`.

    The rows whose lengths were requested last are kept, encoded, for their batches: in a training these are the rows of
    a window (see `order.shuffled`), which are thus encoded once, all in one call.

    Args:
        stored: the parsed rows.
        part: the rows of the split.
        fields: fitted.
        key: identifies the bytes of the source and how they were parsed; the name of its folder in the cache.
    """

    def __init__(self, stored: ArrowRows, part: Rows, fields: Fields, key: str) -> None:
        self.stored, self.part, self.fields, self.key = stored, part, fields, key
        self.lengths = _Lengths(self)
        self._rows, self._window = np.zeros(0, np.int64), Examples({})

    def __len__(self) -> int:
        return len(self.part)

    def longest_target(self) -> int:
        """Steps of the longest target in a sample of rows."""
        return self._encoded(self._sample()).longest_target()

    def place(self, row: int) -> str:
        return self.stored.place(int(self.part[np.array([row])][0]))

    def values(self, role: str, rows: np.ndarray) -> list[Any]:
        return self.stored.values(role, self.part[rows], self.fields.by_role()[role].unpack)

    def digest(self) -> str:
        """SHA-256 of the key of the source, and of evenly spaced rows: their places, and their encoded values.

        Not of all rows, as in memory, which would take minutes: the key represents the values of the others. Whether
        they are in the same split and encoded alike is not checked.
        """
        sample = self._sample()
        digest = hashlib.sha256(f"{self.key} {len(self)}".encode())
        digest.update(self.part[sample].astype(np.int64).data)
        digest.update(self._encoded(sample).digest().encode())
        return digest.hexdigest()

    def batches(self, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """As in memory; a thread encodes the next window while the network processes this one."""
        return prefetched(super().batches(size, seed, epoch, begin), PREPARED)

    def batch(self, rows: np.ndarray) -> Batch:
        places = np.searchsorted(self._rows, rows).clip(max=max(len(self._rows) - 1, 0))
        if not len(self._rows) or (self._rows[places] != rows).any():
            return self._encoded(rows).batch(np.arange(len(rows)))._replace(rows=rows)
        return self._window.batch(places)._replace(rows=rows)

    def load(self, rows: np.ndarray) -> np.ndarray:
        """Encode the given rows and keep them; returns their lengths."""
        self._rows = np.sort(rows)
        self._window = self._encoded(self._rows)
        return self._window.lengths[np.searchsorted(self._rows, rows)]

    def _sample(self) -> np.ndarray:
        return np.unique(np.linspace(0, len(self) - 1, SAMPLED).astype(np.int64))

    def _encoded(self, rows: np.ndarray) -> Examples:
        """The given rows, encoded.

        Raises:
            DataError: a row cannot be encoded.
        """
        values = {role: self.values(role, rows) for role in self.fields.by_role()}
        encoded = encoded_at_once(self.fields, values)
        if encoded is None:
            for index, row in enumerate(rows.tolist()):
                _report(self.fields, {role: cells[index] for role, cells in values.items()}, self.place(row), BadRows())
        assert encoded is not None  # a row that cannot be encoded has raised above
        inputs, targets = split_roles(encoded)
        return Examples(inputs, targets, singles=self.fields.singles())


class _Lengths:
    """Real steps of each row, computed on demand."""

    def __init__(self, examples: LazyExamples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.examples.load(rows)


def lazy_examples(stored: ArrowRows, part: Rows, fields: Fields, bad: BadRows, key: str) -> LazyExamples:
    """The examples of a split, less the rows that fitted fields cannot encode.

    All rows are tried only if a representative value cannot be encoded, such as a class that is not in the training
    split, or if sequences must have equal lengths.

    Raises:
        DataError: a value cannot be encoded and must not be skipped, or no row is left.
    """
    by_role = fields.by_role()
    doubtful = {role: field for role, field in by_role.items() if not _all_encode(field, stored.representatives[role])}
    doubtful |= {role: by_role[role] for role in fields.tied_by_steps()}
    bad_rows: dict[int, tuple[dict[str, Any], int]] = {}  # by their place in the split
    for start, arrays in stored.together(list(doubtful)):
        places = part.places(np.arange(start, start + len(arrays[0])))
        for row in np.flatnonzero(places >= 0).tolist():
            values = {role: by_role[role].unpack(array[row]) for role, array in zip(doubtful, arrays, strict=True)}
            if isinstance(encoded_row(fields, values), tuple):
                bad_rows[int(places[row])] = values, start + row
    for place in sorted(bad_rows):
        values, row = bad_rows[place]
        _report(fields, values, stored.place(row), bad)
    part = part.without(np.array(sorted(bad_rows), np.int64))
    if not len(part):
        fail(stored.source, "the table", "have a row that can be used", "none", error=DataError)
    return LazyExamples(stored, part, fields, key)


def _report(fields: Fields, values: dict[str, Any], place: str, bad: BadRows) -> None:
    """Encode a row, and report it if this fails."""
    result = encoded_row(fields, values)
    if isinstance(result, tuple):
        bad.found(f"{place}: column {column_of(result[0])!r} {result[1]}")


def _all_encode(field: Field, representatives: list[Any]) -> bool:
    try:
        for value in representatives:
            field.encode(field.parse(value))
    except BadValueError:
        return False
    return True
