"""Melodies of Bach's chorales: their sopranos, from the scores inside the package music21."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from elman.checks import fail
from elman.data import Table
from elman.data.layouts import Tables
from elman.errors import DataError
from elman.media.music import Note, pitch_name
from elman.recipes.datasets.shared.musicxml import Part, read_parts
from elman.recipes.datasets.shared.splits import fixed_split

# By the pitch of the tonic, from C on, as musicians write them.
MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
SHIFTS = range(-5, 7)  # semitones: every key once
SHARED = 12  # consecutive intervals that only settings of one tune have in common
VALID, TEST = 0.1, 0.1


def bach_melodies() -> Tables:
    """Columns `key`, `first` and `melody`: 404 sopranos; a tenth of the tunes each for validation and test.

    An example of a key is "G minor", of a first note "D5"; a melody is a list of pitches and beats. Bach set many tunes
    several times: melodies with twelve consecutive intervals in common, at any position, are in one split. The training
    split has each melody in every key, a row each; validation and test splits have it in its own key.

    Raises:
        DataError: the package music21 is not installed, or a score cannot be read.
    """
    sopranos = [part for path in _scores() for part in read_parts(path) if part.name.startswith("Soprano")]
    sopranos = [part for part in sopranos if part.mode and len(part.notes) > SHARED]
    whole = Table({"soprano": sopranos}, "bach_melodies")
    train, *others = fixed_split(whole, VALID, TEST, tunes([intervals(part.notes) for part in sopranos]))
    return Tables(_table(train, SHIFTS), *(other and _table(other, range(1)) for other in others))


def intervals(notes: list[Note]) -> list[int]:
    """The intervals of a melody, in semitones: the same in every key.

    Example:
        >>> intervals([Note(pitch, at, 1) for at, pitch in enumerate([60, 62, 64, 60])])
        [2, 2, -4]
    """
    return [after.pitch - before.pitch for before, after in pairwise(notes)]


def tunes(melodies: Sequence[Sequence[int]], shared: int = SHARED) -> list[str]:
    """The tune of each melody: melodies with `shared` consecutive intervals in common, directly or through others, have
    the same.

    Example:
        >>> tunes([[1, 2, 3], [9, 2, 3, 4], [3, 4, 5], [7, 7]], shared=2)
        ['0', '0', '0', '3']
    """
    tune = list(range(len(melodies)))

    def root(melody: int) -> int:
        while tune[melody] != melody:
            melody = tune[melody]
        return melody

    first: dict[tuple[int, ...], int] = {}
    for number, melody in enumerate(melodies):
        for begin in range(len(melody) - shared + 1):
            other = first.setdefault(tuple(melody[begin : begin + shared]), number)
            low, high = sorted((root(other), root(number)))
            tune[high] = low
    return [str(root(melody)) for melody in range(len(melodies))]


def key_name(fifths: int, mode: str, shift: int = 0) -> str:
    """The key with `fifths` sharps, or flats if negative, transposed by `shift` semitones.

    Example:
        >>> key_name(-1, "minor"), key_name(2, "major"), key_name(2, "major", 1)
        ('D minor', 'D major', 'Eb major')
    """
    tonic = 7 * fifths + (0 if mode == "major" else 9) + shift
    return f"{(MAJOR if mode == 'major' else MINOR)[tonic % 12]} {mode}"


def _table(split: Table, shifts: range) -> Table:
    columns: dict[str, list[object]] = {"key": [], "first": [], "melody": []}
    for soprano in split.column("soprano"):
        for shift in shifts:
            columns["key"].append(key_name(soprano.fifths, soprano.mode, shift))
            columns["first"].append(pitch_name(soprano.notes[0].pitch + shift))
            columns["melody"].append(_pairs(soprano, shift))
    return Table(columns, "bach_melodies")


def _pairs(soprano: Part, shift: int) -> list[list[object]]:
    """Pitches and beats, with rests between notes; a rest before the first note is left out."""
    pairs: list[list[object]] = []
    now = soprano.notes[0].begin
    for pitch, begin, length in soprano.notes:
        if begin > now:
            pairs.append(["rest", begin - now])
        pairs.append([pitch_name(pitch + shift), length])
        now = begin + length
    return pairs


def _scores() -> list[Path]:
    package = find_spec("music21")  # found, not imported: the import would need packages that are not installed
    if package is None or not package.submodule_search_locations:
        then = "Run pip install --no-deps music21==10.5.1."
        fail("the Bach chorales", "the package music21", "be installed, for its scores", "none", then, DataError)
    return sorted(Path(package.submodule_search_locations[0], "corpus", "bach").glob("*.mxl"))
