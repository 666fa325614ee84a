"""Examples of a source that is larger than memory: rows are encoded when they are asked for."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from elman.checks import fail
from elman.data.arrow_rows import Stored
from elman.data.batch import Batch, Examples
from elman.data.prefetch import ahead
from elman.data.prepare import encoded_at_once, encoded_row
from elman.data.split import Rows
from elman.data.table import BadRows
from elman.errors import BadValueError, DataError
from elman.fields import Field, Fields, column_of, split_roles

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
        fields: fitted.
        key: stands for the bytes of the source and how they were parsed, as the name of its folder in the cache does.
    """

    def __init__(self, stored: Stored, part: Rows, fields: Fields, key: str) -> None:
        self.stored, self.part, self.fields, self.key = stored, part, fields, key
        self.lengths = _Lengths(self)
        self._rows, self._window = np.zeros(0, np.int64), Examples({})

    def __len__(self) -> int:
        return len(self.part)

    def longest_target(self) -> int:
        """Of rows spread evenly."""
        return self._encoded(self._sample()).longest_target()

    def place(self, row: int) -> str:
        return self.stored.place(int(self.part[np.array([row])][0]))

    def values(self, role: str, rows: np.ndarray) -> list[Any]:
        return self.stored.values(role, self.part[rows], self.fields.by_role()[role].unpack)

    def digest(self) -> str:
        """SHA-256 of the key of the source, and of rows spread evenly: where they stand in it, and what they encode to.

        Not of all rows, as in memory, which would take minutes: the key stands for the values of the others. That they
        are in the same part and encode alike is not looked at.
        """
        sample = self._sample()
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

    def look_at(self, rows: np.ndarray) -> np.ndarray:
        """Encode these rows and keep them; their lengths."""
        self._rows = np.sort(rows)
        self._window = self._encoded(self._rows)
        return self._window.lengths[np.searchsorted(self._rows, rows)]

    def _sample(self) -> np.ndarray:
        return np.unique(np.linspace(0, len(self) - 1, SAMPLED).astype(np.int64))

    def _encoded(self, rows: np.ndarray) -> Examples:
        """These rows, encoded.

        Raises:
            DataError: one of them cannot be.
        """
        values = {role: self.values(role, rows) for role in self.fields.by_role()}
        encoded = encoded_at_once(self.fields, values)
        if encoded is None:
            for index, row in enumerate(rows.tolist()):
                _said(self.fields, {role: found[index] for role, found in values.items()}, self.place(row), BadRows())
        assert encoded is not None  # the row that cannot be has been refused
        inputs, targets = split_roles(encoded)
        return Examples(inputs, targets, singles=self.fields.singles())


class _Lengths:
    """Real steps of each row, found when asked."""

    def __init__(self, examples: LazyExamples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.examples.look_at(rows)


def lazy_examples(stored: Stored, part: Rows, fields: Fields, bad: BadRows, key: str) -> LazyExamples:
    """The examples of a part, less the rows that fitted fields cannot encode.

    Every row is tried only where one of the values that stand for all cannot be encoded, such as a class that the
    training split does not have, or where sequences must have the same steps.

    Raises:
        DataError: a value cannot be encoded and is not to be skipped, or no row is left.
    """
    by_role = fields.by_role()
    doubtful = {role: field for role, field in by_role.items() if not _all_encode(field, stored.witnesses[role])}
    doubtful |= {role: by_role[role] for role in fields.tied_by_steps()}
    found: dict[int, tuple[dict[str, Any], int]] = {}  # the bad rows' places in the part
    for start, arrays in stored.together(list(doubtful)):
        places = part.places(np.arange(start, start + len(arrays[0])))
        for row in np.flatnonzero(places >= 0).tolist():
            values = {role: by_role[role].unpack(array[row]) for role, array in zip(doubtful, arrays, strict=True)}
            if isinstance(encoded_row(fields, values), tuple):
                found[int(places[row])] = values, start + row
    for place in sorted(found):
        values, row = found[place]
        _said(fields, values, stored.place(row), bad)
    part = part.without(np.array(sorted(found), np.int64))
    if not len(part):
        fail(stored.source, "the table", "have a row that can be used", "none", error=DataError)
    return LazyExamples(stored, part, fields, key)


def _said(fields: Fields, values: dict[str, Any], place: str, bad: BadRows) -> None:
    """Encode a row for what is said of it where it cannot be."""
    found = encoded_row(fields, values)
    if isinstance(found, tuple):
        bad.found(f"{place}: column {column_of(found[0])!r} {found[1]}")


def _all_encode(field: Field, witnesses: list[Any]) -> bool:
    try:
        for value in witnesses:
            field.encode(field.parse(value))
    except BadValueError:
        return False
    return True
