"""Tones that stand for words: alone, and sung one after the other."""

import numpy as np

RATE = 8000
PITCHES = {"low": 300, "mid": 900, "high": 2700}
RANDOM = np.random.default_rng(0)
OPTIONS = {"kind": "audio", "rate": RATE, "size": 12}


def tone(name: str, seconds: float = 0.12) -> np.ndarray:
    at = np.arange(int(RATE * seconds)) / RATE
    return (0.3 * np.sin(2 * np.pi * PITCHES[name] * at) + 0.01 * RANDOM.standard_normal(len(at))).astype(np.float32)


def sung(names: list[str]) -> np.ndarray:
    """The tones one after the other, silence of some length around each."""
    parts = [np.zeros(int(RATE * RANDOM.uniform(0.06, 0.12)), np.float32)]
    for name in names:
        parts += [tone(name), np.zeros(int(RATE * RANDOM.uniform(0.06, 0.12)), np.float32)]
    return np.concatenate(parts)


SONGS = [list(RANDOM.choice(list(PITCHES), RANDOM.integers(1, 5))) for _ in range(120)]
SUNG = {"clip": [(sung(song), RATE) for song in SONGS], "words": [" ".join(song) for song in SONGS]}
START = RANDOM.bit_generator.state


def begin_anew() -> None:
    """The noise of the tones from here on is what it is in a process that made none before."""
    RANDOM.bit_generator.state = START
