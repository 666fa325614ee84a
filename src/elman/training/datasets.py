"""From what a configuration names to encoded examples: read, settle, split, fit. One way for tables of any size.

A source that is small is a `Table` in memory, parsed and encoded at once. One that is larger than `data.in_memory` is
parsed once into a file of the cache (`elman.data.store`), and encoded batch by batch. Both give the same rows in the
same parts and the same order, and fields learn from the same rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from elman.checks import fail
from elman.config import DataConfig, RunConfig
from elman.data import (
    BadRows,
    Examples,
    File,
    Parsed,
    Paths,
    Permutation,
    Rows,
    Stored,
    Table,
    encode,
    find_files,
    from_wide,
    gather,
    head,
    kept_field,
    kept_value,
    key_of,
    lazy_examples,
    matching_columns,
    open_stored,
    parse,
    read_checked,
    read_files,
    read_stream,
    source_name,
    split_rows,
    spread_series,
    with_whole_paths,
    write_checked,
)
from elman.data.arrow_rows import Some
from elman.data.layouts.series import goes_on_in_time, long_series
from elman.data.layouts.stream import long_text
from elman.data.layouts.windows import window_parts
from elman.data.permutation import AsItStands
from elman.data.requests import is_read_whole
from elman.data.split import Drawn
from elman.errors import ConfigError
from elman.fields import Field, Fields
from elman.fields.values.cells import group, moment
from elman.model.build import make_fields
from elman.training.resolve import is_one_text, settle

SAMPLE = 2  # in the key of an order: that of the rows that fields learn from


class Tables(NamedTuple):
    """The data of a training: one table to be split, or splits that were given."""

    train: Table
    valid: Table | None = None
    test: Table | None = None


class Parts(NamedTuple):
    """The examples of each split, None where a split has none; and what messages call the source."""

    train: Examples
    valid: Examples | None
    test: Examples | None
    source: str


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
        """How often each value stands in the rows of a part."""
        values = self.parsed.values[role]
        return Counter(values[row] for row in part[np.arange(len(part))].tolist())

    def examples(self, part: Rows, fields: Fields, bad: BadRows) -> Examples:
        """The rows of a part, encoded."""
        return encode(self.parsed.take(part[np.arange(len(part))].tolist()), fields, bad)[1]


class OnDisk:
    """Parsed rows in a file, the folder it stands in, and the values to split by, if there are any; see `InMemory`."""

    def __init__(self, stored: Stored, folder: Path, by: np.ndarray | None) -> None:
        self.stored, self.folder, self.by = stored, folder, by

    def __len__(self) -> int:
        return len(self.stored)

    def values(self, role: str, field: Field, rows: np.ndarray) -> Sequence[Any]:
        return Some(self.stored, role, rows, field)

    def counts(self, role: str, part: Rows) -> Counter[Any]:
        return self.stored.counts(role, part)

    def examples(self, part: Rows, fields: Fields, bad: BadRows) -> Examples:
        return lazy_examples(self.stored, part, fields, bad, self.folder.name)


def make_parts(
    config: RunConfig, tables: Tables | None, seed: int, bad: BadRows, note: Callable[[str], None]
) -> tuple[Fields, Parts]:
    """The fitted fields and the examples of each split; what the configuration leaves open is written into it.

    Args:
        config: the configuration.
        tables: data in memory, which `[data]` does not name.
        seed: draws the split.
        bad: what is done with rows that cannot be used.
        note: takes a line for the person.

    Raises:
        ConfigError: settings that contradict each other, or the data.
        DataError: data that cannot be used.
    """
    if config.data.stream is None:
        config.data.stream = tables is None and is_one_text(config)
        if config.data.stream:
            said = "read as one long text; --set data.stream=false reads each line as a text of its own"
            note(f"source    {config.data.source}: {said}")
    sources = _sources(config, tables, bad, note)
    source = sources[0]
    assert source is not None
    first = source if isinstance(source, Table) else head(source, BadRows(bad.skip))
    for doubt in settle(config, first):
        note(doubt)
    fields = make_fields(config)
    data = config.data
    given: Any = tuple(sources)  # tables, where what stands there is one text, or steps in time: these are read whole
    if data.stream:
        return fields, Parts(*long_text(config, fields, given), first.source)
    if data.horizon is not None:
        return fields, Parts(*window_parts(config, fields, given, bad, note), first.source)
    if goes_on_in_time(config):
        return fields, Parts(*long_series(config, fields, given, bad), first.source)
    by: Any = None if data.split_group is None else (data.split_group, pa.string(), group)
    by = by if data.split_time is None else (data.split_time, pa.float64(), moment)
    paths = (None if tables else data.source), data.valid, data.test
    whole, valid, test = (
        None if part is None else _parsed(part, path, data, fields, by if part is source else None, first, bad, note)
        for part, path in zip(sources, paths, strict=True)
    )
    assert whole is not None
    fractions = 0.0 if valid else data.valid_fraction, 0.0 if test else data.test_fraction
    by_group, by_time = (None, whole.by) if data.split_time else (whole.by, None)
    drawn = split_rows(len(whole), *fractions, seed, by_group, by_time)
    _fit(config, whole, drawn.train, fractions, seed, fields)
    chosen = [(whole, drawn.train)]
    chosen += [
        (given, Drawn(AsItStands(len(given)), 0, len(given))) if given else (whole, part)
        for given, part in ((valid, drawn.valid), (test, drawn.test))
    ]
    examples = [body.examples(part, fields, bad) if len(part) else None for body, part in chosen]
    train = examples[0]
    assert train is not None
    return fields, Parts(train, examples[1], examples[2], first.source)


def _sources(
    config: RunConfig, tables: Tables | None, bad: BadRows, note: Callable[[str], None]
) -> list[Table | list[File] | None]:
    """Training, validation and test: a table each, or the files of one that is larger than is read into memory."""
    data = config.data
    if tables is None and data.source is None:
        then = "Name the source, or pass a table."
        fail("config", "data.source", "name a file or a folder", "none", then, ConfigError)
    paths = (None if tables else data.source), data.valid, data.test
    found: list[Table | list[File] | None] = []
    for path, table in zip(paths, tables or (None,) * 3, strict=True):
        if table is not None or path is None:
            found.append(table)
            continue
        files = find_files(path)
        size = sum(file.size for file in files) / 1e6
        if data.stream:
            if size > data.in_memory:
                note(f"source    {source_name(files)}: read into memory whole, as one long text is")
            found.append(read_stream(path))
            continue
        whole = is_read_whole(files, data)
        if size > data.in_memory and whole:
            note(f"source    {source_name(files)}: read into memory whole, as folders and the long format are")
        found.append(files if size > data.in_memory and not whole else read_files(files, bad))
    return found


def _parsed(
    source: Table | list[File],
    path: Paths | None,
    data: DataConfig,
    fields: Fields,
    by: Any,
    first: Table,
    bad: BadRows,
    note: Callable[[str], None],
) -> InMemory | OnDisk:
    """The rows that can be used; `by` is the column to split by, its Arrow type and what parses it.

    `path` is where they come from, None where that is memory; `first` holds rows of the training source, which say what
    columns there are.
    """
    beside = [] if path is None else find_files(path)
    if not isinstance(source, Table) and _names_files(first, fields):
        source = read_files(source, bad)  # the cache knows the bytes of the table, not of the files that it names
    if isinstance(source, Table):
        source = with_whole_paths(source, fields.named_files(), beside)
        parsed = parse(gather(source, fields, data.id, data.time, bad), fields, bad)
        return InMemory(parsed, None) if by is None else _with_values(parsed, by[0], by[2], bad)
    kept = [kept_field(role, field) for role, field in fields.by_role().items()]
    kept += [] if by is None else [kept_value(*by)]
    names = first.columns
    series = spread_series(fields, names)
    columns = matching_columns(first, series.columns or []) if series else []

    def gathered(table: Table, bad: BadRows) -> Table:
        table = table.completed(names)
        return from_wide(table, columns, series.name, bad) if series else table

    stored, folder = open_stored(source, kept, gathered, bad, note)
    return OnDisk(stored, folder, None if by is None else stored.numbered("split"))


def _names_files(table: Table, fields: Fields) -> bool:
    """Whether cells are paths of files; those of such a field may be arrays too."""
    named = (table.column(name) for name in fields.named_files())
    return any(isinstance(cell, str) for cells in named for cell in cells)


def _with_values(parsed: Parsed, column: str, parse: Callable[[Any], Any], bad: BadRows) -> InMemory:
    """The rows that have a value to split by, and those values."""
    raw = parsed.table.column(column)
    values = [parsed.table.parse_cell(row, column, raw[row], parse, bad) for row in parsed.rows]
    good = [index for index, value in enumerate(values) if value is not None]
    return InMemory(parsed.take(good), [values[index] for index in good])


def _fit(
    config: RunConfig, body: InMemory | OnDisk, part: Rows, fractions: tuple[float, float], seed: int, fields: Fields
) -> None:
    """Let the fields learn from the training split, or take back what they learned from it in an earlier run."""
    data, by_role = config.data, fields.by_role()
    means: list[Any] = [config.input, config.target, list(by_role), fractions, seed, data.fit_rows]
    means += [data.split_group, data.split_time, version("elman")]  # another version may cut texts in another way
    whole = any(field.fits_on_files for field in by_role.values())
    kept = body.folder / f"learned-{key_of(means)}.json" if body.folder and not whole else None
    learned = None if kept is None else read_checked(kept)
    if learned is not None:
        fields.restore(learned)
        return
    chosen = np.arange(min(len(part), data.fit_rows))
    if len(part) > data.fit_rows:
        chosen = Permutation(len(part), seed, 0, SAMPLE)(chosen)
    some = np.sort(part[chosen])

    def learn(role: str, field: Field) -> None:
        field.fit(body.counts(role, part) if field.fits_on_counts else body.values(role, field, some))

    with ThreadPoolExecutor(2) as threads:  # most of it is done by Arrow
        for job in [threads.submit(learn, role, field) for role, field in by_role.items()]:
            job.result()
    if kept is not None:
        write_checked(kept, fields.learned())
