"""A picture of a series under watch: readings beside what was expected, scores beside the threshold, and the hits."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data import dates_of
from elman.fields.values.cells import is_number
from elman.forecasting.anomalies import Watching
from elman.inference.one_step_ahead import BAND
from elman.media.figures import new_figure, png, show_dates

MOST_CHANNELS = 4  # those with the highest scores for their threshold
HIT: dict[str, Any] = {"color": "C3", "marker": "o", "linestyle": "", "markersize": 4}


def draw_hits(title: str, series: Watching) -> bytes:
    """A PNG with two panels a channel: the readings over the band they were expected in, and the scores.

    Of many channels the four are drawn whose scores rise highest above their threshold.

    Args:
        title: of the picture.
        series: its times are dates, or texts of such (ISO 8601); anything else is counted from 1.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    channels, readings, thresholds = series.channels, series.readings, series.thresholds
    middle, low, high, scores = series.watched
    highest = np.nan_to_num(scores / thresholds, nan=0.0).max(0, initial=0.0)
    shown = sorted(np.argsort(-highest, kind="stable")[:MOST_CHANNELS].tolist())
    x, dated = _axis(series.times)
    figure = new_figure("the picture of the hits", 10, 0.6 + 3.0 * len(shown))
    panels = figure.subplots(2 * len(shown), 1, sharex=True, squeeze=False, height_ratios=[2, 1] * len(shown))[:, 0]
    for at, channel in enumerate(shown):
        above, below = panels[2 * at], panels[2 * at + 1]
        hits = np.flatnonzero(series.over[:, channel])
        around = f"where {BAND:.0%} were expected"
        above.fill_between(x, low[:, channel], high[:, channel], color="C0", alpha=0.25, linewidth=0, label=around)
        above.plot(x, middle[:, channel], color="C0", linewidth=0.8, label="expected")
        above.plot(x, readings[:, channel], color="0.2", linewidth=0.9, label="readings")
        above.plot(x[hits], readings[hits, channel], **HIT, label="hits")
        above.set_ylabel(channels[channel], parse_math=False)
        below.plot(x, scores[:, channel], color="0.4", linewidth=0.8, label="scores")
        below.axhline(thresholds[channel], color="C3", linestyle="--", linewidth=1, label="threshold")
        below.plot(x[hits], scores[hits, channel], **HIT)
        below.set_ylabel("score\n(deviations)")
        below.set_ylim(bottom=0)
        for axes in (above, below):
            axes.grid(alpha=0.3)
    figure.align_ylabels(panels)
    named = [entry for axes in panels[:2] for entry in zip(*axes.get_legend_handles_labels(), strict=True)]
    figure.legend(*zip(*named, strict=True), loc="outside lower center", fontsize=9, ncols=len(named), frameon=False)
    some = f"; the {len(shown)} of {len(channels)} channels that rise highest" if len(shown) < len(channels) else ""
    panels[0].set_title(title + some, fontsize=11, parse_math=False)
    panels[-1].set_xlabel("time" if dated else "step, counted from 1")
    if dated:
        show_dates(panels[-1].xaxis)
    return png(figure, dpi=110)


def _axis(times: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Where each reading stands, and whether that is a date: its number from 1 where the times are none."""
    dates = None if any(map(is_number, times)) else dates_of(times)
    return (np.arange(1, len(times) + 1), False) if dates is None else (np.array(dates, object), True)
