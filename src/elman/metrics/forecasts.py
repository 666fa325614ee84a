"""Forecasts: several steps a row, as numbers or as quantiles. Steps whose true value is not known count nowhere."""

from collections.abc import Sequence

import numpy as np

from elman.fields.forecast import Told


def mase(predicted: Sequence[Told], true: Sequence[np.ndarray]) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006): that of the forecasts, over that of the naive forecast in
    the training split; of several series over the naive error of all of them together. Below 1 is better than naive;
    NaN where the naive forecast makes no error.

    Example:
        >>> mase([Told(np.array([1.0, 3.0]), None, (), naive=2.0)], [np.array([2.0, 2.0])])
        0.5
    """
    if any(told.naive == 0 for told in predicted):
        return float("nan")
    apart = np.concatenate(
        [np.abs(told.point - truth) / told.naive for told, truth in zip(predicted, true, strict=True)]
    )
    return float(np.nanmean(apart))


def coverage(predicted: Sequence[Told], true: Sequence[np.ndarray]) -> float:
    """Share of the true values from the lowest to the highest quantile that is told, 0 to 1: with 0.1 to 0.9 it should
    be 0.8.

    Example:
        >>> coverage([Told(np.zeros(2), np.array([[-1.0, 1.0], [-1.0, 1.0]]), (0.1, 0.9), 1.0)], [np.array([0.5, 2.0])])
        0.5
    """
    inside: list[np.ndarray] = []
    for told, truth in zip(predicted, true, strict=True):
        assert told.quantiles is not None
        known = ~np.isnan(truth)
        inside.append(((truth >= told.quantiles[:, 0]) & (truth <= told.quantiles[:, -1]))[known])
    return float(np.concatenate(inside).mean())
