"""The spectrogram of a clip: time on the horizontal axis, frequency on the vertical axis, energy as colour."""

import numpy as np

from elman.media.audio.mel import Filterbank
from elman.media.figures import new_figure, png

DECIBEL = 10 / np.log(10)  # from the natural logarithm of an energy


def draw_spectrogram(mel: np.ndarray, bank: Filterbank, title: str) -> bytes:
    """Log energies of mel bands (T, M) as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    framing = bank.framing
    seconds = len(mel) * framing.hop / framing.rate
    figure = new_figure("the spectrogram", min(16.0, max(5.0, 4 * seconds + 2)), 3.6)
    axes = figure.subplots()
    decibels = mel.T * DECIBEL
    image = axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, -0.5, bank.bands - 0.5),
        vmin=max(decibels.min(), decibels.max() - 80),
        cmap="magma",
    )
    marked = np.unique(np.linspace(0, bank.bands - 1, 6).round().astype(int))
    axes.set_yticks(marked, [f"{bank.centres[band]:,.0f}" for band in marked])
    axes.set(xlabel="time (s)", ylabel="centre of the mel band (Hz)")
    axes.set_title(title, parse_math=False)
    figure.colorbar(image, ax=axes, label="energy (dB)")
    return png(figure, dpi=120)
