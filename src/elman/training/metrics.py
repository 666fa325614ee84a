"""Metrics: how near the answers are to the truth. Rates are fractions, F1 is on the 0-100 scale."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Metric(NamedTuple):
    score: Callable[..., float]  # (predicted, true), decoded values, one a row
    higher_is_better: bool
    from_loss: bool = False  # (mean loss in nats) instead: no answer is needed


def accuracy(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Share of rows whose class is right, 0 to 1."""
    return float(np.mean([p == t for p, t in zip(predicted, true, strict=True)]))


def macro_f1(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean over the classes of F1 = 2 hits / (2 hits + false alarms + misses), 0 to 100.

    The classes are those that were predicted or are true in some row, as in scikit-learn.
    """
    scores = []
    for label in {*predicted, *true}:
        said = np.array([p == label for p in predicted])
        is_so = np.array([t == label for t in true])
        scores.append(2 * (said & is_so).sum() / (said.sum() + is_so.sum()))
    return float(100 * np.mean(scores))


def mse(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Mean squared error, in the square of the column's unit."""
    return float(np.mean((np.asarray(predicted) - np.asarray(true)) ** 2))


def mae(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Mean absolute error, in the column's unit."""
    return float(np.mean(np.abs(np.asarray(predicted) - np.asarray(true))))


METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy, True),
    "macro_f1": Metric(macro_f1, True),
    "mse": Metric(mse, False),
    "mae": Metric(mae, False),
}
