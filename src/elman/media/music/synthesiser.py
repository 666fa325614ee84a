"""A plain additive synthesiser: notes to sound."""

from collections.abc import Sequence

import numpy as np

from elman.media.music.note import Note, length_of
from elman.media.music.pitches import hertz

RATE = 22_050  # samples a second
PARTIALS = 8
ATTACK, RELEASE = 0.01, 0.15  # seconds
DECAY = 1.2  # seconds in which the first partial of middle C falls to 1/e
LOUDEST = 0.9  # of full scale


def synthesise(notes: Sequence[Note], tempo: float) -> np.ndarray:
    """Notes as sound, (samples,) float32 in (-1, 1), 22,050 a second:

        note(t) = rise(t) fall(t) sum_n sin(2 pi n f t) / n^1.5 exp(-n t / (DECAY sqrt(C4 / f)))

    for the partials n f below half the sample rate, where rise is linear over the first 10 ms and fall over the 150 ms
    after the note's end. All notes are added up and scaled to a peak of 0.9.

    Args:
        notes: the notes to play.
        tempo: beats a minute.

    Example:
        >>> sound = synthesise([Note(69, 0, 1)], tempo=60)
        >>> len(sound) == round(1.15 * RATE), bool(abs(sound).max() == np.float32(LOUDEST))
        (True, True)
    """
    beat = 60 / tempo
    sound = np.zeros(round((length_of(notes) * beat + RELEASE) * RATE), np.float32)
    for pitch, begin, length in notes:
        first = round(begin * beat * RATE)
        tone = _tone(hertz(pitch), length * beat)[: len(sound) - first]
        sound[first : first + len(tone)] += tone
    peak = np.abs(sound).max(initial=0)
    return sound * np.float32(LOUDEST / peak) if peak else sound


def _tone(frequency: float, seconds: float) -> np.ndarray:
    """One note of `seconds` seconds, and its release."""
    time = np.arange(round((seconds + RELEASE) * RATE)) / RATE
    decay = DECAY * np.sqrt(hertz(60) / frequency)
    tone = np.zeros(len(time))
    for n in range(1, PARTIALS + 1):
        if n * frequency < RATE / 2:
            tone += np.sin(2 * np.pi * n * frequency * time) / n**1.5 * np.exp(-n * time / decay)
    rise = np.minimum(1, time / ATTACK)
    fall = np.clip((seconds + RELEASE - time) / RELEASE, 0, 1)
    shaped: np.ndarray = (tone * rise * fall).astype(np.float32)
    return shaped
