"""The picture of a forecast: history, forecast, prediction intervals and the actual values, if known."""

from typing import TYPE_CHECKING, Any

from elman.media.figures import new_figure, png, show_dates

if TYPE_CHECKING:
    import numpy as np

    from elman.forecasting.forecast import SeriesForecast

HISTORY_SHOWN = 4  # horizons of history to draw


def draw_forecast(series: "SeriesForecast", actual: "np.ndarray | None" = None) -> bytes:
    """A PNG of the end of a history and its forecast: a band for each prediction interval, paths as thin lines.

    Args:
        series: the forecast.
        actual: the actual values, (horizon,), if known.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    steps = len(series.forecast)
    history = series.history[-HISTORY_SHOWN * steps :]
    x_history, x_ahead, axis = _places(series, len(history), steps)
    figure = new_figure("the picture of a forecast", 9, 4.2)
    axes = figure.subplots()
    names = list(series.quantiles)
    pairs = list(zip(names, names[::-1], strict=True))[: len(names) // 2]
    outer, *inner = [f"{float(high[1:]) - float(low[1:]):g}" for low, high in pairs] or [""]
    band = f"{outer} % prediction interval" + (f",\ninside it {', '.join(inner)} %" if inner else "")
    for number, (low, high) in enumerate(pairs):
        below, above = series.quantiles[low], series.quantiles[high]
        label = band if number == 0 else None
        axes.fill_between(x_ahead, below, above, color="C0", alpha=0.13, linewidth=0, label=label)
    for index, path in enumerate(series.paths):
        axes.plot(x_ahead, path, color="C0", linewidth=0.5, alpha=0.5, label="sample paths" if index == 0 else None)
    axes.plot(x_history, history, color="0.25", linewidth=1.2, label="history")
    axes.plot(x_ahead, series.forecast, color="C0", linewidth=1.8, label="forecast")
    if actual is not None:
        axes.plot(x_ahead, actual, color="C3", linewidth=1.2, linestyle="--", label="actual")
    axes.axvline(x_history[-1] if len(x_history) else x_ahead[0], color="0.7", linewidth=0.8, linestyle=":")
    whose = f" of {series.series}" if series.series else ""
    axes.set(
        title=f"{series.column}{whose}: {steps} steps ahead", xlabel=axis, ylabel=f"{series.column} (in its own unit)"
    )
    if not isinstance(x_ahead[0], int | float):
        show_dates(axes.xaxis)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
    return png(figure, dpi=130)


def _places(series: "SeriesForecast", history: int, steps: int) -> tuple[list[Any], list[Any], str]:
    """The positions of the steps on the horizontal axis and its label: dates, numbers, or steps from the last value."""
    from elman.data import dates_of

    times = [*series.history_times[-history:], *series.times] if history else list(series.times)
    if all(isinstance(time, int | float) for time in times):
        return times[:history], times[history:], "time"
    dates = None if any(time is None for time in times) else dates_of(times)
    if dates is not None:
        return dates[:history], dates[history:], "time"
    return list(range(1 - history, 1)), list(range(1, steps + 1)), "steps from the last known value"
