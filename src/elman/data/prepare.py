"""From a table to encoded examples: the one way that training, evaluation and prediction share."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail
from elman.data.batch import Examples
from elman.data.reshape import from_long, from_wide, matching_columns
from elman.data.table import BadRows, Table
from elman.errors import BadValueError, DataError
from elman.fields import Input, Series, Target


class Parsed(NamedTuple):
    """The rows of a table that can be used, as the fields' values."""

    table: Table
    rows: Sequence[int]  # of the table
    inputs: Sequence[Any]
    targets: Sequence[Any] | None

    def take(self, indices: Sequence[int]) -> "Parsed":
        """These rows only."""
        picked = [
            [values[i] for i in indices] for values in (self.rows, self.inputs, self.targets) if values is not None
        ]
        return Parsed(self.table, picked[0], picked[1], picked[2] if self.targets is not None else None)


def gather(table: Table, input: Input, id: str | None, time: str | None, bad: BadRows) -> Table:
    """The table with one row a sequence: a series that is spread over columns or rows is gathered, others stay."""
    if not isinstance(input, Series) or input.columns is None or input.name in table.columns:
        return table
    columns = matching_columns(table, input.columns)
    if id is None:
        return from_wide(table, columns, input.name, bad)
    return from_long(table, columns, input.name, id, time, bad)


def parse(table: Table, input: Input, target: Target | None, bad: BadRows) -> Parsed:
    """Read the input's column, and the target's where there is one.

    Raises:
        DataError: a column is missing, a cell is bad and not to be skipped, or no row is left.
    """
    inputs = table.values(input.name, input.parse, bad)
    targets = table.values(target.name, target.parse, bad, inputs) if target else inputs
    rows = [row for row in range(len(table)) if targets[row] is not None]
    if not rows:
        fail(table.source, "the table", "have a row that can be used", "none", error=DataError)
    kept = [targets[row] for row in rows] if target else None
    return Parsed(table, rows, [inputs[row] for row in rows], kept)


def encode(parsed: Parsed, input: Input, target: Target | None, bad: BadRows) -> tuple[Parsed, Examples]:
    """The examples of parsed rows, by fitted fields, and the rows themselves less those that cannot be encoded.

    Raises:
        DataError: a value cannot be encoded and is not to be skipped, or no row is left.
    """
    try:  # all at once; where one cannot be encoded, it is looked for
        inputs = input.encode_batch(parsed.inputs)
        targets = target.encode_batch(parsed.targets) if target is not None and parsed.targets is not None else []
        good = list(range(len(inputs)))
    except BadValueError:
        inputs, targets, good = _one_by_one(parsed, input, target, bad)
    if not good:
        fail(parsed.table.source, "the table", "have a row that can be used", "none", error=DataError)
    kept = parsed.take(good)
    return kept, Examples(inputs, targets if target else None, lambda row: kept.table.place(kept.rows[row]))


def _one_by_one(
    parsed: Parsed, input: Input, target: Target | None, bad: BadRows
) -> tuple[list[np.ndarray], list[np.ndarray], list[int]]:
    """Encoded inputs and targets of the rows that can be encoded, and which they are."""
    inputs: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    good: list[int] = []
    for index, row in enumerate(parsed.rows):
        column = input.name
        try:
            encoded = input.encode(parsed.inputs[index])
            if target is not None and parsed.targets is not None:
                column = target.name
                targets.append(target.encode(parsed.targets[index]))
        except BadValueError as error:
            bad.found(f"{parsed.table.place(row)}: column {column!r} {error}")
            continue
        inputs.append(encoded)
        good.append(index)
    return inputs, targets, good
