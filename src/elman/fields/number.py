"""Number: one real number, scaled for the network and reported in the user's own units."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_choice, fail, shown
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Input, Single
from elman.types import Json

LOSSES = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.smooth_l1_loss}


class Number(Input, Single):
    """One real number: z = (value - mean) / deviation of the training split.

    Args:
        name: the column.
        loss: as a target, "mse" (learns the mean), "mae" (the median) or "huber" (between the two: squared up
            to an error of one deviation, absolute beyond), on z.

    Example:
        >>> field = Number("price")
        >>> field.fit([10.0, 30.0])
        >>> float(field.encode(30.0)), field.decode_target(torch.tensor([1.0, 0.0]))
        (1.0, [30.0, 20.0])
    """

    kind = "number"
    is_sequence = False
    metrics = ("mse", "mae")
    only_as_target = frozenset({"loss"})
    storage = pa.float64()

    def __init__(self, name: str, *, loss: Literal["mse", "mae", "huber"] = "mse") -> None:
        super().__init__(name)
        check_choice(name, "loss", loss, LOSSES)
        self.loss_name = loss
        self.mean, self.deviation = 0.0, 1.0

    def parse(self, raw: Any) -> float:
        return parse_number(raw)

    def fit(self, values: Sequence[float]) -> None:
        array = np.fromiter(values, np.float64, len(values))
        self.mean, self.deviation = float(array.mean()), float(array.std())
        if self.deviation == 0 or not math.isfinite(self.deviation):
            fail(
                f"column {self.name!r}",
                "a number",
                "vary in the training split",
                f"{float(array[0])} in every row",
                "Check the column, or the split.",
                DataError,
            )

    def encode(self, value: float) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = np.array((value - self.mean) / self.deviation, dtype=np.float32)
        if not np.isfinite(scaled):
            raise BadValueError("be of the order of the training split's values", shown(value))
        return scaled

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        numbers = to_floats(column)
        whole = numbers is not None and numbers.null_count == 0 and pc.all(pc.is_finite(numbers)).as_py()
        return numbers if whole else None

    def witnesses(self, column: pa.Array) -> list[float]:
        return list(pc.min_max(column).as_py().values())

    def encode_batch(self, values: Sequence[float]) -> list[np.ndarray]:
        with np.errstate(over="ignore"):
            scaled = ((np.array(values, np.float64) - self.mean) / self.deviation).astype(np.float32)
        if not np.isfinite(scaled).all():
            return [self.encode(value) for value in values]  # which says which one
        return list(scaled)

    def learned(self) -> Json:
        return {"mean": self.mean, "deviation": self.deviation}

    def restore(self, learned: Json) -> None:
        self.mean, self.deviation = float(learned["mean"]), float(learned["deviation"])

    def describe(self) -> str:
        return f"mean {self.mean:.4g}, deviation {self.deviation:.4g}"

    def encoder(self) -> nn.Module:
        return Column()

    def pieces(self, value: float) -> list[str]:
        return [f"{value:.6g}"]

    def head(self, input_size: int) -> nn.Module:
        return nn.Linear(input_size, 1)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The squared, absolute or Huber error of each row, (B,), in units of the training split's deviation."""
        return LOSSES[self.loss_name](output[:, 0], target, reduction="none")

    def decode(self, output: Tensor) -> list[float]:
        return self.decode_target(output[:, 0])

    def decode_target(self, target: Tensor) -> list[float]:
        values: list[float] = (target.double() * self.deviation + self.mean).tolist()
        return values


class Column(nn.Module):
    """(B,) -> (B, 1): a single number is a vector of one feature."""

    output_size = 1

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None]


def to_floats(column: pa.Array) -> pa.Array | None:
    """A column of numbers, or of texts that all are such, as float64 with gaps; None where it is neither."""
    type = column.type
    if not (pa.types.is_string(type) or pa.types.is_integer(type) or pa.types.is_floating(type)):
        return None
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:  # white space, or no number
        return None


def parse_number(raw: Any) -> float:
    """A cell as a finite number.

    Raises:
        BadValueError: it is none.
    """
    try:
        number = float(raw)
    except (TypeError, ValueError):
        raise BadValueError("be a number", shown(raw)) from None
    if not math.isfinite(number):
        raise BadValueError("be a finite number", shown(raw))
    return number
