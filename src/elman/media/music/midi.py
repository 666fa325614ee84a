"""Reading and writing MIDI files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from elman.checks import shown
from elman.errors import BadValueError, MissingExtraError
from elman.media.music.note import Note

TICKS = 480  # per beat in written files
VELOCITY = 80  # 1 to 127, how hard a key is struck


def read_midi(path: Path) -> list[Note]:
    """The notes of all tracks but drums, in order of their begin, low to high; velocities and tempo are ignored.

    Raises:
        BadValueError: it is not a MIDI file, is damaged, or has no notes.
        MissingExtraError: the package symusic is not installed.
    """
    try:
        from symusic import Score
    except ImportError:
        raise MissingExtraError("symusic", "music", "a MIDI file") from None
    try:
        score: Any = Score(str(path))
    except Exception as error:  # symusic has no exception class of its own
        raise BadValueError("be a MIDI file", f"{shown(path.name)}, which is not one or is damaged") from error
    beat = score.ticks_per_quarter
    notes = [
        Note(note.pitch, note.time / beat, note.duration / beat)
        for track in score.tracks
        if not track.is_drum
        for note in track.notes
    ]
    if not notes:
        raise BadValueError("have a note", f"{shown(path.name)}, a MIDI file without notes")
    return sorted(notes, key=lambda note: (note.begin, note.pitch))


def write_midi(notes: Iterable[Note], tempo: float, path: Path) -> None:
    """Write a MIDI file of one piano.

    Args:
        notes: each begin and end is rounded to the nearest 1/480 of a beat.
        tempo: beats a minute.
        path: of the file.

    Raises:
        MissingExtraError: the package symusic is not installed.
    """
    try:
        from symusic import Note as Played
        from symusic import Score, Tempo, Track
    except ImportError:
        raise MissingExtraError("symusic", "music", "a MIDI file") from None
    score: Any = Score(TICKS)
    track: Any = Track("piano", program=0)
    score.tempos.append(Tempo(0, tempo))
    for pitch, begin, length in notes:
        first, after = round(begin * TICKS), round((begin + length) * TICKS)
        track.notes.append(Played(first, max(1, after - first), pitch, VELOCITY))
    score.tracks.append(track)
    score.dump_midi(str(path))
