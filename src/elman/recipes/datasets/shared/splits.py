"""A table shared out to training, validation and test, the same way every time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data import Table, split_rows
from elman.training.datasets import Tables

SEED = 0


def shared_out(table: Table, valid: float, test: float, group: Sequence[Any] | None = None) -> Tables:
    """The table in three, whatever a run's seed.

    Args:
        table: all rows.
        valid, test: 0 to 1, share of the rows, or of the groups.
        group: a value a row; rows that share one stay together.
    """
    split = split_rows(len(table), valid, test, SEED, group)
    return Tables(*(table.take(np.sort(part[np.arange(len(part))]).tolist()) for part in split))
