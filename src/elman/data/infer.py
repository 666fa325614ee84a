"""The kind of a column, inferred from its values; the user can always set it."""

import re
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any, NoReturn

import numpy as np

from elman.checks import fail, shown
from elman.data.table import Table
from elman.errors import BadValueError, DataError
from elman.fields.series import Series
from elman.fields.values.cells import is_blank
from elman.fields.values.files import kind_of_files

MOST_CLASSES = 20  # whole numbers with more distinct values are measurements, not classes
LONGEST_CLASS = 40  # characters; a longer cell is text
MOST_TAGS, MOST_WORDS_AS_TAGS = 500, 200  # distinct tags in lists, and in texts
ALIGNED = 0.9  # fraction of the rows; the others are reported as bad rows
SAMPLED = 10_000  # rows
SPAN_TAG = re.compile(r"O|[BIES]-.+")


def infer_kind(table: Table, column: str, as_target: bool, inputs: Sequence[str] = ()) -> str:
    """The kind of a column: "text", "category", "number", "series", "tags" or "labels"; if all its cells are names of
    files of one kind, "audio", "notes" or "image".

    Lists of strings are text; as a target they are tags if there are few distinct strings, at most 500 and each twice
    on average, and the lists are aligned with the input's steps, where some may be missing (None). If they are not
    aligned, they are labels if each list is sorted without repetition, like a set; labels in another order must be
    declared as such. Other lists are series. Numbers are numbers, but whole numbers with at most 20 distinct values are
    categories as a target. A text as a target is tags if its words are aligned with the input's steps and are O, B-...
    and I-..., or if there are at most 200 distinct words and at most half as many as the input's; if all rows have the
    same number of words, the latter is tried only after the following rules. Other values are categories if they are
    short, at most half of them are distinct and, as an input, each is one word; else numbers, if more than half are
    numbers, so that the others are reported as bad rows; else text.

    Words are aligned with an input's steps if nine rows in ten, and at least one with several words, have as many words
    as the input has words or elements.

    Args:
        table: the table of the column.
        column: its name.
        as_target: whether it is a target.
        inputs: for a target, the input columns; without them, any lists of few strings are tags, and no text is.

    Raises:
        DataError: the column has no value, or values that no field can read, or that cannot be a target.
    """
    where = f"{table.source}: column {column!r}"
    cells = table.column(column)[:SAMPLED]
    values = [value for value in cells if not is_blank(value)]
    if not values:
        fail(where, "the column", "hold values", "none", error=DataError)
    named = kind_of_files(values)
    if named is not None:
        return named
    if _all(values, _number) and not isinstance(values[0], bool):
        few = all(float(value).is_integer() for value in values) and len(set(values)) <= MOST_CLASSES
        return "category" if as_target and few else "number"
    lists = all(map(_is_list, values))
    if lists and all(isinstance(part, str) or (as_target and part is None) for part in chain.from_iterable(values)):
        if as_target:
            return _kind_of_strings(cells, values, table, inputs)
        return "series" if any(map(len, values)) and _all(values, Series(column).parse) else "text"
    if any(_is_list(value) for value in values) or _all(values, Series(column).parse):
        if as_target:
            _refuse_target(where, "lists")
        return "series"
    if not all(isinstance(value, (str, bool)) for value in values):
        what = "hold text, numbers or lists of numbers or strings"
        fail(where, "the column", what, type(values[0]).__name__, error=DataError)
    aligned = as_target and _is_aligned(cells, table, inputs)
    words = [str(value).split() for value in values]
    if aligned and all(map(SPAN_TAG.fullmatch, chain.from_iterable(words))):
        return "tags"
    as_tags = aligned and _are_few(words, MOST_WORDS_AS_TAGS) and _are_names(words, table, inputs)
    if as_tags and len({len(parts) for parts in words}) > 1:
        return "tags"
    short = max(len(str(value)) for value in values) <= LONGEST_CLASS
    single = all(len(parts) <= 1 for parts in words)
    if short and (as_target or single) and len(set(values)) <= max(2, len(values) // 2):
        return "category"
    if sum(_all([value], _number) for value in values) > len(values) / 2:
        return "number"
    return "tags" if as_tags else "text"


def are_single_words(table: Table, column: str) -> bool:
    """Whether each cell of a column of texts is one word, such as a name, which is read letter by letter."""
    cells = [cell for cell in table.column(column)[:SAMPLED] if not is_blank(cell)]
    return all(isinstance(cell, str) and len(cell.split()) == 1 for cell in cells)


def _kind_of_strings(cells: Sequence[Any], values: Sequence[Any], table: Table, inputs: Sequence[str]) -> str:
    """The kind of lists of strings as a target."""
    known = [[part for part in value if part is not None] for value in values]
    if not _are_few(known, MOST_TAGS):
        return "text"
    if not inputs or _is_aligned(cells, table, inputs):
        return "tags"
    as_sets = any(known) and all(before < after for row in known for before, after in pairwise(row))
    return "labels" if as_sets else "text"


def _refuse_target(where: str, found: str) -> NoReturn:
    then = "Name another column, or set its kind to category, or labels, if its values are classes."
    fail(where, "a target", "be a category or a number, tags or text", found, then, DataError)


def _is_aligned(cells: Sequence[Any], table: Table, inputs: Sequence[str]) -> bool:
    """Whether the cells have as many words, or elements, as one of the input columns."""
    counts = np.array([_count(cell) for cell in cells])
    if (counts <= 1).all():
        return False
    for name in inputs:
        if name not in table.columns:  # a series that is gathered from several
            continue
        read = np.array([_count(cell) for cell in table.column(name)[:SAMPLED]])
        if (counts == read).mean() >= ALIGNED:
            return True
    return False


def _count(cell: Any) -> int:
    return len(cell if _is_list(cell) else str(cell).split())


def _are_few(lists: Sequence[Sequence[str]], most: int) -> bool:
    """Whether there are at most `most` distinct strings, each twice on average."""
    strings = list(chain.from_iterable(lists))
    return len(set(strings)) <= min(most, len(strings) / 2)


def _are_names(words: Sequence[Sequence[str]], table: Table, inputs: Sequence[str]) -> bool:
    """Whether there are at most half as many distinct words as in the inputs: tags, not a translation."""
    cells = chain.from_iterable(table.column(name)[:SAMPLED] for name in inputs if name in table.columns)
    read = {part for cell in cells for part in (cell if _is_list(cell) else str(cell).split())}
    return 2 * len(set(chain.from_iterable(words))) <= len(read)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _number(value: Any) -> None:
    """Check that a value reads as a number; whether it is finite is checked by the field, which knows the row."""
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
