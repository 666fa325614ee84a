"""What fields learn from series, and how whole series are encoded, one after the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.checks import fail
from elman.data.timeline import Timeline
from elman.errors import DataError
from elman.fields import Field, Fields, Forecast, Known, Lags, Series


def columns_of(field: Field) -> list[str]:
    """The columns of numbers that an input is made of; none of one that is a value of another kind."""
    return list(field.columns or ()) if isinstance(field, Series | Lags) else []


def values_of(field: Field, line: Timeline, steps: slice) -> Any:
    """What a field learns from or encodes of a series."""
    if isinstance(field, Forecast):
        return line.columns[field.name][steps]
    columns = columns_of(field)
    return line.numbers(columns)[steps] if columns else line.columns[field.name][steps]


def learn(field: Field, values: list[Any]) -> None:
    if isinstance(field, Forecast) or columns_of(field):
        field.fit([value for value in values if len(value)])
        return
    flat = [value for part in values for value in part]
    field.fit(Counter(flat) if field.fits_on_counts else flat)


def encoded_series(
    fields: Fields, series: Sequence[Timeline], ends: Sequence[int] | None = None, targets: bool = True
) -> Mapping[str, np.ndarray]:
    """All series one after the other, encoded, by role.

    Where `ends` are given, all but future covariates is encoded up to there only, and zero after it.
    """
    found: dict[str, np.ndarray] = {}
    for role, field in fields.by_role(targets).items():
        until = [None] * len(series) if ends is None or isinstance(field, Known) else ends
        found[role] = np.concatenate([_encode(field, line, end) for line, end in zip(series, until, strict=True)])
    return found


def _encode(field: Field, line: Timeline, end: int | None) -> np.ndarray:
    """A series encoded, (T, ...), zero from the step `end` on."""
    known = _encode_known(field, line, values_of(field, line, slice(end)))
    rest = np.zeros((len(line) - len(known), *known.shape[1:]), known.dtype)
    return np.concatenate([known, rest])


def _encode_known(field: Field, line: Timeline, values: Any) -> np.ndarray:
    if isinstance(field, Series | Lags):
        gaps = np.isnan(values)
        if field.missing == "refuse" and gaps.any():
            step, channel = (int(place) for place in np.argwhere(gaps)[0])
            then = "Fill the cell, or set missing to forward or mean."
            fail(
                line.place(step), f"column {columns_of(field)[channel]!r}", "hold a number", "nothing", then, DataError
            )
        return field.encode(values)
    return field.encode(values) if isinstance(field, Forecast) else np.array(field.encode_batch(values))
