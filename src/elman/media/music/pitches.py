"""Pitches: the keys of a MIDI keyboard, 0 to 127, and their names."""

import re
from numbers import Integral
from typing import Any

from elman.checks import shown
from elman.errors import BadValueError

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
HIGHEST = 127
LOWEST_KEY, KEYS = 21, 88  # of a piano: A0 to C8
REST = "rest"
A4, TUNING = 69, 440.0  # hertz
_NAME = re.compile(r"([A-Ga-g])([#b]{0,2})(-?\d+)")


def pitch_name(pitch: int) -> str:
    """The name of a key, with sharps; middle C, 60, is C4.

    Example:
        >>> pitch_name(60), pitch_name(21), pitch_name(70)
        ('C4', 'A0', 'A#4')
    """
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(raw: Any) -> int:
    """The number of a key, from its number or its name.

    Raises:
        BadValueError: it is neither, or out of range.

    Example:
        >>> parse_pitch(60), parse_pitch("Bb3"), parse_pitch("F#5")
        (60, 58, 78)
    """
    number: Any = raw
    if isinstance(raw, str) and (found := _NAME.fullmatch(raw.strip())):
        letter, signs, octave = found.groups()
        raised = signs.count("#") - signs.count("b")
        number = NAMES.index(letter.upper()) + raised + 12 * (int(octave[:4]) + 1)
    whole = isinstance(number, Integral) and not isinstance(number, bool)  # numpy's too
    if not whole or not 0 <= number <= HIGHEST:
        raise BadValueError(f"be a pitch such as C4, or its number from 0 to {HIGHEST}", shown(raw))
    return int(number)


def hertz(pitch: int) -> float:
    """The frequency of a key in equal temperament, A4 at 440 Hz.

    Example:
        >>> hertz(69), round(hertz(60), 2)
        (440.0, 261.63)
    """
    return float(TUNING * 2 ** ((pitch - A4) / 12))
