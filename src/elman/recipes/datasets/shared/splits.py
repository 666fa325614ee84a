"""A fixed split of a table into training, validation and test."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data import Table, split_rows
from elman.data.layouts import Tables

SEED = 0


def fixed_split(table: Table, valid: float, test: float, group: Sequence[Any] | None = None) -> Tables:
    """The three splits of a table, independent of a run's seed.

    Args:
        table: all rows.
        valid, test: 0 to 1, fraction of the rows, or of the groups.
        group: a value for each row; rows with the same value stay together.
    """
    splits = split_rows(len(table), valid, test, SEED, group)
    return Tables(*(table.take(np.sort(split[np.arange(len(split))]).tolist()) for split in splits))
