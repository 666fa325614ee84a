"""Mel bands: the energy of a frame in bands that follow human hearing, and spectra from these."""

from functools import lru_cache

import numpy as np

from elman.checks import check_range, fail
from elman.errors import ConfigError
from elman.media.audio.frames import Framing, frames_of

LEAST = float(np.finfo(np.float32).eps)  # floor of a band's energy, as in Kaldi: below the noise of 16 bits
BLOCK = 4096  # frames in memory at once
ROUNDS = 200  # iterations of the search for a spectrum; after 200 each band is within 1 %


class Filterbank:
    """Triangular filters over the frequencies of a spectrum, of equal width on the mel scale of HTK and Kaldi:

        mel(f) = 1127 log(1 + f / 700)

    Band k rises from centre k - 1 to centre k and falls to centre k + 1, linear in mel; the outermost edges are `low`
    and `high`. The Nyquist frequency belongs to no band, as in Kaldi.

    Args:
        framing: of the spectra.
        bands: M, at least 1.
        low, high: Hz; `high` None: half the rate.

    Attributes:
        weights: (M, F).
        centres: (M,) Hz.

    Raises:
        ArgumentError: no band, or frequencies that are not in order.
        ConfigError: a band contains no frequency of a spectrum, because there are too many.

    Example:
        >>> bank = Filterbank(Framing.of(8000, 25.0, 10.0), bands=4)
        >>> bank.weights.shape, bank.centres.round().tolist()
        ((4, 129), [348.0, 825.0, 1519.0, 2530.0])
    """

    def __init__(self, framing: Framing, bands: int, low: float = 20.0, high: float | None = None) -> None:
        check_range("audio", "size", bands, low=1)
        half = framing.rate / 2
        high = half if high is None else high
        check_range("audio", "fmax", high, low=0, high=half)
        check_range("audio", "fmin", low, low=0, high=high)
        self.framing, self.bands = framing, bands
        edges = np.linspace(_mel(np.array(low)), _mel(np.array(high)), bands + 2)
        at = _mel(np.arange(framing.bins) * framing.rate / framing.fft_size)
        left, centre, right = (edges[begin : begin + bands, None] for begin in range(3))
        width = (edges[1] - edges[0]) or 1.0
        self.weights = np.minimum(at - left, right - at).clip(min=0) / width
        self.weights[:, -1] = 0
        self.centres = 700 * (np.exp(centre[:, 0] / 1127) - 1)
        empty = np.flatnonzero(self.weights.sum(1) == 0)
        if len(empty):
            then = "Lower size, or lengthen the window."
            got = f"{bands} bands, of which the one at {self.centres[empty[0]]:.0f} Hz contains none"
            fail("audio", "each band", "contain a frequency of the spectrum", got, then, ConfigError)


def log_mel(samples: np.ndarray, bank: Filterbank) -> np.ndarray:
    """Samples (n,) -> log of the energy in each band, (T, M) float32.

    log(max(weights |spectrum|^2, 1.2e-7)): Kaldi's log filterbank features with the Hann window, centred frames
    (snip_edges=False), no dither, no pre-emphasis and without removing the mean of a frame, for samples with a full
    scale of 1. Pre-emphasis would add about the same constant to a band in all frames, which scaling would remove.
    """
    framing, taper = bank.framing, bank.framing.taper
    frames = frames_of(samples, framing)
    blocks = [
        np.abs(np.fft.rfft(frames[begin : begin + BLOCK] * taper, framing.fft_size)) ** 2 @ bank.weights.T
        for begin in range(0, max(1, len(frames)), BLOCK)
    ]
    energy: np.ndarray = np.log(np.concatenate(blocks).clip(min=LEAST)).astype(np.float32)
    return energy


def magnitude_from(mel: np.ndarray, bank: Filterbank) -> np.ndarray:
    """Log energies (T, M) -> magnitudes (T, F) >= 0 of spectra with such energies.

    Non-negative least squares by multiplicative updates (Lee & Seung 2001): P <- P * (E W) / (P W^T W), from P = E W,
    where frequencies in no band stay 0. The pseudo-inverse would give negative energies.
    """
    energy = np.exp(mel.astype(np.float64))
    weights, squared = bank.weights, bank.weights.T @ bank.weights  # (M, F), (F, F)
    wanted = energy @ weights
    power = wanted / weights.sum(0).clip(min=1e-8)
    for _ in range(ROUNDS):
        power *= wanted / (power @ squared).clip(min=1e-30)
    magnitude: np.ndarray = np.sqrt(power)
    return magnitude


@lru_cache(maxsize=8)
def filterbank(framing: Framing, bands: int, low: float, high: float | None) -> Filterbank:
    """A filterbank, the same object for the same arguments."""
    return Filterbank(framing, bands, low, high)


def _mel(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(1127 * np.log1p(frequency / 700))
