"""Training, validation and test: which row goes where. No group is parted, the future never leaks into the past."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import check_range, fail
from elman.errors import DataError


class Split(NamedTuple):
    """Row numbers of each part, (rows,) integers in ascending order."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split_rows(
    rows: int,
    valid_fraction: float,
    test_fraction: float,
    seed: int,
    group: Sequence[Any] | None = None,
    time: Sequence[Any] | None = None,
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
    """
    check_range("data", "valid_fraction", valid_fraction, low=0, high=1)
    check_range("data", "test_fraction", test_fraction, low=0, high=1)
    if time is not None:
        units, order = _units(time, rows), None  # units are numbered by their value: in the order of time
    else:
        units, order = _units(group, rows), np.random.default_rng(seed)
    count = int(units.max()) + 1 if rows else 0
    ranks = np.arange(count) if order is None else order.permutation(count)
    valid, test = round(count * valid_fraction), round(count * test_fraction)
    if (valid_fraction and valid == 0) or (test_fraction and test == 0) or valid + test >= count:
        what = "rows" if group is None and time is None else "distinct values"
        fail(
            "data",
            "the table",
            f"have enough {what} for a training, a validation and a test part",
            f"{count}",
            "Add rows, or set data.valid_fraction and data.test_fraction.",
            DataError,
        )
    rank = ranks[units]
    parts = rank < count - valid - test, (count - valid - test <= rank) & (rank < count - test), rank >= count - test
    return Split(*(np.flatnonzero(part) for part in parts))


def _units(values: Sequence[Any] | None, rows: int) -> np.ndarray:
    """What stays together, numbered from 0 in the order of its value: each row alone where there are no values."""
    if values is None:
        return np.arange(rows)
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)
