"""Clips: sound of any file, rate, depth and channel count as one channel of float32 at the rate that is wanted."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError, MissingExtraError
from elman.media.audio.ending import is_cut_off


class Clip(NamedTuple):
    """One channel of sound."""

    samples: np.ndarray  # (n,) float32, full scale is 1
    rate: int  # samples a second


def read_clip(path: str | Path) -> Clip:
    """The sound of a WAV, FLAC, MP3, OGG or AIFF file, its channels mixed to one.

    An MP3 whose head does not count its frames or bytes (it has no Xing or Info frame) says nowhere how long it is:
    where its end is missing, it is read as a shorter clip.

    Raises:
        BadValueError: it is no sound, it is cut off, or it holds no sample.
        MissingExtraError: the package soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio", "reading sound") from None
    try:
        short = is_cut_off(Path(path))
        if not short:
            with soundfile.SoundFile(path) as file:
                promised, rate = file.frames, file.samplerate
                whole = -1 if file.seekable() else promised  # GSM and others tell no place, and want to know how many
                samples = file.read(whole, dtype="float32", always_2d=True)
            short = promised > len(samples)
    except MemoryError:  # of a damaged head more often than of a sound
        must = "be a sound that memory can hold"
        raise BadValueError(must, f"{shown(str(path))}, whose head promises {promised:,} samples") from None
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise BadValueError("be a file of sound", f"{shown(str(path))}: {_reason(error)}") from None
    if short:
        raise BadValueError("be a whole file of sound", f"{shown(str(path))}, whose end is missing")
    return as_mono(samples, rate)


def as_mono(samples: Any, rate: Any) -> Clip:
    """Samples (n,) or (n, channels) as a clip, the mean of the channels; whole numbers become shares of full scale.

    Raises:
        BadValueError: they are no finite samples, there are none, or the rate is none.

    Example:
        >>> as_mono(np.array([[16384, 0], [0, 0]], np.int16), 8000)
        Clip(samples=array([0.25, 0.  ], dtype=float32), rate=8000)
    """
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or rate < 1:
        raise BadValueError("have a rate of whole samples a second", shown(rate))
    try:
        found = np.asarray(samples)
    except ValueError:  # lists of several lengths
        raise BadValueError("hold samples (n,) or (n, channels)", shown(samples)) from None
    if found.dtype.kind not in "iuf" or found.ndim not in (1, 2):
        raise BadValueError("hold samples (n,) or (n, channels)", shown(samples))
    if found.size == 0:
        raise BadValueError("hold sound", "0 seconds")
    if found.dtype.kind in "iu" and found.dtype.itemsize == 8:  # of a list, or of pandas: nothing says how loud 1 is
        raise BadValueError("hold floats, or whole numbers of at most 32 bits", str(found.dtype))
    if found.dtype.kind in "iu":
        bits = 8 * found.dtype.itemsize
        found = found / 2 ** (bits - 1) - (1 if found.dtype.kind == "u" else 0)  # unsigned ones stand around the middle
    mono = found.mean(1, dtype=np.float64) if found.ndim == 2 else found
    with np.errstate(over="ignore"):
        mono = mono.astype(np.float32)
    if not np.isfinite(mono).all():
        raise BadValueError("hold finite samples", "one that is not a number, or infinite")
    return Clip(mono, int(rate))


def resampled(clip: Clip, rate: int) -> Clip:
    """The clip with so many samples a second, by soxr's high quality.

    Raises:
        MissingExtraError: the package soxr is not installed.
    """
    if clip.rate == rate:
        return clip
    try:
        import soxr
    except ImportError:
        raise MissingExtraError("soxr", "audio", "changing the rate of sound") from None
    return Clip(soxr.resample(clip.samples, clip.rate, rate), rate)


def _reason(error: Exception) -> str:
    """What a library said, without the path that it said it of, and without its full stop.

    Of a file that is there, such as an MP3 of less than two frames, libsndfile may say that it is not.
    """
    said = getattr(error, "strerror", None) or str(error).rpartition(": ")[2].rstrip(".")
    return "Format not recognised" if "does not exist" in said else said
