"""Numbers: how far off."""

from collections.abc import Sequence

import numpy as np


def mse(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Mean squared error, in the square of the column's unit."""
    return float(np.mean((np.asarray(predicted) - np.asarray(true)) ** 2))


def mae(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Mean absolute error, in the column's unit."""
    return float(np.mean(np.abs(np.asarray(predicted) - np.asarray(true))))
