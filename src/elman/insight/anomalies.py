"""The picture of anomalies: readings with their predictions, and scores with their thresholds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.media.figures import new_figure, png, show_dates

if TYPE_CHECKING:
    from elman.forecasting.anomalies import ScoredSeries

MOST_CHANNELS = 4  # those with the highest scores relative to their thresholds
ANOMALY: dict[str, Any] = {"color": "C3", "marker": "o", "linestyle": "", "markersize": 4}


def draw_anomalies(title: str, series: "ScoredSeries") -> bytes:
    """A PNG with two panels for each channel: the readings over their prediction interval, and the scores.

    At most four channels are drawn: those with the highest scores relative to their thresholds.

    Args:
        title: of the picture.
        series: its times are dates, or texts of dates (ISO 8601); else the readings are numbered from 1.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    channels, readings, thresholds = series.channels, series.readings, series.thresholds
    middle, low, high, scores = series.scored
    highest = np.nan_to_num(scores / thresholds, nan=0.0).max(0, initial=0.0)
    shown = sorted(np.argsort(-highest, kind="stable")[:MOST_CHANNELS].tolist())
    x, dated = _axis(series.times)
    figure = new_figure("the picture of the anomalies", 10, 0.6 + 3.0 * len(shown))
    panels = figure.subplots(2 * len(shown), 1, sharex=True, squeeze=False, height_ratios=[2, 1] * len(shown))[:, 0]
    for at, channel in enumerate(shown):
        above, below = panels[2 * at], panels[2 * at + 1]
        anomalies = np.flatnonzero(series.above[:, channel])
        interval = f"{100 * series.interval:g} % prediction interval"
        above.fill_between(x, low[:, channel], high[:, channel], color="C0", alpha=0.25, linewidth=0, label=interval)
        above.plot(x, middle[:, channel], color="C0", linewidth=0.8, label="predicted")
        above.plot(x, readings[:, channel], color="0.2", linewidth=0.9, label="actual")
        above.plot(x[anomalies], readings[anomalies, channel], **ANOMALY, label="anomalies")
        above.set_ylabel(channels[channel], parse_math=False)
        below.plot(x, scores[:, channel], color="0.4", linewidth=0.8, label="score")
        below.axhline(thresholds[channel], color="C3", linestyle="--", linewidth=1, label="threshold")
        below.plot(x[anomalies], scores[anomalies, channel], **ANOMALY)
        below.set_ylabel("score (standard\ndeviations)")
        below.set_ylim(bottom=0)
        for axes in (above, below):
            axes.grid(alpha=0.3)
    figure.align_ylabels(panels)
    legend = [entry for axes in panels[:2] for entry in zip(*axes.get_legend_handles_labels(), strict=True)]
    figure.legend(*zip(*legend, strict=True), loc="outside lower center", fontsize=9, ncols=len(legend), frameon=False)
    some = (
        f"; the {len(shown)} of {len(channels)} channels with the highest scores" if len(shown) < len(channels) else ""
    )
    panels[0].set_title(title + some, fontsize=11, parse_math=False)
    panels[-1].set_xlabel("time" if dated else "step, counted from 1")
    if dated:
        show_dates(panels[-1].xaxis)
    return png(figure, dpi=110)


def _axis(times: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """The position of each reading on the axis, and whether it is a date: else its number from 1."""
    from elman.data import dates_of
    from elman.fields.values.cells import is_number

    dates = None if any(map(is_number, times)) else dates_of(times)
    return (np.arange(1, len(times) + 1), False) if dates is None else (np.array(dates, object), True)
