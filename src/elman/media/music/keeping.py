"""Notes as files that people look at and listen to."""

from collections.abc import Sequence
from pathlib import Path

from elman.media.audio import write_wav
from elman.media.music.midi import write_midi
from elman.media.music.note import Note
from elman.media.music.picture import draw_piano_roll
from elman.media.music.synthesiser import RATE, synthesise


def keep_notes(notes: Sequence[Note], tempo: float, stem: Path, title: str = "") -> list[Path]:
    """Write notes as stem.mid, stem.png (a piano roll) and stem.wav; without a note there is nothing to write.

    Args:
        notes: what is kept.
        tempo: beats a minute.
        stem: the files' path less the end of their names.
        title: what stands above the picture; without one the files' name.

    Returns: the files that were written.

    Raises:
        MissingExtraError: symusic or matplotlib is not installed.
    """
    if not notes:
        return []
    midi, picture, sound = (stem.parent / (stem.name + end) for end in (".mid", ".png", ".wav"))
    write_midi(notes, tempo, midi)
    picture.write_bytes(draw_piano_roll(notes, tempo, title or stem.name))
    write_wav(sound, synthesise(notes, tempo), RATE)
    return [midi, picture, sound]
