"""Notes, and notes on a grid of equal time steps: one voice, or all the keys of a piano."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError
from elman.media.music.pitches import KEYS, LOWEST_KEY, pitch_name

SILENT = -1  # the pitch of a rest
MOST_STEPS = 1_000_000  # of a grid; a longer one is probably a damaged file


class Note(NamedTuple):
    """One note: its pitch, and its begin and length in beats (quarter notes)."""

    pitch: int  # 0 to 127
    begin: float
    length: float


def one_voice(notes: Iterable[Note], resolution: int) -> np.ndarray:
    """Notes as one voice on a grid, (N, 2) integers: the pitch, or `SILENT` for a rest, and its length in steps.

    At each step the highest sounding note is kept (the "skyline" of Uitdenbogerd & Zobel 1999); of the same pitch the
    one that began last. The rest of a longer note after a higher one is not struck again. Begins and ends are rounded
    to the nearest step, and a note lasts at least one step.

    Args:
        notes: in any order, at least one.
        resolution: steps a beat.

    Raises:
        BadValueError: the grid is too long.

    Example:
        >>> one_voice([Note(60, 0, 1), Note(64, 0, 0.5), Note(62, 1.5, 1)], 2).tolist()
        [[64, 1], [-1, 2], [62, 2]]
    """
    placed = sorted(_on_grid(notes, resolution))
    heard = np.full(max(after for _, _, after in placed), SILENT, np.int64)  # number of the note at each step
    for number, (_, first, after) in enumerate(placed):
        heard[first:after] = number
    events: list[tuple[int, int]] = []
    ends = [0, *(np.flatnonzero(np.diff(heard)) + 1).tolist(), len(heard)]
    for begin, end in pairwise(ends):
        pitch, first, _ = placed[heard[begin]]
        pitch = pitch if heard[begin] != SILENT and first == begin else SILENT
        if events and pitch == SILENT == events[-1][0]:
            begin -= events.pop()[1]
        events.append((pitch, end - begin))
    return np.array(events[:-1] if events[-1][0] == SILENT else events, np.int64)


def voice_notes(voice: np.ndarray, resolution: int) -> list[Note]:
    """The inverse of `one_voice`, for notes on the grid.

    Example:
        >>> voice_notes(np.array([[64, 1], [-1, 2], [62, 2]]), 2)
        [Note(pitch=64, begin=0.0, length=0.5), Note(pitch=62, begin=1.5, length=1.0)]
    """
    notes, now = [], 0
    for pitch, steps in voice.tolist():
        if pitch != SILENT:
            notes.append(Note(pitch, now / resolution, steps / resolution))
        now += steps
    return notes


def piano_roll(notes: Iterable[Note], resolution: int) -> np.ndarray:
    """Which keys of a piano are down at each step of a grid, (T, 88) of 0 and 1, from A0 to C8.

    A key that is struck again while it is down, or immediately after, stays down: a roll cannot represent this.

    Args:
        notes: in any order, at least one.
        resolution: steps a beat.

    Raises:
        BadValueError: a pitch outside of a piano's range, or the grid is too long.

    Example:
        >>> roll = piano_roll([Note(60, 0, 1), Note(64, 0.5, 0.5)], 2)
        >>> roll.shape, np.argwhere(roll).tolist()
        ((2, 88), [[0, 39], [1, 39], [1, 43]])
    """
    placed = list(_on_grid(notes, resolution))
    roll = np.zeros((max(after for _, _, after in placed), KEYS), np.uint8)
    for pitch, first, after in placed:
        roll[first:after, key_of(pitch)] = 1
    return roll


def key_of(pitch: int) -> int:
    """The key of a pitch on a piano, 0 to 87.

    Raises:
        BadValueError: a pitch outside of a piano's range.
    """
    key = pitch - LOWEST_KEY
    if not 0 <= key < KEYS:
        low, high = pitch_name(LOWEST_KEY), pitch_name(LOWEST_KEY + KEYS - 1)
        raise BadValueError(f"have the pitches of a piano, {low} to {high}", shown(pitch_name(pitch)))
    return key


def roll_notes(roll: np.ndarray, resolution: int) -> list[Note]:
    """The notes of a piano roll (T, 88), one for each time that a key is down; in order of their begin, low to high.

    Example:
        >>> roll_notes(piano_roll([Note(60, 0, 1), Note(64, 0.5, 0.5)], 2), 2)
        [Note(pitch=60, begin=0.0, length=1.0), Note(pitch=64, begin=0.5, length=0.5)]
    """
    down = np.pad(np.asarray(roll, np.int8), ((1, 1), (0, 0)))
    change = np.diff(down, axis=0)  # (T + 1, 88): 1 where a key goes down, -1 after its last step
    keys, begins = np.nonzero(change.T == 1)
    _, ends = np.nonzero(change.T == -1)
    notes = [
        Note(LOWEST_KEY + key, begin / resolution, (end - begin) / resolution)
        for key, begin, end in zip(keys.tolist(), begins.tolist(), ends.tolist(), strict=True)
    ]
    return sorted(notes, key=lambda note: (note.begin, note.pitch))


def length_of(notes: Sequence[Note]) -> float:
    """Beats from 0 to the end of the last note; 0 without notes."""
    return max((note.begin + note.length for note in notes), default=0.0)


def _on_grid(notes: Iterable[Note], resolution: int) -> Iterable[tuple[int, int, int]]:
    """Each note's pitch, its first step and the step after its last."""
    for pitch, begin, length in notes:
        if not (begin + length) * resolution < MOST_STEPS:
            raise BadValueError(f"last at most {MOST_STEPS:,} steps", f"{(begin + length) * resolution:,.0f}")
        first = int(begin * resolution + 0.5)
        yield pitch, first, max(first + 1, int((begin + length) * resolution + 0.5))
