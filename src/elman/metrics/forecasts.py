"""Metrics of forecasts: several steps per row, as numbers or quantiles. Steps without a known value do not count."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from elman.fields.forecast import ScaledForecast


def mase(predicted: "Sequence[ScaledForecast]", true: Sequence[np.ndarray]) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006): the mean absolute error of the forecasts, divided by that of
    the naive forecast in the training split; several series share one naive error. Below 1 is better than naive; NaN if
    the naive forecast makes no error.

    Example:
        >>> from elman.fields.forecast import ScaledForecast
        >>> mase([ScaledForecast(np.array([1.0, 3.0]), None, (), naive=2.0)], [np.array([2.0, 2.0])])
        0.5
    """
    if any(forecast.naive == 0 for forecast in predicted):
        return float("nan")
    errors = np.concatenate(
        [np.abs(forecast.point - truth) / forecast.naive for forecast, truth in zip(predicted, true, strict=True)]
    )
    return float(np.nanmean(errors))


def coverage(predicted: "Sequence[ScaledForecast]", true: Sequence[np.ndarray]) -> float:
    """Fraction of the true values between the lowest and the highest predicted quantile, 0 to 1: with quantiles 0.1 to
    0.9 it should be 0.8.

    Example:
        >>> from elman.fields.forecast import ScaledForecast
        >>> forecast = ScaledForecast(np.zeros(2), np.array([[-1.0, 1.0], [-1.0, 1.0]]), (0.1, 0.9), 1.0)
        >>> coverage([forecast], [np.array([0.5, 2.0])])
        0.5
    """
    inside: list[np.ndarray] = []
    for forecast, truth in zip(predicted, true, strict=True):
        assert forecast.quantiles is not None
        known = ~np.isnan(truth)
        inside.append(((truth >= forecast.quantiles[:, 0]) & (truth <= forecast.quantiles[:, -1]))[known])
    return float(np.concatenate(inside).mean())
