"""One voice as text: `C5:1 rest:1/2 A#4:3/2`, a pitch or a rest and its length in beats."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError
from elman.media.music.note import SILENT, Note
from elman.media.music.pitches import REST, parse_pitch, pitch_name

TIE = "tie"  # the note before continues
MOST_BEATS = 1_000_000  # of one note
LONGEST = 40  # characters of a number of beats: longer ones, and powers of ten, may take very long to parse
_ITEM = r"(?:rest|tie|[A-Ga-g][#b]{0,2}-?\d):\d{1,6}(?:\.\d{1,6}|/\d{1,6})?"
_ITEMS = re.compile(rf"\s*{_ITEM}(?:\s+{_ITEM})*\s*")
Pair = tuple[Any, Any]


def is_voice(text: str) -> bool:
    """Whether a text is a voice; no path of a file is.

    Example:
        >>> is_voice("C5:1 rest:1/2"), is_voice("songs/C5.mid")
        (True, False)
    """
    return _ITEMS.fullmatch(text) is not None


def pairs_of(text: str) -> list[Pair]:
    """A text of items as pairs of a pitch's name and beats."""
    pairs = (item.split(":") for item in text.split())
    return [(name, beats) for name, beats in pairs]


def notes_of_pairs(pairs: Iterable[Any]) -> list[Note]:
    """Pairs of a pitch and beats as consecutive notes.

    A pitch is a name or a number, "rest" or None for a rest, or "tie" to continue the note just before.

    Raises:
        BadValueError: a pair is not valid.

    Example:
        >>> notes_of_pairs([("C5", 1), (None, "1/2"), (62, 0.5), ("tie", 2)])
        [Note(pitch=72, begin=0.0, length=1.0), Note(pitch=62, begin=1.5, length=2.5)]
    """
    notes: list[Note] = []
    now, sounds = Fraction(0), False  # whether the item before is a note
    for pair in pairs:
        if not isinstance(pair, (list, tuple, np.ndarray)) or len(pair) != 2:
            raise BadValueError("be pairs of a pitch and its beats, such as [60, 1]", shown(pair))
        pitch, beats = pair[0], _beats(pair[1])
        if pitch == TIE and sounds:
            notes[-1] = notes[-1]._replace(length=float(now + beats - Fraction(notes[-1].begin)))
        elif pitch in (TIE, REST) or pitch is None:
            sounds = False
        else:
            notes.append(Note(parse_pitch(pitch), float(now), float(beats)))
            sounds = True
        now += beats
    return notes


def voice_text(voice: np.ndarray, resolution: int) -> str:
    """One voice on a grid (N, 2), see `one_voice`, as text.

    Example:
        >>> voice_text(np.array([[72, 2], [-1, 1], [70, 3]]), 2)
        'C5:1 rest:1/2 A#4:3/2'
    """
    return " ".join(item_text(event_name(pitch), steps, resolution) for pitch, steps in voice.tolist())


def item_text(name: str, steps: int, resolution: int) -> str:
    """One item: a name, and a length of `steps` steps, `resolution` of them per beat."""
    return f"{name}:{Fraction(steps, resolution)}"


def event_name(pitch: int) -> str:
    """The name of a pitch, or of a rest."""
    return REST if pitch == SILENT else pitch_name(pitch)


def _beats(raw: Any) -> Fraction:
    try:
        value = raw.item() if isinstance(raw, np.generic) else raw
        plain = not isinstance(value, str) or (len(value) <= LONGEST and "e" not in value.lower())
        beats = Fraction(value if plain else 0)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        beats = Fraction(0)
    if isinstance(raw, bool) or not 0 < beats <= MOST_BEATS:
        must = f"last some beats, more than 0 and at most {MOST_BEATS:,}, such as 1, 0.5 or 1/2"
        raise BadValueError(must, shown(raw))
    return beats
