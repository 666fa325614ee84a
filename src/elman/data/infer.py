"""What a column holds, told from its values; the user can always say otherwise."""

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

MOST_CLASSES = 20  # whole numbers with more distinct values than this are measured, not named
LONGEST_CLASS = 40  # characters; a longer cell is a text
MOST_TAGS, MOST_WORDS_AS_TAGS = 500, 200  # distinct ones: in lists, and in texts
ALIGNED = 0.9  # share of the rows; the others are then found as bad rows
LOOKED_AT = 10_000  # rows; enough to tell
SPAN_TAG = re.compile(r"O|[BIES]-.+")


def infer_kind(table: Table, column: str, as_target: bool, inputs: Sequence[str] = ()) -> str:
    """The kind of field that a column holds: "text", "category", "number", "series", "tags" or "labels"; where all its
    cells are names of files of one kind, "audio", "notes" or "image".

    Lists of strings are text; as a target they are tags where they are few, at most 500 distinct ones, each twice in
    the mean, and go with the input's steps, some of them perhaps missing (None). Few ones that do not are labels where
    each list is in alphabetical order, nothing twice, as a set is written: sounds or words never are. Labels in
    another order must be said to be such. Other lists are series. Numbers are numbers, but whole ones with at most 20
    distinct values are categories as a target. A text as a target is tags where its words go with the input's steps and
    are O, B-... and I-..., or are at most 200 distinct ones and half as many as the input's; the latter only after what
    follows here, if all rows have one number of them. Other values are categories where they are short, at most half of
    them are distinct and, as an input, each is one word; else they are numbers where more than half are such, so that
    the others are found as bad rows; else text.

    Words go with an input's steps where nine rows in ten, and one with several, have as many of them as the input has
    words or elements.

    Args:
        table: where the column is.
        column: its name.
        as_target: whether it is to be predicted.
        inputs: of a target, the columns that are read; without them, any lists of few strings are tags, no text is.

    Raises:
        DataError: the column has no value, or holds what no field can read, or what no target can be.
    """
    where = f"{table.source}: column {column!r}"
    cells = table.column(column)[:LOOKED_AT]
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
    along = as_target and _goes_along(cells, table, inputs)
    words = [str(value).split() for value in values]
    if along and all(map(SPAN_TAG.fullmatch, chain.from_iterable(words))):
        return "tags"
    as_tags = along and _are_few(words, MOST_WORDS_AS_TAGS) and _are_names(words, table, inputs)
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
    cells = [cell for cell in table.column(column)[:LOOKED_AT] if not is_blank(cell)]
    return all(isinstance(cell, str) and len(cell.split()) == 1 for cell in cells)


def _kind_of_strings(cells: Sequence[Any], values: Sequence[Any], table: Table, inputs: Sequence[str]) -> str:
    """What lists of strings are as a target."""
    known = [[part for part in value if part is not None] for value in values]
    if not _are_few(known, MOST_TAGS):
        return "text"
    if not inputs or _goes_along(cells, table, inputs):
        return "tags"
    as_sets = any(known) and all(before < after for row in known for before, after in pairwise(row))
    return "labels" if as_sets else "text"


def _refuse_target(where: str, found: str) -> NoReturn:
    then = "Name another column, or set its kind to category, or labels, if its values are classes."
    fail(where, "a target", "be a category or a number, tags or text", found, then, DataError)


def _goes_along(cells: Sequence[Any], table: Table, inputs: Sequence[str]) -> bool:
    """Whether the cells have as many words, or elements, as one of the columns that are read."""
    counts = np.array([_count(cell) for cell in cells])
    if (counts <= 1).all():
        return False
    for name in inputs:
        if name not in table.columns:  # a series that is gathered from several
            continue
        read = np.array([_count(cell) for cell in table.column(name)[:LOOKED_AT]])
        if (counts == read).mean() >= ALIGNED:
            return True
    return False


def _count(cell: Any) -> int:
    return len(cell if _is_list(cell) else str(cell).split())


def _are_few(lists: Sequence[Sequence[str]], most: int) -> bool:
    """Whether there are at most so many distinct strings, each twice in the mean."""
    strings = list(chain.from_iterable(lists))
    return len(set(strings)) <= min(most, len(strings) / 2)


def _are_names(words: Sequence[Sequence[str]], table: Table, inputs: Sequence[str]) -> bool:
    """Whether the words are at most half as many distinct ones as are read: names of words, not another language."""
    cells = chain.from_iterable(table.column(name)[:LOOKED_AT] for name in inputs if name in table.columns)
    read = {part for cell in cells for part in (cell if _is_list(cell) else str(cell).split())}
    return 2 * len(set(chain.from_iterable(words))) <= len(read)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


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
