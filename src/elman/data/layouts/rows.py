"""Rows: each row of a table is a sequence, or the rows of one id are; in memory or, where they are many, in a file.

A source that is small is a `Table` in memory, parsed and encoded at once. One that is larger than `data.in_memory` is
parsed once into a file of the cache (`elman.data.store`), and encoded batch by batch. Both give the same rows in the
same splits and the same order, and fields learn from the same rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from elman.data.arrow_rows import ArrowRows, ColumnValues
from elman.data.batch import Examples
from elman.data.cache import key_of, read_checked, write_checked
from elman.data.files import File
from elman.data.layouts.base import Layout, Note, Source, Sources, Splits
from elman.data.lazy import lazy_examples
from elman.data.permutation import IdentityPermutation, Permutation
from elman.data.prepare import Parsed, encode, gather, parse, spread_series
from elman.data.readers import head, read_files
from elman.data.reshape import from_wide, matching_columns
from elman.data.split import Rows, SampledRows, split_rows
from elman.data.store import open_stored, stored_field, stored_value
from elman.data.table import BadRows, Table
from elman.fields import Field, Fields
from elman.fields.values.cells import group, moment
from elman.types import Json

SAMPLE = 2  # in the key of an order: that of the rows that fields learn from


class RowsLayout(Layout):
    """Each row is a sequence; with an id, the rows of one id are, ordered by a time.

    Args:
        fields: of the network.
        id: the column that names the sequence of a row; None: each row is one.
        time: the column that orders the rows of a sequence.
        split_group: the column whose rows of one value stay in one split.
        split_time: the column that orders the rows: the oldest train, the newest test.
        fit_rows: training rows, at most, that vocabularies and scales are learned from.
        options: what the fields are made from, by which what they learned is found again in the cache.
    """

    def __init__(
        self,
        fields: Fields,
        id: str | None = None,
        time: str | None = None,
        split_group: str | None = None,
        split_time: str | None = None,
        fit_rows: int = 1_000_000,
        options: Json | None = None,
    ) -> None:
        super().__init__(fields)
        self.id, self.time, self.split_group, self.split_time = id, time, split_group, split_time
        self.fit_rows, self.options = fit_rows, options or {}
        self.reads_whole = id is not None or time is not None

    def splits(self, sources: Sources, fractions: tuple[float, float], seed: int, bad: BadRows, note: Note) -> Splits:
        by: Any = None if self.split_group is None else (self.split_group, pa.string(), group)
        by = by if self.split_time is None else (self.split_time, pa.float64(), moment)
        first = sources.train.table or head(list(sources.train.files), BadRows(bad.skip))
        whole = self._parsed(sources.train, by, first, bad, note)
        valid, test = (
            None if source is None else self._parsed(source, None, first, bad, note)
            for source in (sources.valid, sources.test)
        )
        fractions = 0.0 if valid else fractions[0], 0.0 if test else fractions[1]
        by_group, by_time = (None, whole.by) if self.split_time else (whole.by, None)
        drawn = split_rows(len(whole), *fractions, seed, by_group, by_time)
        self._fit(whole, drawn.train, fractions, seed)
        chosen = [(whole, drawn.train)]
        chosen += [
            (given, SampledRows(IdentityPermutation(len(given)), 0, len(given))) if given else (whole, part)
            for given, part in ((valid, drawn.valid), (test, drawn.test))
        ]
        examples = [rows.examples(part, self.fields, bad) if len(part) else None for rows, part in chosen]
        train = examples[0]
        assert train is not None
        return Splits(train, examples[1], examples[2])

    def examples(self, table: Table, bad: BadRows) -> Examples:
        return encode(parse(table, self.fields, bad), self.fields, bad)[1]

    def latest(self, table: Table, bad: BadRows) -> Examples:
        return encode(parse(table, self.fields, bad, targets=False), self.fields, bad)[1]

    def prepared(self, table: Table, files: Sequence[File], bad: BadRows) -> Table:
        return gather(super().prepared(table, files, bad), self.fields, self.id, self.time, bad)

    def _parsed(self, source: Source, by: Any, first: Table, bad: BadRows, note: Note) -> "InMemory | OnDisk":
        """The rows that can be used; `by` is the column to split by, its Arrow type and what parses it, and `first`
        holds rows of the training source, which say what columns there are."""
        table = source.table
        if table is None and _names_files(first, self.fields):
            # The cache knows the bytes of the table, not of the files that it names.
            table = read_files(list(source.files), bad)
        if table is not None:
            parsed = parse(self.prepared(table, source.files, bad), self.fields, bad)
            return InMemory(parsed, None) if by is None else _with_values(parsed, by[0], by[2], bad)
        kept = [stored_field(role, field) for role, field in self.fields.by_role().items()]
        kept += [] if by is None else [stored_value(*by)]
        names = first.columns
        series = spread_series(self.fields, names)
        columns = matching_columns(first, series.columns or []) if series else []

        def gathered(piece: Table, bad: BadRows) -> Table:
            piece = piece.completed(names)
            return from_wide(piece, columns, series.name, bad) if series else piece

        stored, folder = open_stored(source.files, kept, gathered, bad, note)
        return OnDisk(stored, folder, None if by is None else stored.codes("split"))

    def _fit(self, rows: "InMemory | OnDisk", part: Rows, fractions: tuple[float, float], seed: int) -> None:
        """Let the fields learn from the training split, or take back what they learned from it in an earlier run."""
        by_role = self.fields.by_role()
        means: list[Any] = [self.options, list(by_role), fractions, seed, self.fit_rows]
        means += [self.split_group, self.split_time, version("elman")]  # another version may cut texts otherwise
        whole = any(field.fits_on_files for field in by_role.values())
        kept = rows.folder / f"learned-{key_of(means)}.json" if rows.folder and not whole else None
        learned = None if kept is None else read_checked(kept)
        if learned is not None:
            self.fields.restore(learned)
            return
        chosen = np.arange(min(len(part), self.fit_rows))
        if len(part) > self.fit_rows:
            chosen = Permutation(len(part), seed, 0, SAMPLE)(chosen)
        some = np.sort(part[chosen])

        def learn(role: str, field: Field) -> None:
            field.fit(rows.counts(role, part) if field.fits_on_counts else rows.values(role, field, some))

        with ThreadPoolExecutor(2) as threads:  # most of it is done by Arrow
            for job in [threads.submit(learn, role, field) for role, field in by_role.items()]:
                job.result()
        if kept is not None:
            write_checked(kept, self.fields.learned())


class InMemory:
    """Parsed rows in memory, and the values to split by, if there are any."""

    folder: Path | None = None

    def __init__(self, parsed: Parsed, by: list[Any] | None) -> None:
        self.parsed, self.by = parsed, by

    def __len__(self) -> int:
        return len(self.parsed.rows)

    def values(self, role: str, field: Field, rows: np.ndarray) -> Sequence[Any]:
        """Values of these rows."""
        values = self.parsed.values[role]
        return [values[row] for row in rows.tolist()]

    def counts(self, role: str, part: Rows) -> Counter[Any]:
        """How often each value occurs in the rows of a split."""
        values = self.parsed.values[role]
        return Counter(values[row] for row in part[np.arange(len(part))].tolist())

    def examples(self, part: Rows, fields: Fields, bad: BadRows) -> Examples:
        """The rows of a split, encoded."""
        return encode(self.parsed.take(part[np.arange(len(part))].tolist()), fields, bad)[1]


class OnDisk:
    """Parsed rows in a file, the folder it is in, and the values to split by, if there are any; see `InMemory`."""

    def __init__(self, stored: ArrowRows, folder: Path, by: np.ndarray | None) -> None:
        self.stored, self.folder, self.by = stored, folder, by

    def __len__(self) -> int:
        return len(self.stored)

    def values(self, role: str, field: Field, rows: np.ndarray) -> Sequence[Any]:
        return ColumnValues(self.stored, role, rows, field)

    def counts(self, role: str, part: Rows) -> Counter[Any]:
        return self.stored.counts(role, part)

    def examples(self, part: Rows, fields: Fields, bad: BadRows) -> Examples:
        return lazy_examples(self.stored, part, fields, bad, self.folder.name)


def _names_files(table: Table, fields: Fields) -> bool:
    """Whether cells are paths of files; those of such a field may be arrays too."""
    named = (table.column(name) for name in fields.file_columns())
    return any(isinstance(cell, str) for cells in named for cell in cells)


def _with_values(parsed: Parsed, column: str, parse: Callable[[Any], Any], bad: BadRows) -> InMemory:
    """The rows that have a value to split by, and those values."""
    raw = parsed.table.column(column)
    values = [parsed.table.parse_cell(row, column, raw[row], parse, bad) for row in parsed.rows]
    good = [index for index, value in enumerate(values) if value is not None]
    return InMemory(parsed.take(good), [values[index] for index in good])
