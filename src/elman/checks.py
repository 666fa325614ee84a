"""Checks of arguments, all with the same wording. Nothing is clamped or guessed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import Any, NoReturn, get_type_hints

from elman.errors import ArgumentError, ElmanError


def shown(value: object) -> str:
    """A value for an error message: its repr, cut at 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fail(
    where: str, what: str, must: str, got: str, then: str = "", error: type[ElmanError] = ArgumentError
) -> NoReturn:
    """Raise `<where>: <what> must <must>, got <got>. <then>`."""
    raise error(f"{where}: {what} must {must}, got {got}.{' ' + then if then else ''}")


def check_range(
    where: str, name: str, value: float, low: float | None = None, high: float | None = None, then: str = ""
) -> None:
    """Fail unless low <= value <= high; NaN never passes, and infinity only if it is the bound."""
    above = low is None or value >= low
    below = high is None or value <= high
    inside = above and below
    if inside and (abs(value) != math.inf or value in (low, high)):
        return
    bounds = {
        (True, False): f"be at least {low}",
        (False, True): f"be at most {high}",
        (True, True): f"lie between {low} and {high}",
        (False, False): "be a number",
    }[low is not None, high is not None]
    fail(where, name, f"{bounds} and finite" if inside else bounds, shown(value), then)


def check_fraction(where: str, name: str, value: float) -> None:
    """Fail unless 0 <= value < 1, as for a dropout rate: with 1 nothing would be left to learn from."""
    if not 0 <= value < 1:
        fail(where, name, "be a fraction, at least 0 and below 1", shown(value))


def check_whole(
    where: str, name: str, value: Any, low: int | None = None, high: int | None = None, then: str = ""
) -> None:
    """Fail unless `value` is a whole number, Python's or numpy's, and low <= value <= high."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        fail(where, name, "be a whole number", shown(value), then)
    check_range(where, name, int(value), low, high, then)


def check_choice(
    where: str, name: str, value: Any, choices: Iterable[str], error: type[ElmanError] = ArgumentError
) -> None:
    """Fail unless `value` is one of `choices`; the message lists them and suggests the nearest."""
    choices = list(choices)
    if value not in choices:
        fail(where, name, f"be one of {', '.join(choices)}", shown(value), did_you_mean(value, choices), error)


def did_you_mean(value: Any, choices: Iterable[str]) -> str:
    """`Did you mean 'x'?` for the nearest choice; empty if none is near."""
    near = get_close_matches(str(value), list(choices), n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def option_table(options: type) -> dict[str, tuple[Any, Any]]:
    """Key -> (type, default) of a TypedDict whose keys are each `Annotated[type, default]`."""
    hints = get_type_hints(options, include_extras=True)
    return {name: (hint.__origin__, *hint.__metadata__) for name, hint in hints.items()}


def with_defaults(where: str, options: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a TypedDict, see `option_table`: the given ones, and defaults for the rest.

    Raises:
        TypeError: an unknown option, as for any unexpected keyword argument of a function.
    """
    table = option_table(options)
    for name in given:
        if name not in table:
            hint = did_you_mean(name, table)
            raise TypeError(f"{where}() got an unexpected keyword argument {name!r}{'. ' + hint if hint else ''}")
    return {name: given.get(name, default) for name, (_, default) in table.items()}


def check_shape(where: str, name: str, shape: Sequence[int], expected: str, **sizes: int | None) -> None:
    """Fail unless `shape` matches `expected`, such as "B T D", where letters in `sizes` have fixed sizes.

    >>> check_shape("GRU", "x", (2, 5, 3), "B T D", D=3)
    >>> check_shape("GRU", "x", (2, 5, 4), "B T D", D=3)
    Traceback (most recent call last):
    elman.errors.ArgumentError: GRU: x must have shape (B, T, D) with D = 3, got (2, 5, 4).
    """
    letters = expected.split()
    fits = len(shape) == len(letters) and all(
        sizes.get(letter) in (None, size) for letter, size in zip(letters, shape, strict=True)
    )
    if not fits:
        fixed = [f"{letter} = {sizes[letter]}" for letter in letters if sizes.get(letter) is not None]
        wanted = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
        fail(where, name, f"have shape {wanted}{' with ' + ', '.join(fixed) if fixed else ''}", str(tuple(shape)))
