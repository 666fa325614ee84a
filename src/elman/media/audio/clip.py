"""Clips: audio of any format, rate, depth and number of channels as one channel of float32 at a given rate."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError, MissingExtraError
from elman.media.audio.ending import is_cut_off


class Clip(NamedTuple):
    """One channel of audio."""

    samples: np.ndarray  # (n,) float32, full scale is 1
    rate: int  # samples a second


def read_clip(path: str | Path) -> Clip:
    """The audio of a WAV, FLAC, MP3, OGG or AIFF file, its channels mixed to one.

    An MP3 file without a count of its frames or bytes (no Xing or Info frame) does not record its length: if it is
    truncated, it is read as a shorter clip.

    Raises:
        BadValueError: it is not an audio file, it is truncated, or it has no samples.
        MissingExtraError: the package soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio", "reading audio") from None
    try:
        short = is_cut_off(Path(path))
        if not short:
            with soundfile.SoundFile(path) as file:
                promised, rate = file.frames, file.samplerate
                whole = -1 if file.seekable() else promised  # GSM and others are not seekable and need the count
                samples = file.read(whole, dtype="float32", always_2d=True)
            short = promised > len(samples)
    except MemoryError:  # mostly of a damaged header
        must = "be an audio file that fits in memory"
        raise BadValueError(must, f"{shown(str(path))}, whose header promises {promised:,} samples") from None
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise BadValueError("be an audio file", f"{shown(str(path))}: {_reason(error)}") from None
    if short:
        raise BadValueError("be a complete audio file", f"{shown(str(path))}, which is truncated")
    return as_mono(samples, rate)


def as_mono(samples: Any, rate: Any) -> Clip:
    """Samples (n,) or (n, channels) as a clip, the mean of the channels; integers become fractions of full scale.

    Raises:
        BadValueError: the samples are not finite numbers, there are none, or the rate is not a positive integer.

    Example:
        >>> as_mono(np.array([[16384, 0], [0, 0]], np.int16), 8000)
        Clip(samples=array([0.25, 0.  ], dtype=float32), rate=8000)
    """
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or rate < 1:
        raise BadValueError("have a positive whole number as its sample rate", shown(rate))
    try:
        array = np.asarray(samples)
    except ValueError:  # lists of several lengths
        raise BadValueError("hold samples (n,) or (n, channels)", shown(samples)) from None
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2):
        raise BadValueError("hold samples (n,) or (n, channels)", shown(samples))
    if array.size == 0:
        raise BadValueError("hold sound", "0 seconds")
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:  # of a list, or of pandas: full scale is not known
        raise BadValueError("hold floats, or whole numbers of at most 32 bits", str(array.dtype))
    if array.dtype.kind in "iu":
        bits = 8 * array.dtype.itemsize
        array = array / 2 ** (bits - 1) - (1 if array.dtype.kind == "u" else 0)  # unsigned ones have an offset
    mono = array.mean(1, dtype=np.float64) if array.ndim == 2 else array
    with np.errstate(over="ignore"):
        mono = mono.astype(np.float32)
    if not np.isfinite(mono).all():
        raise BadValueError("hold finite samples", "NaN or infinity")
    return Clip(mono, int(rate))


def resampled(clip: Clip, rate: int) -> Clip:
    """The clip with `rate` samples a second, by soxr at high quality.

    Raises:
        MissingExtraError: the package soxr is not installed.
    """
    if clip.rate == rate:
        return clip
    try:
        import soxr
    except ImportError:
        raise MissingExtraError("soxr", "audio", "resampling audio") from None
    return Clip(soxr.resample(clip.samples, clip.rate, rate), rate)


def _reason(error: Exception) -> str:
    """The message of a library's error, without the path and the full stop.

    libsndfile says of some existing files, such as an MP3 of less than two frames, that they do not exist.
    """
    message = getattr(error, "strerror", None) or str(error).rpartition(": ")[2].rstrip(".")
    return "Format not recognised" if "does not exist" in message else message
