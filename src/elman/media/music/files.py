"""Notes as files to look at and listen to."""

from collections.abc import Sequence
from pathlib import Path

from elman.media.audio import write_wav
from elman.media.music.midi import write_midi
from elman.media.music.note import Note
from elman.media.music.picture import draw_piano_roll
from elman.media.music.synthesiser import RATE, synthesise


def save_notes(notes: Sequence[Note], tempo: float, stem: Path, title: str = "") -> list[Path]:
    """Write notes as stem.mid, stem.png (a piano roll) and stem.wav; without notes nothing is written.

    Args:
        notes: the notes to write.
        tempo: beats a minute.
        stem: the path of the files without their suffixes.
        title: of the picture; by default the name of the files.

    Returns: the written files.

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
