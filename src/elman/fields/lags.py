"""Lags: the last steps of a series as one vector, for networks without memory."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from elman.fields.base.field import Input
from elman.fields.series import Series
from elman.types import Json


class Lags(Input):
    """T steps of C measurements as one value of T C numbers, scaled by the training split as `Series` is.

    With it a linear map from past to future is a network like others: the topology one-to-one, whose head sits on the
    lags. With `normalize = "last"` of the target that is NLinear (Zeng et al. 2023, arXiv 2205.13504).

    Args:
        name: what messages call it.
        steps: T, those of a window.
        columns: those that are read, one a channel.
        missing: as in `Series`.

    Example:
        >>> field = Lags("past", 2, columns=["load"])
        >>> field.fit([field.parse([1.0, 3.0, 1.0, 3.0])])
        >>> field.encode(field.parse([1.0, 3.0])).tolist()
        [[-1.0], [1.0]]
    """

    kind = "lags"
    is_sequence = False
    storage = Series.storage
    parse_options = Series.parse_options

    def __init__(
        self,
        name: str,
        steps: int = 1,
        *,
        columns: list[str],
        missing: Literal["forward", "mean", "refuse"] = "forward",
    ) -> None:
        super().__init__(name)
        self.steps, self.columns, self.missing = steps, columns, missing
        self.scaled = Series(name, columns=columns, missing=missing)

    @property
    def past_columns(self) -> Sequence[str]:  # type: ignore[override]
        return self.columns

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

    def step_names(self, value: np.ndarray) -> list[str]:
        return [" ".join(self.scaled.step_names(value))]
