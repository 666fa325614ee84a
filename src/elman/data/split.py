"""Splits into training, validation and test. No group is divided, and the future never leaks into the past."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from elman.checks import check_range, fail
from elman.data.permutation import Permutation
from elman.errors import DataError

SPLIT = 1  # in the key of an order: for a split, not for an epoch


class SampledRows:
    """The rows of a random split: its i-th row is `order(begin + i)`. No row is stored.

    Args:
        order: of all rows.
        begin, end: the range of the split in this order.
        gaps: places to leave out, counted from `begin`, ascending.
    """

    def __init__(self, order: Permutation, begin: int, end: int, gaps: np.ndarray | None = None) -> None:
        self.order, self.begin, self.end = order, begin, end
        self.gaps = np.zeros(0, np.int64) if gaps is None else gaps

    def __len__(self) -> int:
        return self.end - self.begin - len(self.gaps)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """The rows at the given indices of the split, (n,) -> (n,)."""
        passed = np.searchsorted(self.gaps - np.arange(len(self.gaps)), indices, side="right")
        return self.order(self.begin + indices + passed)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The place of each row within the split, gaps counted; -1 for rows that are not in it."""
        places = self.order.inverse(rows) - self.begin
        return np.where((places >= 0) & (places < self.end - self.begin), places, -1)

    def without(self, places: np.ndarray) -> "SampledRows":
        """The split without the given places."""
        return SampledRows(self.order, self.begin, self.end, np.unique(np.concatenate([self.gaps, places])))


class ListedRows:
    """The stored rows of a split by group or time, ascending; see `SampledRows`."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        rows: np.ndarray = self.rows[indices]
        return rows

    def places(self, rows: np.ndarray) -> np.ndarray:
        places = np.searchsorted(self.rows, rows).clip(max=max(len(self.rows) - 1, 0))
        return np.where(self.rows[places] == rows, places, -1) if len(self.rows) else np.full(len(rows), -1)

    def without(self, places: np.ndarray) -> "ListedRows":
        return ListedRows(np.delete(self.rows, places))


Rows = SampledRows | ListedRows


class Split(NamedTuple):
    """The rows of each split: in random order, or, by group or time, ascending."""

    train: Rows
    valid: Rows
    test: Rows


def split_rows(
    rows: int,
    valid_fraction: float,
    test_fraction: float,
    seed: int,
    group: Sequence[Any] | np.ndarray | None = None,
    time: Sequence[Any] | np.ndarray | None = None,
) -> Split:
    """Split rows into training, validation and test.

    Args:
        rows: number of rows.
        valid_fraction: 0 to 1, fraction of the rows (or groups) for validation.
        test_fraction: 0 to 1, fraction for test.
        seed: of the order; the same seed gives the same split.
        group: a value for each row; rows with the same value stay together.
        time: a number for each row; the oldest rows are for training, the next for validation, the newest for test.
            Rows of the same time stay together.

    Raises:
        DataError: a split that should have rows would have none.

    Example:
        >>> split = split_rows(10, 0.1, 0.1, seed=0)
        >>> [len(rows) for rows in split]
        [8, 1, 1]
    """
    check_range("data", "valid_fraction", valid_fraction, low=0, high=1)
    check_range("data", "test_fraction", test_fraction, low=0, high=1)
    values = group if time is None else time
    units = None if values is None else _units(values)
    count = rows if units is None else int(units.max()) + 1
    valid, test = round(count * valid_fraction), round(count * test_fraction)
    if (valid_fraction and valid == 0) or (test_fraction and test == 0) or valid + test >= count:
        what = "rows" if units is None else "distinct values"
        fail(
            "data",
            "the table",
            f"have enough {what} for training, validation and test splits",
            f"{count}",
            "Add rows, or set data.valid_fraction and data.test_fraction.",
            DataError,
        )
    order = Permutation(count, seed, 0, SPLIT)
    ends = (0, count - valid - test, count - test, count)
    if units is None:
        return Split(*(SampledRows(order, begin, end) for begin, end in pairwise(ends)))
    ranks = np.arange(count) if time is not None else order.inverse(np.arange(count))
    rank = ranks[units]
    return Split(*(ListedRows(np.flatnonzero((begin <= rank) & (rank < end))) for begin, end in pairwise(ends)))


def _units(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """The group of each row, numbered from 0 in the order of its value."""
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)
