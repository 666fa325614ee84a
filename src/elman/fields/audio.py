"""Audio: a clip of sound as a sequence of frames, each the energy in some mel bands, or cepstra of these."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from torch import nn

from elman.checks import check_choice, check_range, fail, shown
from elman.errors import BadValueError, ConfigError
from elman.fields.base import Input
from elman.fields.media import find_file
from elman.layers.spec_augment import SpecAugment
from elman.sound import Clip, Framing, as_mono, filterbank, log_mel, mfcc, read_clip, resampled
from elman.types import Json

BANDS = 40  # mel bands, and those that cepstra are calculated from
CEPSTRA = 13
RATE = 16_000


class Audio(Input):
    """A clip (T, C) of frames, each channel scaled by its mean and deviation in the training split.

    A cell is the path of a WAV, FLAC, MP3, OGG or AIFF file of any rate, depth and number of channels, or a pair
    (samples, rate) of an array (n,) or (n, channels) and samples a second. Channels are mixed to one, and the rate is
    changed to `rate`. The frames are calculated when a cell is read, which is once a training.

    Args:
        name: the column.
        rate: samples a second.
        features: "mel", the log of the energy in mel bands (`elman.sound.log_mel`); or "mfcc", cepstra of these
            (`elman.sound.mfcc`).
        size: C, bands, or cepstra, at most 40; None: 40 bands, 13 cepstra (of 40 bands).
        window, hop: milliseconds of sound in a frame, and from one frame to the next.
        fmin, fmax: Hz, where the lowest band begins and the highest ends; `fmax` None: half the rate.
        stack: frames that are joined to one step, so that a clip has so many times fewer steps.
        time_mask, frequency_mask: frames and channels that training hides at the most, twice a clip each, see
            `elman.layers.spec_augment.SpecAugment`; 0: none.
        root: the folder that relative paths start from; None: the current one.

    Raises:
        ArgumentError: an option out of its range.
        ConfigError: bands so narrow that one holds no frequency.
        MissingExtraError: soundfile or soxr is not installed.

    Example:
        >>> field = Audio("clip", rate=8000, size=20)
        >>> field.fit([field.parse((np.sin(np.arange(8000) / step), 8000)) for step in (1, 2, 3)])
        >>> field.encode(field.parse((np.sin(np.arange(4000)), 8000))).shape, field.describe()
        ((50, 20), '20 mel bands at 8,000 samples a second, 100 frames of 10 ms in the mean')
    """

    kind = "audio"
    is_sequence = True
    storage = pa.list_(pa.float32())  # frame by frame
    heeded_by_parse = frozenset({"rate", "features", "size", "window", "hop", "fmin", "fmax", "root"})

    def __init__(
        self,
        name: str,
        *,
        rate: int = RATE,
        features: Literal["mel", "mfcc"] = "mel",
        size: int | None = None,
        window: float = 25.0,
        hop: float = 10.0,
        fmin: float = 20.0,
        fmax: float | None = None,
        stack: int = 1,
        time_mask: int = 0,
        frequency_mask: int = 0,
        root: str | None = None,
    ) -> None:
        super().__init__(name)
        check_choice(name, "features", features, ("mel", "mfcc"))
        check_range(name, "rate", rate, low=1)
        self.features, self.root = features, root
        self.rate, self.window, self.hop, self.fmin, self.fmax = rate, window, hop, fmin, fmax
        self.size = (BANDS if features == "mel" else CEPSTRA) if size is None else size
        check_range(name, "size", self.size, low=1, high=None if features == "mel" else BANDS)
        check_range(name, "stack", stack, low=1)
        check_range(name, "time_mask", time_mask, low=0)
        check_range(name, "frequency_mask", frequency_mask, low=0, high=self.size)
        self.stack, self.time_mask, self.frequency_mask = stack, time_mask, frequency_mask
        self.framing = Framing.of(rate, window, hop)
        self.bank = filterbank(self.framing, self.size if features == "mel" else BANDS, fmin, fmax)
        self.mean, self.deviation = np.zeros(self.size), np.ones(self.size)
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
        return mel if self.features == "mel" else mfcc(mel, self.size)

    def _clip(self, raw: Any) -> Clip:
        if isinstance(raw, tuple | list) and len(raw) == 2 and not isinstance(raw[0], str):
            return as_mono(*raw)
        if not isinstance(raw, str | Path):
            raise BadValueError("be the path of a file of sound, or (samples, rate)", shown(raw))
        return read_clip(find_file(raw, self.root))

    def fit(self, values: Sequence[np.ndarray]) -> None:
        clips = frames = 0
        total, squares = np.zeros(self.size), np.zeros(self.size)
        for value in values:
            wide = value.astype(np.float64)
            clips, frames = clips + 1, frames + len(wide)
            total, squares = total + wide.sum(0), squares + (wide**2).sum(0)
        self.mean = total / frames
        deviation = np.sqrt((squares / frames - self.mean**2).clip(min=0))
        self.deviation = np.where(deviation > 1e-5, deviation, 1.0)  # a band that is always silent becomes zeros
        self._counts = clips, frames

    def encode(self, value: np.ndarray) -> np.ndarray:
        """Scaled steps (T / stack rounded up, C stack), the last filled up with the mean."""
        scaled = ((value - self.mean) / self.deviation).astype(np.float32)
        return np.pad(scaled, ((0, -len(scaled) % self.stack), (0, 0))).reshape(-1, self.stack * self.size)

    def pack(self, value: np.ndarray) -> np.ndarray:
        return value.ravel()

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        # A copy: what lies in a file that is mapped must not be read again later, see `Stored`.
        values: np.ndarray = stored.values.to_numpy().copy()
        return values.reshape(-1, self.size)

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        ends = np.cumsum(pc.list_value_length(stored).to_numpy())
        parts = np.split(stored.flatten().to_numpy(), ends[:-1]) if len(ends) else []
        return [part.reshape(-1, self.size) for part in parts]

    def learned(self) -> Json:
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist(), "counts": list(self._counts)}

    def restore(self, learned: Json) -> None:
        mean, deviation = np.array(learned["mean"]), np.array(learned["deviation"])
        if mean.shape != (self.size,) or deviation.shape != (self.size,):
            fail(f"column {self.name!r}", "the scale", f"have {self.size} channels", str(mean.shape), error=ConfigError)
        self.mean, self.deviation = mean, deviation
        clips, frames = learned["counts"]
        self._counts = int(clips), int(frames)

    def describe(self) -> str:
        clips, frames = self._counts
        channels = f"{self.size} mel bands" if self.features == "mel" else f"{self.size} cepstra"
        hop = 1000 * self.framing.hop / self.framing.rate
        said = f"{channels} at {self.framing.rate:,} samples a second"
        return f"{said}, {frames / max(1, clips):.4g} frames of {hop:g} ms in the mean"

    def encoder(self) -> nn.Module:
        return SpecAugment(self.size, self.stack, self.time_mask, self.frequency_mask)

    def pieces(self, value: np.ndarray) -> list[str]:
        """When each step begins."""
        return [f"{step * self.seconds:.2f} s" for step in range(-(-len(value) // self.stack))]
