"""Music: notes, MIDI files, piano rolls and synthesised sound."""

from elman.media.music.files import save_notes
from elman.media.music.midi import read_midi, write_midi
from elman.media.music.note import SILENT, Note, key_of, one_voice, piano_roll, roll_notes, voice_notes
from elman.media.music.picture import draw_piano_roll
from elman.media.music.pitches import HIGHEST, KEYS, LOWEST_KEY, REST, hertz, parse_pitch, pitch_name
from elman.media.music.synthesiser import RATE, synthesise
from elman.media.music.voice import TIE, event_name, is_voice, item_text, notes_of_pairs, pairs_of, voice_text

__all__ = [
    "HIGHEST",
    "KEYS",
    "LOWEST_KEY",
    "RATE",
    "REST",
    "SILENT",
    "TIE",
    "Note",
    "draw_piano_roll",
    "event_name",
    "hertz",
    "is_voice",
    "item_text",
    "key_of",
    "notes_of_pairs",
    "one_voice",
    "pairs_of",
    "parse_pitch",
    "piano_roll",
    "pitch_name",
    "read_midi",
    "roll_notes",
    "save_notes",
    "synthesise",
    "voice_notes",
    "voice_text",
    "write_midi",
]
