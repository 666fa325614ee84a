"""Cells as numbers, one by one or a column at a time; a missing one is NaN."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import shown
from elman.errors import BadValueError
from elman.fields.values.cells import is_blank

MISSING_WORDS = frozenset({"na", "n/a", "nan", "null", "none"})


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


def measured(column: Any) -> np.ndarray | None:
    """A column of Arrow as `parse_or_missing` gives its cells, (rows,); None where it is no plain column of numbers."""
    if not isinstance(column, (pa.Array, pa.ChunkedArray)):
        return None
    numbers = to_floats(column)
    if numbers is None and pa.types.is_string(column.type):
        numbers = to_floats(pc.if_else(pc.equal(column, ""), None, column))
    if numbers is None or pc.any(pc.is_inf(numbers)).as_py():
        return None
    found: np.ndarray = numbers.fill_null(np.nan).to_numpy()
    return found


def parse_or_missing(raw: Any) -> float:
    """A cell as a number, NaN where it is empty or says that it is missing.

    Raises:
        BadValueError: it is something else.
    """
    if is_blank(raw) or (isinstance(raw, str) and raw.strip().lower() in MISSING_WORDS):
        return float("nan")
    return parse_number(raw)
