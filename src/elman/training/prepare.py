"""From what a configuration names to the examples of each split: open, resolve, split, let the fields learn."""

from typing import NamedTuple

from elman.checks import fail
from elman.config.configuration import RunConfig
from elman.data import BadRows, head
from elman.data.layouts import Layout, Note, Splits, Tables
from elman.data.requests import open_sources
from elman.errors import ConfigError
from elman.fields import Fields
from elman.model.build import is_autoregressive, make_fields, make_layout, with_decoding
from elman.training.resolve import is_one_text, resolve


class Prepared(NamedTuple):
    """What a training begins with."""

    config: RunConfig  # complete
    fields: Fields  # fitted
    layout: Layout
    splits: Splits
    source: str  # what messages call the training source
    bad: BadRows  # what was left out


def prepare(config: RunConfig, tables: Tables | None, note: Note) -> Prepared:
    """The complete configuration, the fitted fields and the examples of each split.

    Args:
        config: as it was given, or complete.
        tables: data in memory, which `[data]` does not name.
        note: takes a line for the person.

    Raises:
        ArgumentError, ConfigError: settings that contradict each other, or the data.
        DataError: data that cannot be used.
    """
    data = config.data
    if tables is None and data.source is None:
        then = "Name the source, or pass a table."
        fail("config", "data.source", "name a file or a folder", "none", then, ConfigError)
    if data.stream is None and tables is None and is_one_text(config):
        then = "--set data.stream=false reads each line as a text of its own"
        note(f"source    {data.source}: read as one long text; {then}")
        data = data.model_copy(update={"stream": True})
        config = config.model_copy(update={"data": data})
    bad = BadRows(data.bad_rows == "skip")
    reads_whole = any(option is not None for option in (data.id, data.time, data.horizon))
    paths = (None if tables else data.source), data.valid, data.test
    sources = open_sources(paths, tables, bool(data.stream), reads_whole, data.in_memory, bad, note)
    first = sources.train.table or head(sources.train.files, BadRows(bad.skip))
    config, doubts = resolve(config, first)
    for doubt in doubts:
        note(doubt)
    fields = make_fields(config)
    layout = make_layout(config, fields)
    splits = layout.splits(sources, (data.valid_fraction, data.test_fraction), config.train["seed"], bad, note)
    if is_autoregressive(config):
        config = with_decoding(config, None if layout.is_stream else splits.train.longest_target())
    return Prepared(config, fields, layout, splits, first.source, bad)
