"""Melodies of Bach's chorales: their sopranos, from the scores inside the package music21."""

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from elman.data import Table
from elman.errors import MissingExtraError
from elman.music import Note, pitch_name
from elman.parts import Tables
from elman.recipes.datasets.musicxml import Part, read_parts
from elman.recipes.datasets.shares import shared_out

# By the pitch of the tonic, from C on, as musicians write them.
MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
SHIFTS = range(-5, 7)  # semitones: every key once
OPENING = 6  # intervals by which melodies are told apart
VALID, TEST = 0.1, 0.1


def bach_melodies() -> Tables:
    """Columns `key`, `first` and `melody`: 370 sopranos; a tenth of the tunes each validates and tests.

    A key is one such as "G minor", the first note one such as "D5", a melody a list of pitches and beats. Bach set many
    tunes several times: those that begin with the same six intervals are in one part. Training has each melody in
    every key, a row each; validation and test have it as it stands.

    Raises:
        DataError: a score cannot be read.
        MissingExtraError: the package music21 is not there.
    """
    sopranos = [part for path in _scores() for part in read_parts(path) if part.name.startswith("Soprano")]
    sopranos = [part for part in sopranos if part.mode and len(part.notes) > OPENING]
    whole = Table({"soprano": sopranos}, "bach_melodies")
    train, *others = shared_out(whole, VALID, TEST, [str(opening(part.notes)) for part in sopranos])
    return Tables(_table(train, SHIFTS), *(other and _table(other, range(1)) for other in others))


def opening(notes: list[Note]) -> list[int]:
    """The first intervals of a melody, in semitones: the same in every key.

    Example:
        >>> opening([Note(pitch, at, 1) for at, pitch in enumerate([60, 62, 64, 60])])
        [2, 2, -4]
    """
    pitches = [note.pitch for note in notes[: OPENING + 1]]
    return [after - before for before, after in pairwise(pitches)]


def key_name(fifths: int, mode: str, shift: int = 0) -> str:
    """The key with so many sharps, or flats below 0, moved by so many semitones.

    Example:
        >>> key_name(-1, "minor"), key_name(2, "major"), key_name(2, "major", 1)
        ('D minor', 'D major', 'Eb major')
    """
    tonic = 7 * fifths + (0 if mode == "major" else 9) + shift
    return f"{(MAJOR if mode == 'major' else MINOR)[tonic % 12]} {mode}"


def _table(part: Table, shifts: range) -> Table:
    columns: dict[str, list[object]] = {"key": [], "first": [], "melody": []}
    for soprano in part.column("soprano"):
        for shift in shifts:
            columns["key"].append(key_name(soprano.fifths, soprano.mode, shift))
            columns["first"].append(pitch_name(soprano.notes[0].pitch + shift))
            columns["melody"].append(_pairs(soprano, shift))
    return Table(columns, "bach_melodies")


def _pairs(soprano: Part, shift: int) -> list[list[object]]:
    """Pitches and beats, rests where nothing sounds; a rest before the first note is left out."""
    pairs: list[list[object]] = []
    now = soprano.notes[0].begin
    for pitch, begin, length in soprano.notes:
        if begin > now:
            pairs.append(["rest", begin - now])
        pairs.append([pitch_name(pitch + shift), length])
        now = begin + length
    return pairs


def _scores() -> list[Path]:
    package = find_spec("music21")  # found, not imported: the import would want what it is installed without
    if package is None or not package.submodule_search_locations:
        raise MissingExtraError("music21", "music", "the Bach chorales")
    return sorted(Path(package.submodule_search_locations[0], "corpus", "bach").glob("*.mxl"))
