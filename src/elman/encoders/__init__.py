"""How a network reads a field, by its kind. A new one is one file here and one line in this table."""

from collections.abc import Callable
from typing import Any

from torch import nn

from elman.encoders.audio import audio_encoder
from elman.encoders.base import TensorBatch, TensorColumn
from elman.encoders.category import category_encoder
from elman.encoders.image import image_encoder
from elman.encoders.known import known_encoder
from elman.encoders.lags import lags_encoder
from elman.encoders.notes import notes_encoder
from elman.encoders.number import number_encoder
from elman.encoders.roll import roll_encoder
from elman.encoders.series import series_encoder
from elman.encoders.text import text_encoder

# The kind of a field -> the function that makes its encoder: a module from encoded values (B, T, ...) or (B, ...) to
# features (B, T, D) or (B, D), whose attribute `output_size` is D.
ENCODERS: dict[str, Callable[[Any], nn.Module]] = {
    "text": text_encoder,
    "category": category_encoder,
    "number": number_encoder,
    "series": series_encoder,
    "lags": lags_encoder,
    "known": known_encoder,
    "image": image_encoder,
    "audio": audio_encoder,
    "notes": notes_encoder,
    "roll": roll_encoder,
}

__all__ = [
    "ENCODERS",
    "TensorBatch",
    "TensorColumn",
    "audio_encoder",
    "category_encoder",
    "image_encoder",
    "known_encoder",
    "lags_encoder",
    "notes_encoder",
    "number_encoder",
    "roll_encoder",
    "series_encoder",
    "text_encoder",
]
