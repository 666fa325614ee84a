"""Raw cells: which are empty, and what moment one names. What a field makes of a cell is the field's own."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from elman.checks import shown
from elman.errors import BadValueError

NOTHING = ("NAType", "NaTType")  # what pandas has for a missing value, named so that pandas need not be there


def is_blank(raw: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, pandas' NA, or white space."""
    if isinstance(raw, str):
        return not raw.strip()
    return raw is None or (isinstance(raw, float) and math.isnan(raw)) or type(raw).__name__ in NOTHING


def not_blank(raw: Any) -> Any:
    """The cell itself.

    Raises:
        BadValueError: it holds nothing.
    """
    if is_blank(raw):
        raise BadValueError("hold a value", shown(raw))
    return raw


def listed(raw: Any, must: str) -> Any:
    """A text that begins as a list does as what its JSON says; anything else as it is.

    Raises:
        BadValueError: it is no JSON, and `must` says what it should be.
    """
    if not isinstance(raw, str) or not raw.lstrip().startswith("["):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadValueError(must, shown(raw)) from None


def moment(raw: Any) -> float:
    """A number as it is, a date or a time in ISO 8601 as seconds since 1970: what can be put in order without guessing.

    Raises:
        BadValueError: it is neither. 3/4/2026 is a different day in different countries.
    """
    try:
        if isinstance(raw, str) and not is_number(raw):
            raw = datetime.fromisoformat(raw.strip())
        if isinstance(raw, date) and not isinstance(raw, datetime):
            raw = datetime(raw.year, raw.month, raw.day)
        if isinstance(raw, datetime):
            return (raw if raw.tzinfo else raw.replace(tzinfo=UTC)).timestamp()
        number = float(raw)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise BadValueError("be a number or a date such as 2026-11-23 or 2026-11-23T14:00", shown(raw))
    return number


def group(raw: Any) -> str:
    """What a cell names, as text: 1, 1.0 and "1" are the same.

    Raises:
        BadValueError: it holds nothing.
    """
    raw = not_blank(raw)
    return str(int(raw) if isinstance(raw, float) and raw.is_integer() else raw)


def each_distinct(column: pa.Array, parse: Callable[[Any], Any], type: pa.DataType) -> pa.Array | None:
    """A column parsed by its distinct cells, for where they are few; None where one is bad, or missing."""
    if column.null_count or not _has_values(column.type):
        return None
    coded = column.dictionary_encode()
    try:
        distinct = [parse(cell) for cell in coded.dictionary.to_pylist()]
    except BadValueError:
        return None
    if column.type == type and distinct == coded.dictionary.to_pylist():
        return column
    return pa.array(distinct, type).take(coded.indices)


def _has_values(type: pa.DataType) -> bool:
    """Whether cells of this Arrow type can be told apart: lists and objects cannot."""
    tests = pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean
    return any(test(type) for test in tests)


def is_number(raw: Any) -> bool:
    """Whether a cell is a number, or a text that reads as one."""
    try:
        float(raw)
    except (TypeError, ValueError):
        return False
    return True
