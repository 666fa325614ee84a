"""Series: a sequence of measurements, one or several numbers a step."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from elman.checks import check_choice, fail, shown
from elman.errors import BadValueError, DataError
from elman.fields.base import Input
from elman.fields.number import parse_number
from elman.fields.raw import is_blank
from elman.types import Json

MISSING_WORDS = frozenset({"na", "n/a", "nan", "null", "none"})


class Series(Input):
    """A multivariate numeric sequence (T, C), each channel scaled by its mean and deviation in the training split.

    Args:
        name: what messages call it.
        columns: the columns that make it. Without `[data] id`, each row of the table is a sequence and the columns are
            its steps; with it, each id is a sequence, its rows the steps, and the columns its channels. None: one
            column whose cells hold whole arrays, [1, 2, 3] or [[1, 10], [2, 20]] (steps, then channels).
        missing: what an empty cell, None or NaN becomes: "forward", the channel's last value before it, or its mean
            where there is none; "mean"; or "refuse", an error.

    Example:
        >>> field = Series("load")
        >>> field.fit([field.parse("[1, null, 3]")])
        >>> field.encode(field.parse([1, None, 3])).tolist(), field.describe()
        ([[-1.0], [-1.0], [1.0]], '1 channel, 3 steps in the mean, 1 of 3 values missing, filled by the value before')
    """

    kind = "series"
    is_sequence = True

    def __init__(
        self, name: str, *, columns: list[str] | None = None, missing: Literal["forward", "mean", "refuse"] = "forward"
    ) -> None:
        super().__init__(name)
        check_choice(name, "missing", missing, ("forward", "mean", "refuse"))
        self.columns, self.missing = columns, missing
        self.mean, self.deviation = np.zeros(0), np.ones(0)
        self._counts = (0, 0, 0)  # sequences, values, missing values of the training split

    def parse(self, raw: Any) -> np.ndarray:
        """An array, a list or its JSON text -> (T, C) float64, NaN where a value is missing."""
        if isinstance(raw, str):
            try:
                raw = json.loads(raw)
            except (ValueError, RecursionError):
                raise BadValueError("be a list of numbers such as [1, 2, 3]", shown(raw)) from None
        values = raw if isinstance(raw, np.ndarray) and raw.dtype.kind in "iuf" else _numbers(raw)
        series = np.asarray(values, dtype=np.float64)
        series = series[:, None] if series.ndim == 1 else series
        if series.ndim != 2 or 0 in series.shape:
            raise BadValueError("have at least one step, (T,) or (T, C)", f"shape {series.shape}")
        if np.isinf(series).any():
            raise BadValueError("hold finite numbers", "an infinite one")
        if self.missing == "refuse" and np.isnan(series).any():
            raise BadValueError("have no missing value", f"one at step {int(np.isnan(series).any(1).argmax())}")
        self._check_channels(series)
        return series

    def fit(self, values: Sequence[np.ndarray]) -> None:
        channels = Counter(series.shape[1] for series in values).most_common(1)[0][0]
        values = [series for series in values if series.shape[1] == channels]  # encoding finds the others
        steps = np.concatenate(values)
        seen = ~np.isnan(steps)
        for channel in range(channels):
            if not seen[:, channel].any():
                fail(
                    f"column {self.name!r}",
                    "a series",
                    "have a value in each channel in the training split",
                    f"none in channel {channel}",
                    "Leave that channel out.",
                    DataError,
                )
        self.mean, deviation = np.nanmean(steps, 0), np.nanstd(steps, 0)
        self.deviation = np.where(deviation > 0, deviation, 1.0)  # a channel that never changes becomes zeros
        self._counts = (len(values), steps.size, int((~seen).sum()))

    def encode(self, value: np.ndarray) -> np.ndarray:
        self._check_channels(value)
        scaled = (value - self.mean) / self.deviation
        gaps = np.isnan(scaled)
        if gaps.any():
            if self.missing == "forward":
                last = np.maximum.accumulate(np.where(gaps, -1, np.arange(len(scaled))[:, None]), axis=0)
                carried = np.take_along_axis(scaled, last.clip(min=0), axis=0)
                scaled = np.where(last >= 0, carried, 0)
            else:
                scaled = np.where(gaps, 0, scaled)
        return scaled.astype(np.float32)

    def _check_channels(self, series: np.ndarray) -> None:
        known = len(self.mean)  # 0 before `fit`
        if known and series.shape[1] != known:
            raise BadValueError(f"have {known} channel{'s' * (known > 1)}, as in training", str(series.shape[1]))

    def learned(self) -> Json:
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    def restore(self, learned: Json) -> None:
        self.mean, self.deviation = np.array(learned["mean"]), np.array(learned["deviation"])

    def describe(self) -> str:
        sequences, values, gaps = self._counts
        filled = "by the value before" if self.missing == "forward" else "by the mean"
        said = f"{gaps:,} of {values:,} values missing, filled {filled}" if gaps else "no value missing"
        steps = values / max(1, sequences * len(self.mean))
        return f"{len(self.mean)} channel{'s' if len(self.mean) > 1 else ''}, {steps:.4g} steps in the mean, {said}"

    def encoder(self) -> nn.Module:
        return Channels(len(self.mean))

    def pieces(self, value: np.ndarray) -> list[str]:
        return [" ".join("missing" if np.isnan(x) else f"{x:.4g}" for x in step) for step in value]


class Channels(nn.Module):
    """(B, T, C) as it is: the scaled measurements are the features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.output_size = channels

    def forward(self, x: Tensor) -> Tensor:
        return x


def parse_or_missing(raw: Any) -> float:
    """A cell as a number, NaN where it is empty or says that it is missing.

    Raises:
        BadValueError: it is something else.
    """
    if is_blank(raw) or (isinstance(raw, str) and raw.strip().lower() in MISSING_WORDS):
        return float("nan")
    return parse_number(raw)


def _numbers(raw: Any) -> Any:
    """Nested lists with every leaf a number or NaN; a ragged list is refused."""
    if not isinstance(raw, (list, tuple, np.ndarray)):
        raise BadValueError("be a list of numbers such as [1, 2, 3]", shown(raw))
    rows = [_numbers(part) if isinstance(part, (list, tuple, np.ndarray)) else parse_or_missing(part) for part in raw]
    if len({len(row) if isinstance(row, list) else -1 for row in rows}) > 1:
        raise BadValueError("have the same number of channels at every step", shown(raw))
    return rows
