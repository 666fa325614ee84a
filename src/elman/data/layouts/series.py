"""Series whose rows are steps, to be gone on with: cut in time for validation and test, into pieces for training."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from elman.checks import fail
from elman.config import RunConfig
from elman.data import (
    BadRows,
    Examples,
    Parsed,
    Table,
    Timeline,
    encode,
    joined_in_time,
    matching_columns,
    shares_in_time,
    timelines,
)
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields import Fields, Series
from elman.topologies import NextStep

PIECE = 128  # steps of a training row where model.bptt does not say

Given = tuple[Table, Table | None, Table | None]
Three = tuple[Examples, Examples | None, Examples | None]


class Whole(NamedTuple):
    """One series, all its parts one after the other."""

    line: Timeline
    readings: np.ndarray  # (T, C)
    ends: tuple[int, int, int]  # of training, validation and test

    def part(self, number: int) -> tuple[int, int]:
        """Where a part begins and ends."""
        return (0, *self.ends)[number], self.ends[number]


def goes_on_in_time(config: RunConfig) -> bool:
    """Whether the data are series whose rows are steps, in order of time, and nothing but the next step is told."""
    kinds = [options.get("kind") for options in config.input.values()]
    return config.model.get("topology") == NextStep.name and kinds == [Series.kind] and config.data.time is not None


def long_series(config: RunConfig, fields: Fields, given: Given, bad: BadRows) -> Three:
    """Training, validation and test of series in the long format; the field learns from the training part.

    Of each series the oldest share trains, the next validates, the newest tests; where parts are given as tables, the
    later ones come after the earlier ones. What trains is cut into pieces, each a row that begins with no past;
    validation and test are read whole.

    Args:
        config: settled.
        fields: with one series that is written, and no input.
        given: tables that were named for each part; the later ones are cut off the first where they are not.
        bad: what is done with rows that cannot be used.

    Raises:
        ConfigError: a split by value, or fractions that cannot be.
        DataError: a part that should have steps would have none, or is not later than the one before.
    """
    data = config.data
    if data.split_group is not None or data.split_time is not None:
        then = "The end of each series is the test; leave data.split_group and data.split_time out."
        fail("config", "data.time", "go without a split by value where the next step is told", "one", then, ConfigError)
    shares = shares_in_time(given, data.valid_fraction, data.test_fraction)
    (field,) = fields.targets.values()
    assert isinstance(field, Series)
    columns = matching_columns(given[0], field.columns or [])
    tables = [None if table is None else timelines(table, columns, {}, data.id, data.time, bad) for table in given]
    series = list(_usable(field, columns, *joined_in_time(tables, shares), bad))
    wanted = True, given[1] is not None or shares[0] > 0, given[2] is not None or shares[1] > 0
    longest = config.model.get("bptt") or PIECE, None, None
    parts = [
        _pieces(given[0], field, series, number, longest[number]) if wish else None
        for number, wish in enumerate(wanted)
    ]
    field.fit([one.readings[: one.ends[0]] for one in series if one.ends[0]])
    train, valid, test = (None if part is None else encode(part, fields, bad)[1] for part in parts)
    assert train is not None
    return train, valid, test


def _usable(
    field: Series,
    columns: Sequence[str],
    series: Sequence[Timeline],
    borders: Sequence[tuple[int, int, int]],
    bad: BadRows,
) -> Iterator[Whole]:
    """The series that the field can read."""
    for line, ends in zip(series, borders, strict=True):
        try:
            yield Whole(line, field.parse(line.numbers(columns)), ends)
        except BadValueError as error:
            bad.found(f"{line.place(0)}: column {field.name!r} {error}")


def _pieces(source: Table, field: Series, series: Sequence[Whole], number: int, longest: int | None) -> Parsed:
    """A part of all series, each cut into pieces of at most so many steps, or whole."""
    cut: list[tuple[Table, int, np.ndarray]] = []
    for one in series:
        begin, end = one.part(number)
        steps = longest or max(1, end - begin)
        found = ((one.line.spot(at), one.readings[at : min(at + steps, end)]) for at in range(begin, end, steps))
        cut += [(*spot, piece) for spot, piece in found]
    if not cut:
        got = f"{sum(len(one.readings) for one in series):,} steps in {len(series):,} series"
        then = "Add steps, or set data.valid_fraction and data.test_fraction."
        fail("data", source.source, "have enough steps for every part", got, then, DataError)
    table = cut[0][0]  # a part stands in one table
    return Parsed(table, [row for _, row, _ in cut], {f"target.{field.name}": [piece for _, _, piece in cut]})
