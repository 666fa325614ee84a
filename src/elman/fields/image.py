"""Image: a picture as one single value, from a file or an array."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from elman.checks import check_fraction, check_range, fail, shown
from elman.errors import BadValueError
from elman.fields.base.field import Input
from elman.fields.values.files import find_file
from elman.media.images import read_picture, resized, write_picture
from elman.types import Json

LARGEST_SIDE = 1024  # pixels
MOST_FEATURES = 100_000


class Image(Input):
    """A picture, (H, W, C): z = (value - mean) / standard deviation, both of a channel's pixels in the
    training split.

    Cells are paths of PNG, JPEG or BMP files, whose pixels are 0 to 255; or arrays of any numbers, (H, W) or (H, W, C).

    Args:
        name: the column.
        size: height x width that every picture is resized to (bilinear), in pixels, 1 to 1024: "28x28" or [28, 28].
        channels: C of a picture: 1 grey, 2 grey and opacity, 3 red, green and blue, 4 these and opacity. Without a
            channel for opacity what shines through lies on white. Files are converted; arrays must have as many
            channels, and a grey one, (H, W), is repeated for 3.
        features: D, size of the vector that a picture becomes.
        dropout: 0 to 1, fraction of these numbers that training sets to zero.
        root: the folder that relative paths start from; None: the current one.

    The network sees it by an `elman.encoders.image.PictureEncoder`.

    Example:
        >>> field = Image("photo", size="2x2", channels=1)
        >>> field.fit([field.parse([[0, 255], [255, 0]])])
        >>> field.encode(field.parse([[0, 255], [0, 255]])).tolist(), field.describe()
        ([[[-1.0, 1.0], [-1.0, 1.0]]], '2 x 2 pixels, 1 channel, mean 127.5, standard deviation 127.5')
    """

    kind = "image"
    names_files = True
    is_sequence = False
    storage = pa.list_(pa.float32())
    parse_options = frozenset({"size", "channels", "root"})

    def __init__(
        self,
        name: str,
        *,
        size: str | list[int] = "32x32",
        channels: int = 3,
        features: int = 64,
        dropout: float = 0.0,
        root: str | None = None,
    ) -> None:
        super().__init__(name)
        self.size = _sides(name, size)
        check_range(name, "channels", channels, low=1, high=4)
        check_range(name, "features", features, low=1, high=MOST_FEATURES)
        check_fraction(name, "dropout", dropout)
        self.channels, self.features, self.dropout, self.root = channels, features, dropout, root
        self.mean, self.standard_deviation = np.zeros(channels), np.ones(channels)

    def parse(self, raw: Any) -> np.ndarray:
        """The path of a file, an array or nested lists -> (H, W, C), uint8 of a file and float32 of an array."""
        if isinstance(raw, str | Path):
            return read_picture(find_file(raw, self.root), self.size, self.channels)
        return resized(_array(raw, self.channels), self.size)

    def fit(self, values: Sequence[np.ndarray]) -> None:
        pixels = len(values) * math.prod(self.size)
        totals = sum(value.sum((0, 1), dtype=np.float64) for value in values)
        self.mean = np.asarray(totals / pixels)
        squares = sum(np.square(value - self.mean).sum((0, 1)) for value in values)
        deviation = np.sqrt(squares / pixels)
        self.standard_deviation = np.where(deviation > 0, deviation, 1.0)  # what never changes becomes zeros

    def encode(self, value: np.ndarray) -> np.ndarray:
        return ((value - self.mean) / self.standard_deviation).astype(np.float32).transpose(2, 0, 1)

    def pack(self, value: np.ndarray) -> np.ndarray:
        return value.ravel().astype(np.float32)

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        return self._shaped(stored.values)

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        return [self._shaped(element.values) for element in stored]

    def _shaped(self, flat: pa.Array) -> np.ndarray:
        # A copy: what lies in a file that is mapped must not be read again later, see `ArrowRows`.
        value: np.ndarray = flat.to_numpy().copy()
        return value.reshape(*self.size, self.channels)

    def learned(self) -> Json:
        return {"mean": self.mean.tolist(), "standard_deviation": self.standard_deviation.tolist()}

    def restore(self, learned: Json) -> None:
        self.mean, self.standard_deviation = (
            np.array(learned[key], float).reshape(self.channels) for key in ("mean", "standard_deviation")
        )

    def describe(self) -> str:
        mean, deviation = (", ".join(f"{x:.4g}" for x in numbers) for numbers in (self.mean, self.standard_deviation))
        channels = f"{self.channels} channel{'s' * (self.channels > 1)}"
        return f"{self.size[0]} x {self.size[1]} pixels, {channels}, mean {mean}, standard deviation {deviation}"

    def save_artifacts(self, value: np.ndarray, stem: Path, title: str = "") -> list[Path]:
        """Write a parsed picture as `stem`.png, which has no room for a title."""
        path = stem.parent / f"{stem.name}.png"
        write_picture(value, path)
        return [path]

    def step_names(self, value: np.ndarray) -> list[str]:
        return [f"{value.shape[0]} x {value.shape[1]} pixels"]


def _sides(name: str, size: str | list[int]) -> list[int]:
    """[height, width]."""
    sides = size.lower().split("x") if isinstance(size, str) else size
    try:
        height, width = map(int, sides)
    except ValueError:
        fail(name, "size", 'be height x width such as "28x28" or [28, 28]', shown(size))
    for side in (height, width):
        check_range(name, "a side of size", side, low=1, high=LARGEST_SIDE)
    return [height, width]


def _array(raw: Any, channels: int) -> np.ndarray:
    """(H, W) or (H, W, C) -> (H, W, C) float32.

    Raises:
        BadValueError: it is no such array, or has other channels.
    """
    try:
        array = np.asarray(raw, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        raise BadValueError("be the path of a picture, or an array of its pixels", shown(raw)) from None
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise BadValueError("be a picture, (H, W) or (H, W, C)", f"shape {array.shape}")
    if not np.isfinite(array).all():
        raise BadValueError("hold finite numbers", "another one")
    array = array[:, :, None] if array.ndim == 2 else array
    if array.shape[2] == 1 and channels == 3:
        array = np.repeat(array, 3, axis=2)
    if array.shape[2] != channels:
        raise BadValueError(
            f"have {channels} channel{'s' * (channels > 1)}, (H, W, {channels})", f"shape {array.shape}"
        )
    return array
