"""Series: a sequence of measurements, one or several numbers a step."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import check_choice, check_range, fail, shown
from elman.decoding.distributions import DECILES, DISTRIBUTIONS, Distribution, Quantiles
from elman.errors import BadValueError, DataError
from elman.fields.base.generated import Frames
from elman.fields.values.numbers import parse_or_missing, to_floats
from elman.fields.values.patterns import is_pattern
from elman.types import Json

BLOCK = 1000  # series that are summed up together


class Series(Frames):
    """A multivariate numeric sequence (T, C), each channel scaled by its mean and standard deviation in the training
    split.

    As a target it is generated step by step, each step sampled from the distribution that the network predicts. The
    loss of a step is the sum over its channels of -log p in nats, of readings scaled by the training split; with
    quantiles of their pinball loss.

    Args:
        name: what messages call it.
        generated, continues: see `Generated`.
        columns: the columns that make it. Without `[data] id`, each row of the table is a sequence and the columns are
            its steps; with it, each id is a sequence, its rows the steps, and the columns its channels. None: one
            column whose cells hold whole arrays, [1, 2, 3] or [[1, 10], [2, 20]] (steps, then channels).
        missing: what an empty cell, None or NaN becomes: "forward", the channel's last value before it, or its mean
            where there is none; "mean"; or "refuse", an error.
        patch: as an input, readings that make one step, side by side, each C numbers (Nie et al. 2022, arXiv
            2211.14730): a network reads shapes, in fewer steps. What the last one lacks is filled by the last reading.
        hop: as an input, readings from one patch to the next, at most `patch`; None: `patch`, so that none is in two.
        noise: as an input, standard deviation of the Gaussian noise that training adds to every scaled reading.
        distribution: as a target, what is predicted of the next reading of each channel: "gaussian", "student-t" (where
            single readings are wild) or "quantiles".
        quantiles: rising, each above 0 and below 1, of the distribution "quantiles"; None: 0.1, 0.2, ..., 0.9.

    Example:
        >>> field = Series("load")
        >>> field.fit([field.parse("[1, null, 3]")])
        >>> field.encode(field.parse([1, None, 3])).tolist(), field.describe()
        ([[-1.0], [-1.0], [1.0]], '1 channel, 3 steps on average, 1 of 3 values missing, filled by the value before')
    """

    kind = "series"
    is_sequence = True
    storage = pa.struct([("values", pa.list_(pa.float64())), ("channels", pa.int32())])  # step by step
    parse_options = frozenset({"missing", "columns"})
    input_options = frozenset({"patch", "hop", "noise"})
    target_options = frozenset({"distribution", "quantiles"})
    stops = False

    def __init__(
        self,
        name: str,
        generated: bool = False,
        continues: bool = False,
        *,
        columns: list[str] | None = None,
        missing: Literal["forward", "mean", "refuse"] = "forward",
        patch: int = 1,
        hop: int | None = None,
        noise: float = 0.0,
        distribution: Literal["gaussian", "student-t", "quantiles"] = "gaussian",
        quantiles: list[float] | None = None,
    ) -> None:
        super().__init__(name, generated, continues)
        check_choice(name, "distribution", distribution, DISTRIBUTIONS)
        if quantiles is not None and distribution != "quantiles":
            must = 'go with distribution = "quantiles"'
            fail(name, "quantiles", must, str(quantiles), "Leave them out.")
        check_choice(name, "missing", missing, ("forward", "mean", "refuse"))
        check_range(name, "patch", patch, low=1)
        check_range(name, "hop", patch if hop is None else hop, low=1, high=patch)
        check_range(name, "noise", noise, low=0)
        self.columns, self.missing = columns, missing
        self.patch, self.hop, self.noise = patch, hop or patch, noise
        self.mean, self.standard_deviation = np.zeros(0), np.ones(0)
        self.distribution: Distribution = (
            Quantiles(DECILES if quantiles is None else quantiles)
            if distribution == "quantiles"
            else DISTRIBUTIONS[distribution]()
        )
        self.metrics = ("pinball",) if distribution == "quantiles" else ("nats",)
        self._counts = (0, 0, 0)  # sequences, values, missing values of the training split

    @property
    def size(self) -> int:  # type: ignore[override]
        """C."""
        return len(self.mean)

    @property
    def uniform_size(self) -> int:  # type: ignore[override]
        """A number for each channel."""
        return len(self.mean)

    @property
    def past_columns(self) -> Sequence[str]:  # type: ignore[override]
        return self.columns or ()

    def names(self) -> list[str]:
        """The columns of the channels, where each is one."""
        columns = self.columns or []
        named = len(columns) == self.size and not any(map(is_pattern, columns))
        return columns if named else super().names()

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
        """Each channel's mean and standard deviation, summed up in blocks (Chan, Golub & LeVeque 1979), so that all
        need not be in memory together."""
        found: dict[int, _Moments] = {}
        walk = iter(values)
        while block := list(islice(walk, BLOCK)):
            for channels in {series.shape[1] for series in block}:
                found.setdefault(channels, _Moments(channels)).add([s for s in block if s.shape[1] == channels])
        # Of series with several numbers of channels the most frequent is right; encoding finds the others.
        moments = max(found.values(), key=lambda moments: moments.series)
        for channel in np.flatnonzero(moments.seen == 0):
            must, got = "have a value in each channel in the training split", f"none in channel {channel}"
            fail(f"column {self.name!r}", "a series", must, got, "Leave that channel out.", DataError)
        deviation = np.sqrt(moments.squares / moments.seen)
        varies = (moments.low < moments.high) & (deviation > 0)
        # What never changes becomes zeros.
        self.mean, self.standard_deviation = moments.mean, np.where(varies, deviation, 1.0)
        values_of_all = moments.steps * len(self.mean)
        self._counts = (moments.series, values_of_all, values_of_all - int(moments.seen.sum()))

    def encode(self, value: np.ndarray) -> np.ndarray:
        self._check_channels(value)
        scaled = (value - self.mean) / self.standard_deviation
        gaps = np.isnan(scaled)
        if gaps.any():
            if self.missing == "forward":
                last = np.maximum.accumulate(np.where(gaps, -1, np.arange(len(scaled))[:, None]), axis=0)
                carried = np.take_along_axis(scaled, last.clip(min=0), axis=0)
                scaled = np.where(last >= 0, carried, 0)
            else:
                scaled = np.where(gaps, 0, scaled)
        return _patches(scaled.astype(np.float32), self.patch, self.hop)

    def encode_prompt(self, value: np.ndarray) -> np.ndarray:
        return self.encode(value)

    def parse_column(self, column: pa.Array | np.ndarray) -> pa.Array | None:
        if isinstance(column, np.ndarray):  # (rows, T, C), of a series that was spread over columns
            gaps = self.missing == "refuse" and np.isnan(column).any()
            rows, steps, channels = column.shape
            ends = np.arange(rows + 1) * steps * channels
            return None if gaps else stored_series(pa.array(column.ravel()), ends, channels)
        lists = pa.types.is_list(column.type) and pa.types.is_primitive(column.type.value_type)
        if not lists or column.null_count or not len(column) or not pc.min(pc.list_value_length(column)).as_py():
            return None
        flat = to_floats(column.flatten())
        if flat is None:
            return None
        flat = flat.fill_null(np.nan)
        if pc.any(pc.is_inf(flat)).as_py() or (self.missing == "refuse" and pc.any(pc.is_nan(flat)).as_py()):
            return None
        ends = np.concatenate([[0], np.cumsum(pc.list_value_length(column).to_numpy())])
        return stored_series(flat, ends, 1)

    def pack(self, value: np.ndarray) -> Json:
        return {"values": value.ravel(), "channels": value.shape[1]}

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        # A copy: what lies in a file that is mapped must not be read again later, see `ArrowRows`.
        values: np.ndarray = stored["values"].values.to_numpy().copy()
        return values.reshape(-1, stored["channels"].as_py())

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        flat = stored.field("values").flatten().to_numpy()
        ends = np.cumsum(pc.list_value_length(stored.field("values")).to_numpy())
        channels = stored.field("channels").to_pylist()
        parts = np.split(flat, ends[:-1]) if len(ends) else []
        return [part.reshape(-1, count) for part, count in zip(parts, channels, strict=True)]

    def representative_values(self, column: pa.Array) -> list[list[list[float]]]:
        return [[[0.0] * channels] for channels in column.field("channels").unique().to_pylist()]

    def _check_channels(self, series: np.ndarray) -> None:
        known = len(self.mean)  # 0 before `fit`
        if known and series.shape[1] != known:
            raise BadValueError(f"have {known} channel{'s' * (known > 1)}, as in training", str(series.shape[1]))

    def learned(self) -> Json:
        counts = list(self._counts)
        return {"mean": self.mean.tolist(), "standard_deviation": self.standard_deviation.tolist(), "counts": counts}

    def restore(self, learned: Json) -> None:
        self.mean, self.standard_deviation = np.array(learned["mean"]), np.array(learned["standard_deviation"])
        self._counts = tuple(learned.get("counts", (0, 0, 0)))

    def describe(self) -> str:
        sequences, values, gaps = self._counts
        filled = "by the value before" if self.missing == "forward" else "by the mean"
        missing = f"{gaps:,} of {values:,} values missing, filled {filled}" if gaps else "no value missing"
        steps = values / max(1, sequences * len(self.mean))
        return f"{len(self.mean)} channel{'s' if len(self.mean) > 1 else ''}, {steps:.4g} steps on average, {missing}"

    def next_frames(self, output: np.ndarray, uniform: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        mean = self.distribution.mean(output)
        if uniform is None:
            return mean.astype(np.float32)
        sampled = self.distribution.sample(output, uniform)
        found: np.ndarray = (mean + temperature * (sampled - mean)).astype(np.float32)
        return found

    def unscaled(self, scaled: np.ndarray) -> np.ndarray:
        """Scaled readings (T, C) in the units of the data, float64."""
        values: np.ndarray = scaled.astype(np.float64) * self.standard_deviation + self.mean
        return values

    def decode_sequence(self, encoded: Any) -> np.ndarray:
        return self.unscaled(np.asarray(encoded))

    def truth(self, value: np.ndarray) -> np.ndarray:
        return value

    def step_names(self, value: np.ndarray) -> list[str]:
        steps = [" ".join("missing" if np.isnan(x) else f"{x:.4g}" for x in step) for step in value]
        if self.patch == 1:
            return steps
        begins = range(0, self.hop * len(_patches(value, self.patch, self.hop)), self.hop)
        return [f"{steps[begin]} .. {steps[min(begin + self.patch, len(steps)) - 1]}" for begin in begins]


def stored_series(flat: pa.Array, ends: np.ndarray, channels: int) -> pa.Array:
    """Series as `Series.storage`: their values one after the other, and where each series begins and the last ends."""
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat)
    return pa.StructArray.from_arrays(
        [lists, pa.array(np.full(len(lists), channels, np.int32))], fields=list(Series.storage)
    )


class _Moments:
    """Means and squared deviations of series of `channels` channels, added up block by block."""

    def __init__(self, channels: int) -> None:
        self.series = self.steps = 0
        self.seen = np.zeros(channels, np.int64)
        self.mean, self.squares = np.zeros(channels), np.zeros(channels)  # (C,); sums of (x - mean)^2
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)

    def add(self, block: list[np.ndarray]) -> None:
        steps = np.concatenate(block)
        real = ~np.isnan(steps)
        seen, known = real.sum(0), np.where(real, steps, 0)
        mean = known.sum(0) / seen.clip(min=1)
        squares = (np.where(real, steps - mean, 0) ** 2).sum(0)
        both = (self.seen + seen).clip(min=1)
        apart = np.where(seen > 0, mean - self.mean, 0)
        self.squares += squares + apart**2 * self.seen * seen / both
        self.mean = self.mean + apart * seen / both
        self.seen = self.seen + seen
        self.low = np.minimum(self.low, np.where(real, steps, np.inf).min(0))
        self.high = np.maximum(self.high, np.where(real, steps, -np.inf).max(0))
        self.series, self.steps = self.series + len(block), self.steps + len(steps)


def _patches(steps: np.ndarray, patch: int, hop: int) -> np.ndarray:
    """Steps (T, C) -> every `hop` of them `patch` side by side, (N, patch C); the last step fills up the last patch."""
    if patch == 1:
        return steps
    begins = np.arange(0, max(1, len(steps) - patch + hop), hop)
    at = np.minimum(begins[:, None] + np.arange(patch), len(steps) - 1)
    found: np.ndarray = steps[at].reshape(len(begins), -1)
    return found


def _numbers(raw: Any) -> Any:
    """Nested lists with every leaf a number or NaN; a ragged list is refused."""
    if not isinstance(raw, (list, tuple, np.ndarray)):
        raise BadValueError("be a list of numbers such as [1, 2, 3]", shown(raw))
    rows = [_numbers(part) if isinstance(part, (list, tuple, np.ndarray)) else parse_or_missing(part) for part in raw]
    if len({len(row) if isinstance(row, list) else -1 for row in rows}) > 1:
        raise BadValueError("have the same number of channels at every step", shown(raw))
    return rows
