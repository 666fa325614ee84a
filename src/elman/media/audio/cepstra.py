"""Cepstra: the shape of a spectrum in a few numbers with little correlation."""

import numpy as np

LIFTER = 22  # as in HTK and Kaldi


def mfcc(mel: np.ndarray, count: int) -> np.ndarray:
    """Log energies of mel bands (T, M) -> the first `count` cepstral coefficients, (T, count) float32 (Davis &
    Mermelstein 1980).

        c_k = lifter_k sqrt(2 / M) sum over n of mel_n cos(pi / M (n + 1/2) k),   c_0 with sqrt(1 / M)
        lifter_k = 1 + 11 sin(pi k / 22)

    as in Kaldi without `use_energy`: c_0 is the loudness of a frame.

    Args:
        mel: from `log_mel`.
        count: 1 to M.
    """
    bands = mel.shape[1]
    k, n = np.arange(count), np.arange(bands)
    basis = np.sqrt(2 / bands) * np.cos(np.pi / bands * (n[:, None] + 0.5) * k)  # (M, count)
    basis[:, 0] = np.sqrt(1 / bands)
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * k / LIFTER)
    cepstra: np.ndarray = (mel @ basis * lifter).astype(np.float32)
    return cepstra
