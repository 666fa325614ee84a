"""Frames: short overlapping windows of a clip, their spectra, and a clip from spectra."""

from typing import NamedTuple

import numpy as np

from elman.checks import check_range


class Framing(NamedTuple):
    """How a clip is cut into frames.

    Frame t is centred in the t-th hop of the clip, as in Kaldi with snip_edges=False: there are n / hop frames, rounded
    to the nearest, and beyond its ends the clip is mirrored.

    Args:
        rate: samples a second.
        window: samples a frame.
        hop: samples from one frame to the next.
    """

    rate: int
    window: int
    hop: int

    @classmethod
    def of(cls, rate: int, window: float, hop: float) -> "Framing":
        """From milliseconds, rounded down to whole samples.

        Raises:
            ArgumentError: a hop shorter than a sample, or longer than the window, which would skip samples.

        Example:
            >>> Framing.of(8000, window=25.0, hop=10.0)
            Framing(rate=8000, window=200, hop=80)
        """
        framing = cls(rate, int(rate * window / 1000), int(rate * hop / 1000))
        check_range("audio", "the samples of a hop", framing.hop, low=1)
        check_range("audio", "the samples of a window", framing.window, low=framing.hop)
        return framing

    @property
    def fft_size(self) -> int:
        """The smallest power of two that is at least the window."""
        return 1 << (self.window - 1).bit_length()

    @property
    def bins(self) -> int:
        """F, the number of frequencies of a spectrum, from 0 to half the rate."""
        return self.fft_size // 2 + 1

    @property
    def taper(self) -> np.ndarray:
        """The Hann window, (window,), zero at both ends."""
        return np.hanning(self.window) if self.window > 1 else np.ones(1)

    @property
    def before(self) -> int:
        """Samples of the first frame before the start of the clip."""
        return self.window // 2 - self.hop // 2


def frames_of(samples: np.ndarray, framing: Framing) -> np.ndarray:
    """Samples (n,) -> frames (T, window), float64, without the taper."""
    n = len(samples)
    count = (n + framing.hop // 2) // framing.hop
    at = np.arange(count)[:, None] * framing.hop + np.arange(framing.window) - framing.before
    at = at % (2 * n) if n else at  # mirrored at both ends, as often as a window is longer than the clip
    frames: np.ndarray = samples.astype(np.float64)[np.where(at < n, at, 2 * n - 1 - at)]
    return frames


def spectrum(samples: np.ndarray, framing: Framing) -> np.ndarray:
    """Samples (n,) -> their spectra (T, F), complex."""
    return np.fft.rfft(frames_of(samples, framing) * framing.taper, framing.fft_size)


def samples_from(spectra: np.ndarray, framing: Framing) -> np.ndarray:
    """The samples (T hop,) whose spectra are nearest to these (T, F), in least squares (Griffin & Lim 1984).

    Each frame is tapered again, overlapping frames are added, and the sum is divided by the sum of the squared tapers.
    """
    taper = framing.taper
    frames = np.fft.irfft(spectra, framing.fft_size)[:, : framing.window] * taper
    total = _overlapped(frames, framing.hop)
    weight = _overlapped(np.broadcast_to(taper**2, frames.shape), framing.hop)
    samples: np.ndarray = (total / weight.clip(min=1e-8))[framing.before :][: len(spectra) * framing.hop]
    return samples


def _overlapped(frames: np.ndarray, hop: int) -> np.ndarray:
    """The overlap-add of frames (T, window), hop apart."""
    count, window = frames.shape
    parts = -(-window // hop)
    cut = np.pad(frames, ((0, 0), (0, parts * hop - window))).reshape(count, parts, hop)
    total = np.zeros((count + parts, hop))
    for part in range(parts):
        total[part : part + count] += cut[:, part]
    return total.reshape(-1)
