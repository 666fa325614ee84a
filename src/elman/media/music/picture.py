"""The picture of a piano roll."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from elman.media.figures import new_figure, png
from elman.media.music.note import Note, length_of
from elman.media.music.pitches import pitch_name

MOST_NAMES = 30  # on the axis of pitches
MOST_INCHES = 14.0  # wider pictures are scaled down where they are displayed, and their labels with them


def draw_piano_roll(notes: Sequence[Note], tempo: float, title: str) -> bytes:
    """A PNG with a bar for each note: time on the horizontal axis, in beats and in seconds, pitch on the vertical axis.

    Args:
        notes: at least one.
        tempo: beats a minute.
        title: of the picture.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    low, high = min(note.pitch for note in notes) - 1, max(note.pitch for note in notes) + 1
    beats = length_of(notes)
    size = min(MOST_INCHES, max(6.0, 0.25 * beats + 1.5)), max(2.6, 0.16 * (high - low) + 1.4)
    figure = new_figure("the picture of a piano roll", *size)
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    for pitch in range(low, high + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):  # the black keys
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="0.94", linewidth=0)
    lengths, begins = [note.length for note in notes], [note.begin for note in notes]
    axes.barh([note.pitch for note in notes], lengths, left=begins, height=0.8, color="C0", edgecolor="0.2", lw=0.6)
    every = 12 if high - low > MOST_NAMES else 1
    named = [pitch for pitch in range(low, high + 1) if pitch % every == 0]
    axes.set_yticks(named, [pitch_name(pitch) for pitch in named], fontsize=8)
    axes.set(xlim=(0, beats), ylim=(low - 0.5, high + 0.5), xlabel="time (beats)", ylabel="pitch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20, min_n_ticks=1))
    axes.grid(axis="x", color="0.85", linewidth=0.6)
    axes.set_axisbelow(True)
    seconds = axes.secondary_xaxis("top", functions=(partial(_times, 60 / tempo), partial(_times, tempo / 60)))
    seconds.set_xlabel(f"time (s), {tempo:g} beats a minute")
    axes.set_title(title, fontsize=11, parse_math=False)
    return png(figure, dpi=130)


def _times(factor: float, x: Any) -> Any:
    return factor * x
