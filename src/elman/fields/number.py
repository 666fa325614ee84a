"""Number: one measurement a row, scaled by its mean and standard deviation in the training split."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import check_choice, fail, shown
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Input, Single
from elman.fields.values.numbers import parse_number, to_floats
from elman.types import Json

LOSSES = ("mse", "mae", "huber")


class Number(Input, Single):
    """One real number: z = (value - mean) / standard deviation of the training split.

    Args:
        name: the column.
        loss: as a target, "mse" (learns the mean), "mae" (the median) or "huber" (between the two: squared up to an
            error of one standard deviation, absolute beyond), on z.

    Example:
        >>> field = Number("price")
        >>> field.fit([10.0, 30.0])
        >>> float(field.encode(30.0)), field.decode(np.array([[1.0], [0.0]]))
        (1.0, [30.0, 20.0])
    """

    kind = "number"
    is_sequence = False
    metrics = ("mse", "mae")
    target_options = frozenset({"loss"})
    storage = pa.float64()

    def __init__(self, name: str, *, loss: Literal["mse", "mae", "huber"] = "mse") -> None:
        super().__init__(name)
        check_choice(name, "loss", loss, LOSSES)
        self.loss = loss
        self.mean, self.standard_deviation = 0.0, 1.0

    def parse(self, raw: object) -> float:
        return parse_number(raw)

    def fit(self, values: Sequence[float]) -> None:
        array = np.fromiter(values, np.float64, len(values))
        self.mean, self.standard_deviation = float(array.mean()), float(array.std())
        if self.standard_deviation == 0 or not math.isfinite(self.standard_deviation):
            got, then = f"{float(array[0])} in every row", "Check the column, or the split."
            fail(f"column {self.name!r}", "a number", "vary in the training split", got, then, DataError)

    def encode(self, value: float) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = np.array((value - self.mean) / self.standard_deviation, dtype=np.float32)
        if not np.isfinite(scaled):
            raise BadValueError("be of the order of the training split's values", shown(value))
        return scaled

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        numbers = to_floats(column)
        whole = numbers is not None and numbers.null_count == 0 and pc.all(pc.is_finite(numbers)).as_py()
        return numbers if whole else None

    def representative_values(self, column: pa.Array) -> list[float]:
        return list(pc.min_max(column).as_py().values())

    def encode_batch(self, values: Sequence[float]) -> list[np.ndarray]:
        with np.errstate(over="ignore"):
            scaled = ((np.array(values, np.float64) - self.mean) / self.standard_deviation).astype(np.float32)
        if not np.isfinite(scaled).all():
            return [self.encode(value) for value in values]  # which says which one
        return list(scaled)

    def learned(self) -> Json:
        return {"mean": self.mean, "standard_deviation": self.standard_deviation}

    def restore(self, learned: Json) -> None:
        self.mean, self.standard_deviation = float(learned["mean"]), float(learned["standard_deviation"])

    def describe(self) -> str:
        return f"mean {self.mean:.4g}, standard deviation {self.standard_deviation:.4g}"

    def step_names(self, value: float) -> list[str]:
        return [f"{value:.6g}"]

    def decode(self, output: np.ndarray) -> list[float]:
        return self.decode_target(output[:, 0])

    def decode_target(self, target: np.ndarray) -> list[float]:
        values: list[float] = (target.astype(np.float64) * self.standard_deviation + self.mean).tolist()
        return values
