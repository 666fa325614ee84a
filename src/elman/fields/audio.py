"""Audio: a clip of sound as a sequence of frames, each the energy in mel bands, or cepstra; read or generated."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import check_choice, check_fraction, check_range, fail, shown
from elman.decoding import laplace
from elman.errors import BadValueError, ConfigError
from elman.fields.base.generated import Frames
from elman.fields.values.files import find_file
from elman.media.audio import (
    Clip,
    Framing,
    as_mono,
    draw_spectrogram,
    filterbank,
    griffin_lim,
    log_mel,
    magnitude_from,
    mfcc,
    read_clip,
    resampled,
    write_wav,
)
from elman.types import Json

BANDS = 40  # mel bands, and those that cepstra are calculated from
CEPSTRA = 13
RATE = 16_000


class Audio(Frames):
    """A clip of frames, each of whose channels is scaled by its mean and standard deviation in the training split.

    A cell is the path of a WAV, FLAC, MP3, OGG or AIFF file of any rate, depth and number of channels, or a pair
    (samples, rate) of an array (n,) or (n, channels) and samples a second. A file whose end is missing is refused, but
    for an MP3 that does not say how long it is (`elman.media.audio.read_clip`). Channels are mixed to one, and the rate
    is changed to `rate`. The frames are calculated when a cell is read, which is once a training.

    As a target a clip is generated step by step, each with the probability that it is the last. Each number of a step
    has a Laplace distribution around a median of its own, of a scale that is the same at all steps; the medians are the
    likeliest clip. What the user reads are the log energies (T, bands); `save_artifacts` writes them as sound, by
    `elman.media.audio.griffin_lim`, and as a picture.

    Args:
        name: the column.
        generated, continues: see `Generated`.
        rate: samples a second.
        features: "mel", the log of the energy in mel bands (`elman.media.audio.log_mel`); or "mfcc", cepstra of these
            (`elman.media.audio.mfcc`).
        size: channels of a frame: bands, or cepstra, at most 40; None: 40 bands, 13 cepstra (of 40 bands).
        window, hop: milliseconds of sound in a frame, and from one frame to the next.
        fmin, fmax: Hz, where the lowest band begins and the highest ends; `fmax` None: half the rate.
        stack: frames that are joined to one step, so that a clip has fewer steps by this factor.
        normalize: as an input, "none", or "clip": from each channel its mean over the clip is taken off, and with it
            what a microphone, a room or a voice adds to all frames alike (cepstral mean normalization, Atal 1974).
        time_mask, frequency_mask: as an input, frames and channels that training hides at the most, twice a clip
            each, see `elman.layers.spec_augment.SpecAugment`; 0: none.
        dropout: as a target, 0 to 1, of the step that is fed back, see `elman.layers.speech.PreNet`.
        root: the folder that relative paths start from; None: the current one.

    Raises:
        ArgumentError: an option out of its range.
        ConfigError: bands so narrow that one holds no frequency; as a target, what is no sound or is hidden.
        MissingExtraError: soundfile or soxr is not installed.

    Example:
        >>> field = Audio("clip", rate=8000, size=20)
        >>> field.fit([field.parse((np.sin(np.arange(8000) / step), 8000)) for step in (1, 2, 3)])
        >>> field.encode(field.parse((np.sin(np.arange(4000)), 8000))).shape, field.describe()
        ((50, 20), '20 mel bands at 8,000 samples a second, 100 frames of 10 ms on average')
    """

    kind = "audio"
    names_files = True
    metrics = ("nats",)
    stops = True
    storage = pa.list_(pa.float32())  # frame by frame
    input_options = frozenset({"features", "normalize", "time_mask", "frequency_mask"})
    target_options = frozenset({"dropout"})
    parse_options = frozenset({"rate", "features", "channels", "window", "hop", "fmin", "fmax", "normalize", "root"})

    def __init__(
        self,
        name: str,
        generated: bool = False,
        continues: bool = False,
        *,
        rate: int = RATE,
        features: Literal["mel", "mfcc"] = "mel",
        size: int | None = None,
        window: float = 25.0,
        hop: float = 10.0,
        fmin: float = 20.0,
        fmax: float | None = None,
        stack: int = 1,
        normalize: Literal["none", "clip"] = "none",
        time_mask: int = 0,
        frequency_mask: int = 0,
        dropout: float = 0.5,
        root: str | None = None,
    ) -> None:
        super().__init__(name, generated, continues)
        check_choice(name, "features", features, ("mel", "mfcc"))
        check_choice(name, "normalize", normalize, ("none", "clip"))
        check_range(name, "rate", rate, low=1)
        self.features, self.normalize, self.root = features, normalize, root
        self.rate, self.window, self.hop, self.fmin, self.fmax = rate, window, hop, fmin, fmax
        self.channels = (BANDS if features == "mel" else CEPSTRA) if size is None else size
        check_range(name, "size", self.channels, low=1, high=None if features == "mel" else BANDS)
        check_range(name, "stack", stack, low=1)
        check_fraction(name, "dropout", dropout)
        check_range(name, "time_mask", time_mask, low=0)
        check_range(name, "frequency_mask", frequency_mask, low=0, high=self.channels)
        self.stack, self.time_mask, self.frequency_mask, self.dropout = stack, time_mask, frequency_mask, dropout
        self.size = self.uniform_size = stack * self.channels
        self.framing = Framing.of(rate, window, hop)
        self.bank = filterbank(self.framing, self.channels if features == "mel" else BANDS, fmin, fmax)
        self.mean, self.standard_deviation = np.zeros(self.channels), np.ones(self.channels)
        self._counts = (0, 0)  # clips and frames of the training split

    @property
    def seconds(self) -> float:
        """How long a step is."""
        return self.stack * self.framing.hop / self.framing.rate

    def parse(self, raw: Any) -> np.ndarray:
        """A path, or (samples, rate) -> frames (T, C) float32."""
        clip = resampled(self._clip(raw), self.framing.rate)
        mel = log_mel(clip.samples, self.bank)
        if not len(mel):
            must = f"have a frame, {1000 * self.framing.hop / self.framing.rate:g} ms of sound"
            raise BadValueError(must, f"{1000 * len(clip.samples) / clip.rate:.3g} ms")
        frames = mel if self.features == "mel" else mfcc(mel, self.channels)
        return frames - frames.mean(0) if self.normalize == "clip" else frames

    def _clip(self, raw: Any) -> Clip:
        if isinstance(raw, tuple | list) and len(raw) == 2 and not isinstance(raw[0], str):
            return as_mono(*raw)
        if not isinstance(raw, str | Path):
            raise BadValueError("be the path of an audio file, or (samples, rate)", shown(raw))
        return read_clip(find_file(raw, self.root))

    def fit(self, values: Sequence[np.ndarray]) -> None:
        hidden = self.time_mask or self.frequency_mask or self.normalize != "none"
        if self.generated and (self.features != "mel" or hidden):
            must, got = "be heard and seen where it is generated", "features, normalize, time_mask or frequency_mask"
            fail(f"column {self.name!r}", "a clip", must, got, "Leave these options out.", ConfigError)
        clips = frames = 0
        total, squares = np.zeros(self.channels), np.zeros(self.channels)
        for value in values:
            wide = value.astype(np.float64)
            clips, frames = clips + 1, frames + len(wide)
            total, squares = total + wide.sum(0), squares + (wide**2).sum(0)
        self.mean = total / frames
        deviation = np.sqrt((squares / frames - self.mean**2).clip(min=0))
        # A band that is always silent becomes zeros.
        self.standard_deviation = np.where(deviation > 1e-5, deviation, 1.0)
        self._counts = clips, frames

    def encode_prompt(self, value: np.ndarray) -> np.ndarray:
        """Scaled steps (T / stack rounded up, stack channels), the last filled up with the mean; of a clip that is
        generated with its last frame."""
        scaled = ((value - self.mean) / self.standard_deviation).astype(np.float32)
        filled: Literal["edge", "constant"] = "edge" if self.generated else "constant"  # generated: it ends as it ended
        return np.pad(scaled, ((0, -len(scaled) % self.stack), (0, 0)), mode=filled).reshape(-1, self.size)

    def decode_sequence(self, encoded: np.ndarray) -> np.ndarray:
        """Encoded steps, (T, size) or (T, size + 1) -> frames in the field's own unit, (T stack, channels) float32."""
        scaled = np.asarray(encoded)[:, : self.size].reshape(-1, self.channels)
        return (scaled * self.standard_deviation + self.mean).astype(np.float32)

    def truth(self, value: np.ndarray) -> np.ndarray:
        return value

    def names(self) -> list[str]:
        return [f"{centre:.0f} Hz" for centre in self.bank.centres] if self.features == "mel" else super().names()

    def as_cell(self, value: np.ndarray) -> tuple[np.ndarray, int]:
        """Frames of mel bands as sound: samples and rate."""
        return griffin_lim(magnitude_from(value, self.bank), self.framing), self.framing.rate

    def save_artifacts(self, value: np.ndarray, stem: Path, title: str = "") -> list[Path]:
        """stem.wav, and where matplotlib is installed stem.png."""
        sound, picture = (stem.with_name(f"{stem.name}{ending}") for ending in (".wav", ".png"))
        write_wav(sound, *self.as_cell(value))
        if find_spec("matplotlib") is None:
            return [sound]
        picture.write_bytes(draw_spectrogram(value, self.bank, title or f"{self.name}: {stem.name}"))
        return [sound, picture]

    def pack(self, value: np.ndarray) -> np.ndarray:
        return value.ravel()

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        # A copy: what lies in a file that is mapped must not be read again later, see `ArrowRows`.
        values: np.ndarray = stored.values.to_numpy().copy()
        return values.reshape(-1, self.channels)

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        ends = np.cumsum(pc.list_value_length(stored).to_numpy())
        parts = np.split(stored.flatten().to_numpy(), ends[:-1]) if len(ends) else []
        return [part.reshape(-1, self.channels) for part in parts]

    def learned(self) -> Json:
        return {
            "mean": self.mean.tolist(),
            "standard_deviation": self.standard_deviation.tolist(),
            "counts": list(self._counts),
        }

    def restore(self, learned: Json) -> None:
        mean, deviation = np.array(learned["mean"]), np.array(learned["standard_deviation"])
        if mean.shape != (self.channels,) or deviation.shape != (self.channels,):
            must = f"have {self.channels} channels"
            fail(f"column {self.name!r}", "the scale", must, str(mean.shape), error=ConfigError)
        self.mean, self.standard_deviation = mean, deviation
        clips, frames = learned["counts"]
        self._counts = int(clips), int(frames)

    def describe(self) -> str:
        clips, frames = self._counts
        channels = f"{self.channels} mel bands" if self.features == "mel" else f"{self.channels} cepstra"
        hop = 1000 * self.framing.hop / self.framing.rate
        text = f"{channels} at {self.framing.rate:,} samples a second"
        return f"{text}, {frames / max(1, clips):.4g} frames of {hop:g} ms on average"

    def next_frames(self, output: np.ndarray, uniform: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        if uniform is None:
            return laplace.median(output)
        return laplace.sample(output, uniform, temperature).astype(np.float32)

    def end_probabilities(self, output: np.ndarray) -> np.ndarray:
        return laplace.stop_probability(output)

    def step_names(self, value: np.ndarray) -> list[str]:
        """When each step begins."""
        return [f"{step * self.seconds:.2f} s" for step in range(-(-len(value) // self.stack))]
