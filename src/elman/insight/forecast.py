"""A fan chart: what was, and what is forecast with the ranges in which it lies with some probability."""

from typing import Any

import numpy as np

from elman.data import dates_of
from elman.forecasting.forecast import Outlook
from elman.media.figures import new_figure, png, show_dates

PAST_SHOWN = 4  # horizons of the past that are drawn


def draw_fan(outlook: Outlook, truth: np.ndarray | None = None) -> bytes:
    """A PNG of a column's last values and the forecast: a band for each pair of quantiles, paths as thin lines.

    Args:
        outlook: what is forecast.
        truth: what came, where it is known, (horizon,).

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    steps = len(outlook.forecast)
    past = outlook.past[-PAST_SHOWN * steps :]
    x_past, x_ahead, axis = _places(outlook, len(past), steps)
    figure = new_figure("the picture of a forecast", 9, 4.2)
    axes = figure.subplots()
    levels = list(outlook.quantiles)
    pairs = list(zip(levels, levels[::-1], strict=True))[: len(levels) // 2]
    outer, *inner = [f"{float(high[1:]) - float(low[1:]):g}" for low, high in pairs] or [""]
    band = f"{outer} % of what may come" + (f",\ninside it {', '.join(inner)} %" if inner else "")
    for number, (low, high) in enumerate(pairs):
        below, above = outlook.quantiles[low], outlook.quantiles[high]
        label = band if number == 0 else None
        axes.fill_between(x_ahead, below, above, color="C0", alpha=0.13, linewidth=0, label=label)
    for index, path in enumerate(outlook.paths):
        axes.plot(x_ahead, path, color="C0", linewidth=0.5, alpha=0.5, label="paths" if index == 0 else None)
    axes.plot(x_past, past, color="0.25", linewidth=1.2, label="what was")
    axes.plot(x_ahead, outlook.forecast, color="C0", linewidth=1.8, label="forecast")
    if truth is not None:
        axes.plot(x_ahead, truth, color="C3", linewidth=1.2, linestyle="--", label="what came")
    axes.axvline(x_past[-1] if len(x_past) else x_ahead[0], color="0.7", linewidth=0.8, linestyle=":")
    series = f" of {outlook.series}" if outlook.series else ""
    axes.set(
        title=f"{outlook.column}{series}: {steps} steps ahead",
        xlabel=axis,
        ylabel=f"{outlook.column} (in its own unit)",
    )
    if not isinstance(x_ahead[0], int | float):
        show_dates(axes.xaxis)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
    return png(figure, dpi=130)


def _places(outlook: Outlook, past: int, steps: int) -> tuple[list[Any], list[Any], str]:
    """Where the steps stand on the horizontal axis, and what it is called: dates, numbers, or steps from now."""
    times = [*outlook.past_times[-past:], *outlook.times] if past else list(outlook.times)
    if all(isinstance(time, int | float) for time in times):
        return times[:past], times[past:], "time"
    dates = None if any(time is None for time in times) else dates_of(times)
    if dates is not None:
        return dates[:past], dates[past:], "time"
    return list(range(1 - past, 1)), list(range(1, steps + 1)), "steps from the last known value"
