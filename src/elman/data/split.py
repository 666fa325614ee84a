"""Training, validation and test: which row goes where. No group is parted, the future never leaks into the past."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from elman.checks import check_range, fail
from elman.data.permutation import Permutation
from elman.errors import DataError

SPLIT = 1  # in the key of an order: that of a split, not of an epoch


class Drawn:
    """Rows of a part that is drawn by chance: row `order(begin + i)` is its i-th. Nothing is kept of any row.

    Args:
        order: of all rows.
        begin, end: the part's places in that order.
        gaps: places, counted from `begin`, that are left out, ascending.
    """

    def __init__(self, order: Permutation, begin: int, end: int, gaps: np.ndarray | None = None) -> None:
        self.order, self.begin, self.end = order, begin, end
        self.gaps = np.zeros(0, np.int64) if gaps is None else gaps

    def __len__(self) -> int:
        return self.end - self.begin - len(self.gaps)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """The rows of these numbers of the part, (n,) -> (n,)."""
        passed = np.searchsorted(self.gaps - np.arange(len(self.gaps)), indices, side="right")
        return self.order(self.begin + indices + passed)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The number within the part of each row, gaps counted too; -1 for rows that are not in it."""
        places = self.order.inverse(rows) - self.begin
        return np.where((places >= 0) & (places < self.end - self.begin), places, -1)

    def without(self, places: np.ndarray) -> "Drawn":
        """The part less these places."""
        return Drawn(self.order, self.begin, self.end, np.unique(np.concatenate([self.gaps, places])))


class Listed:
    """Rows of a part that are written down, ascending, as a split by group or time has them; see `Drawn`."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.rows[indices]
        return found

    def places(self, rows: np.ndarray) -> np.ndarray:
        places = np.searchsorted(self.rows, rows).clip(max=max(len(self.rows) - 1, 0))
        return np.where(self.rows[places] == rows, places, -1) if len(self.rows) else np.full(len(rows), -1)

    def without(self, places: np.ndarray) -> "Listed":
        return Listed(np.delete(self.rows, places))


Rows = Drawn | Listed


class Split(NamedTuple):
    """The rows of each part: in the order in which they were drawn, or, of a group or a time, ascending."""

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
    """Share out `rows` rows.

    Args:
        rows: how many there are.
        valid_fraction: 0 to 1, share of the rows (of the groups) for validation.
        test_fraction: 0 to 1, share for the test.
        seed: draws the order; the same seed gives the same split.
        group: a value a row; rows that share one stay together.
        time: a number a row; the oldest rows train, the next validate, the newest test. Rows of
            the same moment stay together.

    Raises:
        DataError: a part that should have rows would have none.

    Example:
        >>> split = split_rows(10, 0.1, 0.1, seed=0)
        >>> [len(part) for part in split]
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
            f"have enough {what} for a training, a validation and a test part",
            f"{count}",
            "Add rows, or set data.valid_fraction and data.test_fraction.",
            DataError,
        )
    order = Permutation(count, seed, 0, SPLIT)
    borders = (0, count - valid - test, count - test, count)
    if units is None:
        return Split(*(Drawn(order, begin, end) for begin, end in pairwise(borders)))
    ranks = np.arange(count) if time is not None else order.inverse(np.arange(count))
    rank = ranks[units]
    return Split(*(Listed(np.flatnonzero((begin <= rank) & (rank < end))) for begin, end in pairwise(borders)))


def _units(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """What stays together, numbered from 0 in the order of its value."""
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)
