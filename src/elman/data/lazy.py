"""Examples of a source that is larger than memory: rows are encoded when they are asked for."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from elman.checks import fail
from elman.data.ahead import ahead
from elman.data.batch import Batch, Examples
from elman.data.split import Rows
from elman.data.stored import Stored
from elman.data.table import BadRows
from elman.errors import BadValueError, DataError
from elman.fields import Field, Input, Target

TOGETHER = 4096  # rows that are looked at together
PREPARED = 50  # batches; those of half a window
SAMPLED = 256  # rows that stand for all in a digest


class LazyExamples(Examples):
    """Encoded rows of one part of a stored source; see `Examples`.

    The rows whose lengths were asked for last are kept, encoded, for the batches that are made of them: in a training
    these are the rows of a window (see `order.shuffled`), which so are encoded once, and all in one call.

    Args:
        stored: the parsed rows.
        part: which of them.
        input, target: the fitted fields.
        key: stands for the bytes of the source and how they were parsed, as the name of its folder in the cache does.
    """

    def __init__(self, stored: Stored, part: Rows, input: Input, target: Target, key: str) -> None:
        self.stored, self.part, self.input, self.target, self.key = stored, part, input, target, key
        self.lengths = _Lengths(self)
        self._rows, self._window = np.zeros(0, np.int64), Examples([])
        self.targets = None  # until all are asked for

    def __len__(self) -> int:
        return len(self.part)

    def place(self, row: int) -> str:
        return self.stored.place(int(self.part[np.array([row])][0]))

    def digest(self) -> str:
        """SHA-256 of the key of the source, and of rows spread evenly: where they stand in it, and what they encode to.

        Not of all rows, as in memory, which would take minutes: the key stands for the values of the others. That they
        are in the same part and encode alike is not looked at.
        """
        sample = np.unique(np.linspace(0, len(self) - 1, SAMPLED).astype(np.int64))
        digest = hashlib.sha256(f"{self.key} {len(self)}".encode())
        digest.update(self.part[sample].astype(np.int64).data)
        digest.update(self._encoded(sample).digest().encode())
        return digest.hexdigest()

    def batches(self, size: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """As in memory; a thread encodes the next window while the network is busy with this one."""
        return ahead(super().batches(size, seed, epoch, begin), PREPARED)

    def batch(self, rows: np.ndarray) -> Batch:
        places = np.searchsorted(self._rows, rows).clip(max=max(len(self._rows) - 1, 0))
        if not len(self._rows) or (self._rows[places] != rows).any():
            return self._encoded(rows).batch(np.arange(len(rows)))._replace(rows=rows)
        return self._window.batch(places)._replace(rows=rows)

    def all_targets(self) -> np.ndarray:
        """The encoded targets of all rows, (rows,), made the first time that they are asked for."""
        if self.targets is None:
            parts = [
                self._column("target", self.target, np.arange(begin, min(begin + TOGETHER, len(self))))
                for begin in range(0, len(self), TOGETHER)
            ]
            self.targets = np.array([target for part in parts for target in part])
        return self.targets

    def look_at(self, rows: np.ndarray) -> np.ndarray:
        """Encode these rows and keep them; their lengths."""
        self._rows = np.sort(rows)
        self._window = self._encoded(self._rows)
        return self._window.lengths[np.searchsorted(self._rows, rows)]

    def _encoded(self, rows: np.ndarray) -> Examples:
        return Examples(self._column("input", self.input, rows), self._column("target", self.target, rows))

    def _column(self, role: str, field: Field, rows: np.ndarray) -> Sequence[np.ndarray]:
        values = self.stored.values(role, self.part[rows], field.unpack)
        try:
            return field.encode_batch(values)
        except BadValueError:
            for row, value in zip(rows.tolist(), values, strict=True):
                _encoded(field, value, self.place(row), BadRows())
            raise


class _Lengths:
    """Real steps of each row, found when asked."""

    def __init__(self, examples: LazyExamples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.examples.look_at(rows)


def lazy_examples(stored: Stored, part: Rows, input: Input, target: Target, bad: BadRows, key: str) -> LazyExamples:
    """The examples of a part, less the rows that fitted fields cannot encode.

    Every row is tried only where one of the values that stand for all cannot be encoded, such as a class that the
    training split does not have.

    Raises:
        DataError: a value cannot be encoded and is not to be skipped, or no row is left.
    """
    fields = {"input": input, "target": target}
    doubtful = {role: field for role, field in fields.items() if not _all_encode(field, stored.witnesses[role])}
    found: dict[int, tuple[str, Any, int]] = {}  # the bad rows' places in the part
    for role, field in doubtful.items():
        for start, array in stored.arrays(role):
            places = part.places(np.arange(start, start + len(array)))
            for row in np.flatnonzero(places >= 0).tolist():
                value = field.unpack(array[row])
                if int(places[row]) not in found and not _encodes(field, value):
                    found[int(places[row])] = role, value, start + row
    for place in sorted(found):
        role, value, row = found[place]
        _encoded(fields[role], value, stored.place(row), bad)
    part = part.without(np.array(sorted(found), np.int64))
    if not len(part):
        fail(stored.source, "the table", "have a row that can be used", "none", error=DataError)
    return LazyExamples(stored, part, input, target, key)


def _encoded(field: Field, value: Any, place: str, bad: BadRows) -> None:
    """Encode a value for what is said of it where it cannot be."""
    try:
        field.encode(value)
    except BadValueError as error:
        bad.found(f"{place}: column {field.name!r} {error}")


def _all_encode(field: Field, witnesses: list[Any]) -> bool:
    try:
        return all(_encodes(field, field.parse(value)) for value in witnesses)
    except BadValueError:
        return False


def _encodes(field: Field, value: Any) -> bool:
    try:
        field.encode(value)
    except BadValueError:
        return False
    return True
