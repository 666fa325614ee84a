"""What a configuration leaves open, resolved from the data: kinds of columns, topology, what makes one series."""

from collections.abc import Sequence
from typing import NamedTuple

from elman.checks import fail
from elman.config.configuration import RunConfig, resolved_options
from elman.data import Table, are_single_words, find_files, infer_kind, root_of
from elman.errors import ConfigError
from elman.fields import FIELDS, Text
from elman.fields.values.patterns import is_pattern
from elman.model.build import completed, continues_series
from elman.topologies import NextStep
from elman.training.draft import Draft
from elman.training.options import TrainingOptions
from elman.training.resolve_forecast import resolve_forecast
from elman.training.resolve_topology import resolve_topology

OF_WORDS = {"tokenizer", "split", "vectors", "characters"}  # options that say how a text is cut, or want words
LONG_CLASS, MANY_CLASSES = 3, 20  # words of a class, and classes, from which on texts may be meant


class Resolved(NamedTuple):
    """A configuration that leaves nothing open, and what a person who means something else should know."""

    config: RunConfig
    notes: list[str]  # a line each


def is_one_text(config: RunConfig) -> bool:
    """Whether the source is one plain text, and nothing but the text is to be generated."""
    source, topology = config.data.source, config.model.get("topology")
    if source is None or config.target or len(config.input) != 1 or topology not in (None, NextStep.name):
        return False
    files = find_files(source)
    return len(files) == 1 and files[0].kind == ".txt"


def resolve(config: RunConfig, table: Table) -> Resolved:
    """The configuration with its kinds, its topology, where named files are, and all defaults but those of decoding.

    These depend on the lengths of the targets, see `elman.model.build.with_decoding`. The configuration that is given
    stays as it is, and one that is complete gives itself.

    Args:
        config: as it was given.
        table: rows of the training source, enough to tell what its columns hold.

    Raises:
        ConfigError: settings that contradict each other, or the data.
        DataError: a column that is missing, or holds what no field can read.
    """
    draft, notes = Draft.of(config), []
    if draft.data.horizon is not None:
        resolve_forecast(draft, table)
    else:
        notes = _resolve_rows(draft, table)
    draft.train = resolved_options(TrainingOptions, draft.train, "train")
    found = completed(RunConfig(**vars(draft)))
    _check_splits_in_time(found)
    return Resolved(found, notes)


def _resolve_rows(draft: Draft, table: Table) -> list[str]:
    """All but forecasts, whose rows are steps; gives the notes."""
    _check_splits(draft)
    _gather_series(draft, table)
    for name, options in draft.input.items():
        if draft.data.stream:
            options.setdefault("kind", "text")  # however little of it there is
        alone = not draft.target and len(draft.input) == 1 and "kind" not in options
        _resolve_kind(options, table, name, False, ())
        if alone and options["kind"] == "category":  # what is continued is a sequence, however few there are
            options["kind"] = "text"
    open_targets = [name for name, options in draft.target.items() if "kind" not in options]
    for name, options in draft.target.items():
        _resolve_kind(options, table, name, True, list(draft.input))
    resolve_topology(draft)
    _resolve_roots(draft, table)
    return [line for name in open_targets for line in _doubt(draft.target[name], table, name)]


def _check_splits_in_time(config: RunConfig) -> None:
    """Streams and series that are continued are split at their end, not by the values of a column."""
    data = config.data
    if data.stream and (
        config.model["topology"] != NextStep.name or any(one["kind"] != Text.kind for one in config.input.values())
    ):
        fail("config", "data.stream", "go with one text and no target", "other columns", error=ConfigError)
    if data.split_group is None and data.split_time is None:
        return
    if data.stream:
        then = "The end of the text is the test; leave data.split_group and data.split_time out."
        fail("config", "data.stream", "go without a split by value", "one", then, ConfigError)
    if continues_series(config):
        must = "go without a split by value where the next step is predicted"
        then = "The end of each series is the test; leave data.split_group and data.split_time out."
        fail("config", "data.time", must, "one", then, ConfigError)


def _doubt(options: dict[str, object], table: Table, name: str) -> list[str]:
    """A line where classes were inferred that may be texts."""
    if options["kind"] != "category":
        return []
    classes = {value for value in table.column(name) if isinstance(value, str)}
    longest = max((len(value.split()) for value in classes), default=0)
    if longest < LONG_CLASS and len(classes) <= MANY_CLASSES:
        return []
    then = f"--set target.{name}.kind=text generates texts"
    return [f"target    {name}: its {len(classes):,} values are read as classes; {then}"]


def _resolve_roots(draft: Draft, table: Table) -> None:
    """The folder that paths start from, where files are named: that of the table, or else the current one."""
    files = [] if draft.data.source is None else find_files(draft.data.source)
    for name, options in (*draft.input.items(), *draft.target.items()):
        if FIELDS[options["kind"]].names_files and "root" not in options:
            options["root"] = root_of(table.column(name), files)


def _resolve_kind(options: dict[str, object], table: Table, name: str, as_target: bool, inputs: Sequence[str]) -> None:
    if "kind" in options:
        return
    options["kind"] = "series" if "columns" in options else infer_kind(table, name, as_target, inputs)
    if options["kind"] == "text" and not options.keys() & OF_WORDS and are_single_words(table, name):
        options["tokenizer"] = "character"


def _gather_series(draft: Draft, table: Table) -> None:
    """Numeric columns that are one series: several of them, a pattern, or those of the long format."""
    data = draft.data
    plain = [name for name, options in draft.input.items() if not options.keys() & {"kind", "columns"}]
    patterns = [name for name in plain if name not in table.columns and is_pattern(name)]
    numbers = [name for name in plain if name not in patterns and infer_kind(table, name, False, ()) == "number"]
    several = len(plain) > 1 and len(numbers) + len(patterns) == len(draft.input)
    in_rows = data.id is not None or data.time is not None  # a row is a step
    joined = plain if in_rows or several else patterns
    if joined:
        draft.join_inputs(joined)
    spread = [name for name, options in draft.input.items() if options.get("columns")]
    for name in spread:
        if name in table.columns:
            fail(
                "config",
                f"input.{name}",
                "have a name that no column has",
                f"a column {name!r}",
                "Rename the column, or give the series another name in [input.NAME].",
                ConfigError,
            )
    if in_rows and not spread:
        fail(
            "config",
            "data.time" if data.id is None else "data.id",
            "go with the columns of a series",
            f"the input {next(iter(draft.input))!r}",
            "Leave it out, or name numeric columns with --input.",
            ConfigError,
        )


def _check_splits(draft: Draft) -> None:
    data = draft.data
    if data.time is not None and data.id is None and data.horizon is None and draft.target:
        then = "Pass --id COLUMN, or --horizon to forecast, or leave the time or the target out."
        fail("config", "data.time", "go with data.id where sequences are answered", "no id", then, ConfigError)
    for name, given in {"window": data.window, "every": data.every != 1, "known": data.known}.items():
        if given:
            then = "For example --set data.horizon=24."
            fail("config", f"data.{name}", "go with data.horizon, the steps to forecast", "none", then, ConfigError)
    if data.split_time is not None and data.split_group is not None:
        fail(
            "config",
            "data.split_group",
            "be left out where data.split_time is set",
            repr(data.split_group),
            "Keep one of them.",
            ConfigError,
        )
