"""Writing WAV files that every player can play."""

import wave
from pathlib import Path

import numpy as np


def write_wav(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Write one channel of 16 bits; a clip that exceeds full scale is scaled down instead of clipped.

    Args:
        path: of the file; an existing file is replaced.
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
