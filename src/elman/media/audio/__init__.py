"""Audio: read from files, converted to frames of mel bands or cepstra, and back to samples."""

from elman.media.audio.cepstra import mfcc
from elman.media.audio.clip import Clip, as_mono, read_clip, resampled
from elman.media.audio.frames import Framing, frames_of, samples_from, spectrum
from elman.media.audio.mel import Filterbank, filterbank, log_mel, magnitude_from
from elman.media.audio.phases import griffin_lim, spectral_convergence
from elman.media.audio.picture import draw_spectrogram
from elman.media.audio.wav import write_wav

__all__ = [
    "Clip",
    "Filterbank",
    "Framing",
    "as_mono",
    "draw_spectrogram",
    "filterbank",
    "frames_of",
    "griffin_lim",
    "log_mel",
    "magnitude_from",
    "mfcc",
    "read_clip",
    "resampled",
    "samples_from",
    "spectral_convergence",
    "spectrum",
    "write_wav",
]
