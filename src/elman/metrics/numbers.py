"""Metrics of numbers. A row is a number, or a forecast of several, of which those with a known true value count."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def mse(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean squared error, in the square of the column's unit; of forecasts, on the scale of the training split.

    Example:
        >>> mse([1.0, 2.0], [1.0, 4.0])
        2.0
    """
    return float(np.mean(_errors(predicted, true) ** 2))


def mae(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean absolute error, in the column's unit; of forecasts, on the scale of the training split."""
    return float(np.mean(np.abs(_errors(predicted, true))))


def _errors(predicted: Sequence[Any], true: Sequence[Any]) -> np.ndarray:
    """Predicted minus true, where the true value is known."""
    points = [getattr(row, "point", row) for row in predicted]
    truth = np.asarray(true, np.float64)
    errors: np.ndarray = (np.asarray(points, np.float64) - truth)[~np.isnan(truth)]
    return errors
