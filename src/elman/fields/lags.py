"""Lags: the last steps of a series as one vector, for networks without memory."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from torch import Tensor, nn

from elman.fields.base.field import Input
from elman.fields.series import Series
from elman.types import Json


class Lags(Input):
    """So many steps of C measurements as one value of T C numbers, scaled by the training split as `Series` is.

    With it a linear map from past to future is a network like others: the topology one-to-one, whose head sits on the
    lags. With `level = "last"` of the target that is NLinear (Zeng et al. 2023, arXiv 2205.13504).

    Args:
        name: what messages call it.
        columns: those that are read, one a channel.
        missing: as in `Series`.

    Attributes:
        steps: T, set before the encoder is made.

    Example:
        >>> field = Lags("past", columns=["load"])
        >>> field.steps = 2
        >>> field.fit([field.parse([1.0, 3.0, 1.0, 3.0])])
        >>> field.encode(field.parse([1.0, 3.0])).tolist(), field.encoder().output_size
        ([[-1.0], [1.0]], 2)
    """

    kind = "lags"
    is_sequence = False
    storage = Series.storage
    heeded_by_parse = Series.heeded_by_parse
    steps = 1

    def __init__(
        self, name: str, *, columns: list[str], missing: Literal["forward", "mean", "refuse"] = "forward"
    ) -> None:
        super().__init__(name)
        self.columns, self.missing = columns, missing
        self.scaled = Series(name, columns=columns, missing=missing)

    def parse(self, raw: Any) -> np.ndarray:
        return self.scaled.parse(raw)

    def fit(self, values: Sequence[np.ndarray]) -> None:
        self.scaled.fit(values)

    def encode(self, value: np.ndarray) -> np.ndarray:
        """(T, C) of any T -> the same, scaled: windows are cut from it later."""
        return self.scaled.encode(value)

    def pack(self, value: np.ndarray) -> Json:
        return self.scaled.pack(value)

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        return self.scaled.unpack(stored)

    def learned(self) -> Json:
        return self.scaled.learned()

    def restore(self, learned: Json) -> None:
        self.scaled.restore(learned)

    def describe(self) -> str:
        return f"{self.steps} steps of {self.scaled.describe()}"

    def encoder(self) -> nn.Module:
        return Flat(self.steps, len(self.columns))

    def pieces(self, value: np.ndarray) -> list[str]:
        return [" ".join(self.scaled.pieces(value))]


class Flat(nn.Module):
    """(B, T, C) -> (B, T C): all steps side by side."""

    def __init__(self, steps: int, channels: int) -> None:
        super().__init__()
        self.output_size = steps * channels

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)
