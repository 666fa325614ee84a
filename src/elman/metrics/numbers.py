"""Numbers: how far off. A row is a number, or a forecast of several, of which those whose truth is known count."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def mse(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean squared error: in the square of the column's unit; of forecasts on the scale of the training split.

    Example:
        >>> mse([1.0, 2.0], [1.0, 4.0])
        2.0
    """
    return float(np.mean(_apart(predicted, true) ** 2))


def mae(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean absolute error: in the column's unit; of forecasts on the scale of the training split."""
    return float(np.mean(np.abs(_apart(predicted, true))))


def _apart(predicted: Sequence[Any], true: Sequence[Any]) -> np.ndarray:
    """Predicted less true, less the places whose truth is not known."""
    points = [getattr(row, "point", row) for row in predicted]
    truth = np.asarray(true, np.float64)
    known: np.ndarray = (np.asarray(points, np.float64) - truth)[~np.isnan(truth)]
    return known
