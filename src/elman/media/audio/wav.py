"""WAV files: samples written so that every player plays them."""

import wave
from pathlib import Path

import numpy as np


def write_wav(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """One channel of 16 bits; samples louder than full scale are all made less loud, so that none is cut.

    Args:
        path: of the file, which is replaced.
        samples: (n,), full scale is 1.
        rate: samples a second.
    """
    loudest = float(np.abs(samples).max(initial=0.0))
    level = np.asarray(samples, np.float64) / max(1.0, loudest)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(level * 32767).astype("<i2").tobytes())
