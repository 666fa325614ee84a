"""What a column holds, told from its values; the user can always say otherwise."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from elman.checks import fail, shown
from elman.data.table import Table
from elman.errors import BadValueError, DataError
from elman.fields.raw import is_blank
from elman.fields.series import Series

MOST_CLASSES = 20  # whole numbers with more distinct values than this are measured, not named
LONGEST_CLASS = 40  # characters; a longer cell is a text
LOOKED_AT = 10_000  # rows; enough to tell


def infer_kind(table: Table, column: str, as_target: bool, inputs: Sequence[str] = ()) -> str:
    """The kind of field that a column holds: "text", "category", "number" or "series".

    Lists are series; numbers are numbers, but whole ones with at most 20 distinct values are categories as a target;
    other values are categories where they are short, at most half of them are distinct and, as an input, each is one
    word; else they are numbers where more than half are such, so that the others are found as bad rows; else text.

    Raises:
        DataError: the column has no value, or holds what no field can read, or what no target can be.
    """
    where = f"{table.source}: column {column!r}"
    values = [value for value in table.column(column)[:LOOKED_AT] if not is_blank(value)]
    if not values:
        fail(where, "the column", "hold values", "none", error=DataError)
    if _all(values, _number) and not isinstance(values[0], bool):
        named = all(float(value).is_integer() for value in values) and len(set(values)) <= MOST_CLASSES
        return "category" if as_target and named else "number"
    if any(isinstance(value, (list, tuple, np.ndarray)) for value in values) or _all(values, Series(column).parse):
        if as_target:
            _refuse_target(where, "lists")
        return "series"
    if not all(isinstance(value, (str, bool)) for value in values):
        fail(where, "the column", "hold text, numbers or lists of numbers", type(values[0]).__name__, error=DataError)
    short = max(len(str(value)) for value in values) <= LONGEST_CLASS
    words = any(len(str(value).split()) > 1 for value in values)
    distinct = len(set(values))
    if short and (as_target or not words) and distinct <= max(2, len(values) // 2):
        return "category"
    if sum(_all([value], _number) for value in values) > len(values) / 2:
        return "number"
    if as_target:
        _refuse_target(where, f"text ({distinct:,} distinct values in {len(values):,} rows)")
    return "text"


def _refuse_target(where: str, found: str) -> NoReturn:
    fail(
        where,
        "a target",
        "be a category or a number",
        found,
        "Name another column, or set its kind to category if its values are classes.",
        DataError,
    )


def _number(value: Any) -> None:
    """Whether a number was meant; whether it is a finite one is the field's question, which knows the row."""
    try:
        float(value)
    except (TypeError, ValueError):
        raise BadValueError("be a number", shown(value)) from None


def _all(values: Sequence[Any], parse: Callable[[Any], Any]) -> bool:
    """Whether `parse` can read every value."""
    try:
        for value in values:
            parse(value)
    except BadValueError:
        return False
    return True
