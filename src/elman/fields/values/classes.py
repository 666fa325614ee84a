"""Classes: how a cell names one, their order, how they are shown and given back."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from elman.checks import shown
from elman.errors import BadValueError
from elman.fields.values.cells import is_blank

SHOWN, COUNTED = 8, 6  # classes that a message lists, and a description


def class_name(raw: Any) -> str:
    """The class that a cell, or an element of one, names.

    Raises:
        BadValueError: it names none.
    """
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)  # a table with gaps holds whole numbers as floats
    text = "" if is_blank(raw) else str(raw).strip()
    if not text or isinstance(raw, (list, dict, tuple, np.ndarray)):
        raise BadValueError("name a class", shown(raw))
    return text


def in_order(names: Iterable[str]) -> list[str]:
    """Classes by the alphabet, or by size where all are integers."""
    names = list(names)
    return sorted(names, key=int if all(map(_is_integer, names)) else None)


def as_given(classes: list[str]) -> list[Any]:
    """The classes as the user knows them: integers or booleans where all are such, text otherwise."""
    if all(map(_is_integer, classes)):
        return [int(text) for text in classes]
    return [text == "True" for text in classes] if set(classes) == {"True", "False"} else classes


def listed(classes: Sequence[str]) -> str:
    """The first classes, for a message."""
    return ", ".join(classes[:SHOWN]) + (", ..." if len(classes) > SHOWN else "")


def with_counts(classes: Sequence[str], counts: Sequence[int]) -> str:
    """The first classes and how often each is there, for a description."""
    parts = [f"{text} {count:,}" for text, count in zip(classes[:COUNTED], counts, strict=False)]
    more = [f"and {len(classes) - COUNTED} more"] if len(classes) > COUNTED else []
    return ", ".join(parts + more)


def _is_integer(text: str) -> bool:
    return len(text) < 20 and text.removeprefix("-").isdecimal() and str(int(text)) == text
