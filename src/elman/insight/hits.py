"""A picture of a series under watch: readings beside what was expected, scores beside the threshold, and the hits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from elman.drawing import new_figure, png, show_dates

MOST_CHANNELS = 4  # those with the highest scores for their threshold


def draw_hits(
    title: str,
    channels: Sequence[str],
    times: Sequence[Any],
    readings: np.ndarray,
    expected: tuple[np.ndarray, np.ndarray, np.ndarray],
    scores: np.ndarray,
    thresholds: np.ndarray,
    band: float,
) -> bytes:
    """A PNG with two panels a channel: the readings over the band they were expected in, and the scores.

    Of many channels the four are drawn whose scores rise highest above their threshold.

    Args:
        title: of the picture.
        channels: C names.
        times: T, of each reading: dates as text (ISO 8601), or anything else, which is counted from 1.
        readings: (T, C), NaN where one is missing.
        expected: the middle, the lower and the upper end of the band, (T, C) each.
        scores: (T, C).
        thresholds: (C,), above which a reading is a hit.
        band: 0 to 1, share of the readings that are expected in the band.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    highest = np.nan_to_num(scores / thresholds, nan=0.0).max(0, initial=0.0)
    shown = sorted(np.argsort(-highest, kind="stable")[:MOST_CHANNELS].tolist())
    x, dated = _axis(times)
    figure = new_figure("the picture of the hits", 10, 0.6 + 3.0 * len(shown))
    panels = figure.subplots(2 * len(shown), 1, sharex=True, squeeze=False, height_ratios=[2, 1] * len(shown))[:, 0]
    middle, low, high = expected
    for at, channel in enumerate(shown):
        above, below = panels[2 * at], panels[2 * at + 1]
        hits = np.flatnonzero(scores[:, channel] > thresholds[channel])
        above.fill_between(x, low[:, channel], high[:, channel], color="C0", alpha=0.25, linewidth=0)
        above.plot(x, middle[:, channel], color="C0", linewidth=0.8)
        above.plot(x, readings[:, channel], color="0.2", linewidth=0.9)
        above.plot(x[hits], readings[hits, channel], "o", color="C3", markersize=4)
        above.set_ylabel(channels[channel])
        below.plot(x, scores[:, channel], color="0.4", linewidth=0.8)
        below.axhline(thresholds[channel], color="C3", linestyle="--", linewidth=1)
        below.plot(x[hits], scores[hits, channel], "o", color="C3", markersize=4)
        below.set_ylabel("score\n(deviations)")
        below.set_ylim(bottom=0)
        for axes in (above, below):
            axes.grid(alpha=0.3)
    names = [("readings", "0.2"), ("expected", "C0"), (f"{band:.0%} band", "C0"), ("hits, threshold", "C3")]
    for name, colour in names:
        panels[0].plot(
            [],
            [],
            color=colour,
            linewidth=6 if "band" in name else 1.5,
            label=name,
            alpha=0.25 if "band" in name else 1,
        )
    panels[0].legend(loc="upper left", fontsize=8, ncols=4)
    panels[0].set_title(title, fontsize=11)
    panels[-1].set_xlabel("time" if dated else "step")
    if dated:
        show_dates(panels[-1].xaxis)
    return png(figure, dpi=110)


def _axis(times: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Where each reading stands, and whether that is a date: its number from 1 where the times are none."""
    try:
        return np.array([datetime.fromisoformat(time) for time in times]), True
    except (TypeError, ValueError):
        return np.arange(1, len(times) + 1), False
