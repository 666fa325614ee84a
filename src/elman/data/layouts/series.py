"""Series: rows are steps of series that are continued; split in time, cut into pieces for training."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from elman.checks import fail
from elman.data.layouts.base import Note, Sources, Splits
from elman.data.layouts.rows import RowsLayout
from elman.data.prepare import Parsed, encode
from elman.data.reshape import matching_columns
from elman.data.split_in_time import fractions_in_time, joined_in_time
from elman.data.table import BadRows, Table
from elman.data.timeline import Timeline, timelines
from elman.errors import BadValueError, DataError
from elman.fields import Fields, Series

PIECE = 128  # steps of a training row where model.bptt does not say


class Whole(NamedTuple):
    """One series, all its splits one after the other."""

    line: Timeline
    readings: np.ndarray  # (T, C)
    ends: tuple[int, int, int]  # of training, validation and test

    def part(self, number: int) -> tuple[int, int]:
        """Where a split begins and ends."""
        return (0, *self.ends)[number], self.ends[number]


class SeriesLayout(RowsLayout):
    """Rows are steps of series, in order of time, and the next step is predicted.

    Of each series the oldest fraction trains, the next validates, the newest tests; where splits have sources of their
    own, the later ones come after the earlier ones. What trains is cut into pieces, each a row that begins with no
    past; validation and test are read whole, as is what is predicted later: there a row of the gathered table is a
    series.

    Args:
        fields: one series that is generated, and no input.
        id: the column that names the series of a row; None: all rows are one.
        time: the column that orders the steps.
        piece: steps of a training row; None: 128.
    """

    def __init__(self, fields: Fields, id: str | None, time: str, piece: int | None = None) -> None:
        super().__init__(fields, id, time)
        self.piece = piece or PIECE

    def splits(self, sources: Sources, fractions: tuple[float, float], seed: int, bad: BadRows, note: Note) -> Splits:
        given = sources.tables()
        fractions = fractions_in_time(given, *fractions)
        (field,) = self.fields.targets.values()
        assert isinstance(field, Series)
        columns = matching_columns(given[0], field.columns or [])
        tables = [None if table is None else timelines(table, columns, {}, self.id, self.time, bad) for table in given]
        series = list(_usable(field, columns, *joined_in_time(tables, fractions), bad))
        wanted = True, given[1] is not None or fractions[0] > 0, given[2] is not None or fractions[1] > 0
        longest = self.piece, None, None
        pieces = [
            _pieces(given[0], field, series, number, longest[number]) if wish else None
            for number, wish in enumerate(wanted)
        ]
        field.fit([one.readings[: one.ends[0]] for one in series if one.ends[0]])
        train, valid, test = (None if part is None else encode(part, self.fields, bad)[1] for part in pieces)
        assert train is not None
        return Splits(train, valid, test)


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
    """A split of all series, each cut into pieces of at most `longest` steps, or whole."""
    cut: list[tuple[Table, int, np.ndarray]] = []
    for one in series:
        begin, end = one.part(number)
        steps = longest or max(1, end - begin)
        found = ((one.line.spot(at), one.readings[at : min(at + steps, end)]) for at in range(begin, end, steps))
        cut += [(*spot, piece) for spot, piece in found]
    if not cut:
        got = f"{sum(len(one.readings) for one in series):,} steps in {len(series):,} series"
        then = "Add steps, or set data.valid_fraction and data.test_fraction."
        fail("data", source.source, "have enough steps for every split", got, then, DataError)
    table = cut[0][0]  # a split is in one table
    return Parsed(table, [row for _, row, _ in cut], {f"target.{field.name}": [piece for _, _, piece in cut]})
