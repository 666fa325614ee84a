"""Pictures as arrays: read from files of any mode, resized, and written, by Pillow."""

import struct
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError, MissingExtraError

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # Pillow's names, by channels
WIDE = 257.0  # scale from 8 to 16 bits
# Errors of reading damaged files, in one format or another.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)


def read_picture(path: Path, size: Sequence[int], channels: int) -> np.ndarray:
    """A file -> (height, width, channels), uint8, in its EXIF orientation; float32 for grey pictures of 16 bits.

    Args:
        path: of an existing file.
        size: height and width to resize to.
        channels: 1 to 4, see `elman.fields.Image`.

    Raises:
        BadValueError: it is not a picture, is damaged, or has more pixels than Pillow's limit.
        MissingExtraError: pillow is not installed.
    """
    pillow = _pillow("reading pictures")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(path) as opened:
                return _pixels(opened, size, channels)
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        most = f"be a picture of at most {pillow.MAX_IMAGE_PIXELS:,} pixels"
        raise BadValueError(most, f"more in {shown(path.name)}") from None
    except pillow.UnidentifiedImageError:
        why = "which is not one" if path.stat().st_size else "which is empty"
        raise BadValueError("be a picture", f"{shown(path.name)}, {why}") from None
    except DAMAGED as error:
        raise BadValueError("be a complete picture", f"{shown(path.name)}, {error}") from None


def write_picture(array: np.ndarray, path: Path) -> None:
    """Write (H, W, C) as a PNG; values outside of 0 to 255 are rescaled to this range.

    Raises:
        MissingExtraError: pillow is not installed.
    """
    pillow = _pillow("writing pictures")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        array = (array - low) * (255 / ((high - low) or 1.0))
    pixels = array.round().astype(np.uint8)
    pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, "PNG")


def resized(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """(H, W, C) float32 -> (height, width, C) float32, each channel by itself, bilinear; unchanged if it has this size.

    Raises:
        MissingExtraError: pillow is not installed.
    """
    if array.shape[:2] == tuple(size):
        return array
    pillow = _pillow("resizing pictures")
    channels = [pillow.fromarray(np.ascontiguousarray(channel)) for channel in array.transpose(2, 0, 1)]
    return np.stack([np.asarray(_resized(channel, size, pillow)) for channel in channels], axis=2)


def _pixels(opened: Any, size: Sequence[int], channels: int) -> np.ndarray:
    pillow = _pillow("reading pictures")
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(opened)
    if picture.mode.startswith("I"):  # grey, 16 bits
        grey = (np.asarray(picture, dtype=np.float32) / WIDE)[:, :, None]
        opaque = np.full_like(grey, 255)
        return resized(np.concatenate([grey] * (1 if channels < 3 else 3) + [opaque] * (channels % 2 == 0), 2), size)
    if channels % 2 and picture.has_transparency_data:
        above = picture.convert("RGBA")
        picture = pillow.alpha_composite(pillow.new("RGBA", above.size, "white"), above)
    array = np.asarray(_resized(picture.convert(MODES[channels]), size, pillow))
    return array[:, :, None] if channels == 1 else array


def _resized(picture: Any, size: Sequence[int], pillow: Any) -> Any:
    height, width = size
    return picture.resize((width, height), pillow.Resampling.BILINEAR)


def _pillow(purpose: str) -> Any:
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError("pillow", "image", purpose) from None
    return PIL.Image
