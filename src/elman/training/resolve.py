"""What a configuration leaves open, settled from the data: kinds of columns, topology, what makes one series."""

from collections.abc import Sequence

from elman.checks import check_choice, fail
from elman.config import RunConfig
from elman.data import Table, are_single_words, find_files, infer_kind, root_of
from elman.errors import ConfigError
from elman.fields import FIELDS, INPUTS, TARGETS, Field, InStep, Steps, Text, Writable
from elman.fields.values.files import MEDIA
from elman.topologies import (
    TOPOLOGIES,
    AutoregressiveTopology,
    EncoderDecoder,
    EncoderDecoderAhead,
    ManyToMany,
    ManyToOne,
    NextStep,
    OneToMany,
    SequenceTopology,
)
from elman.training.resolve_forecast import settle_forecast

LONGEST_DOCUMENT = 1_000_000  # steps
OF_WORDS = {"level", "split", "vectors", "characters"}  # options that say how a text is cut, or want words
LONG_CLASS, MANY_CLASSES = 3, 20  # a class of so many words, or more classes than so many, may be meant as texts


def is_one_text(config: RunConfig) -> bool:
    """Whether the source is one plain text, and nothing but the text is to be written."""
    source, topology = config.data.source, config.model.get("topology")
    if source is None or config.target or len(config.input) != 1 or topology not in (None, NextStep.name):
        return False
    files = find_files(source)
    return len(files) == 1 and files[0].kind == ".txt"


def settle(config: RunConfig, table: Table) -> list[str]:
    """Write the kinds and the topology into the configuration where it does not say them, and where named files are.

    Returns: what a person who means something else should be told, a line each.

    Raises:
        ConfigError: settings that contradict each other, or the data.
        DataError: a column that is missing, or holds what no field can read.
    """
    if config.data.horizon is not None:
        settle_forecast(config, table)
        return []
    _check_splits(config)
    _gather_series(config, table)
    for name, options in config.input.items():
        if config.data.stream:
            options.setdefault("kind", "text")  # however little of it there is
        alone = not config.target and len(config.input) == 1 and "kind" not in options
        _settle_kind(options, table, name, False, ())
        if alone and options["kind"] == "category":  # what is gone on with is a sequence, however few there are
            options["kind"] = "text"
    open_targets = [name for name, options in config.target.items() if "kind" not in options]
    for name, options in config.target.items():
        _settle_kind(options, table, name, True, list(config.input))
    _settle_topology(config)
    _settle_roots(config, table)
    return [line for name in open_targets for line in _doubt(config.target[name], table, name)]


def _doubt(options: dict[str, object], table: Table, name: str) -> list[str]:
    """A line where classes were inferred that may be texts."""
    if options["kind"] != "category":
        return []
    classes = {value for value in table.column(name) if isinstance(value, str)}
    longest = max((len(value.split()) for value in classes), default=0)
    if longest < LONG_CLASS and len(classes) <= MANY_CLASSES:
        return []
    return [
        f"target    {name}: its {len(classes):,} values are read as classes; --set target.{name}.kind=text writes texts"
    ]


def _settle_roots(config: RunConfig, table: Table) -> None:
    """The folder that paths start from, where files are named: that of the table, or else the current one."""
    files = [] if config.data.source is None else find_files(config.data.source)
    for name, options in (*config.input.items(), *config.target.items()):
        if options["kind"] in MEDIA and "root" not in options:
            options["root"] = root_of(table.column(name), files)


def _settle_kind(options: dict[str, object], table: Table, name: str, as_target: bool, inputs: Sequence[str]) -> None:
    if "kind" in options:
        return
    options["kind"] = "series" if "columns" in options else infer_kind(table, name, as_target, inputs)
    if options["kind"] == "text" and not options.keys() & OF_WORDS and are_single_words(table, name):
        options["level"] = "character"


def _settle_topology(config: RunConfig) -> None:
    """The topology that the kinds allow; what goes on without a target, or from a single value, is written."""
    reads, answers = _kinds(config.input, "input"), _kinds(config.target, "target")
    sequences = [name for name, kind in reads.items() if kind.is_sequence]
    if not config.target and len(sequences) == 1 and len(reads) > 1:  # the rest is what it is written from
        config.target[sequences[0]] = config.input.pop(sequences[0])
        reads, answers, sequences = _kinds(config.input, "input"), _kinds(config.target, "target"), []
    written = [name for name, kind in answers.items() if issubclass(kind, Writable)]
    inferred = "many-to-one" if sequences else "one-to-one"
    if any(issubclass(kind, Steps) for kind in answers.values()):
        inferred = "many-to-many"
    if written:
        inferred = "encoder-decoder" if sequences else OneToMany.name
    if not config.target:
        inferred = NextStep.name
    topology = config.model.setdefault("topology", inferred)
    check_choice("config", "model.topology", topology, TOPOLOGIES, ConfigError)
    kind = TOPOLOGIES[topology]
    if kind is EncoderDecoderAhead:
        then = f"For example --horizon 24; {EncoderDecoder.name} writes a sequence."
        fail("config", "model.topology", "go with data.horizon, the steps ahead", repr(topology), then, ConfigError)
    if topology == NextStep.name:
        _check_next_step(config, reads)
        for name, options in config.input.items():
            if issubclass(reads[name], Text):
                options.setdefault("longest", LONGEST_DOCUMENT)
    elif not config.target:
        then = "Pass --target COLUMN, or leave model.topology out to go on with the input."
        fail("config", "target", "name a column", "none", then, ConfigError)
    elif issubclass(kind, AutoregressiveTopology) and (len(answers) > 1 or not written):
        what = ", ".join(options["kind"] for options in config.target.values())
        fail("config", "target", f"be one text where the topology is {topology}", what, error=ConfigError)
    elif issubclass(kind, SequenceTopology) and written:
        then = "Leave model.topology out."
        fail("config", "model.topology", f"be {inferred} where a text is answered", repr(topology), then, ConfigError)
    tagged = any(issubclass(kind, InStep) for kind in answers.values())
    if tagged:
        what = next(
            options["kind"] for options in config.target.values() if issubclass(FIELDS[options["kind"]], InStep)
        )
        _check_tagged(config, topology, sequences, what)
    wants_sequence = not issubclass(kind, NextStep | OneToMany) and topology != "one-to-one"
    if wants_sequence != bool(sequences) and (wants_sequence or topology == OneToMany.name):
        read = ", ".join(options["kind"] for options in config.input.values())
        must = (
            f"be {inferred} where the input is a {read}, one value a row" if wants_sequence else f"be {inferred} here"
        )
        fail("config", "model.topology", must, repr(topology), "Leave it out, or read a sequence.", ConfigError)
    if tagged:
        for name in sequences:  # so that steps and labels stand in pairs
            if config.input[name]["kind"] == "text" and config.input[name].get("level", "word") == "word":
                config.input[name].setdefault("split", "space")


def _check_tagged(config: RunConfig, topology: str, sequences: list[str], kind: str) -> None:
    """Answers at steps want steps to be read, and to be answered."""
    if not sequences:
        read = ", ".join(options["kind"] for options in config.input.values())
        must = f"be a sequence where the target is {kind}, whose labels stand at its steps"
        fail("config", "input", must, read, "Name a column of texts or lists.", ConfigError)
    if topology == ManyToOne.name:
        must = f"be {ManyToMany.name} where the target is {kind}"
        fail("config", "model.topology", must, repr(topology), "Leave model.topology out.", ConfigError)


def _check_next_step(config: RunConfig, reads: dict[str, type[Field]]) -> None:
    if config.target:
        then = "Leave the target out: the input is what is gone on with."
        fail(
            "config",
            "target",
            "be left out where the topology is next-step",
            ", ".join(config.target),
            then,
            ConfigError,
        )
    if len(reads) != 1 or not issubclass(next(iter(reads.values())), Writable):
        kinds = ", ".join(options["kind"] for options in config.input.values())
        then = "Pass --target COLUMN to answer something else than the next step."
        fail("config", "input", "be one text where no target is given", kinds, then, ConfigError)


def _kinds(table: dict[str, dict[str, str]], role: str) -> dict[str, type[Field]]:
    known = INPUTS if role == "input" else TARGETS
    for name, options in table.items():
        check_choice("config", f"{role}.{name}.kind", options["kind"], known, ConfigError)
    return {name: FIELDS[options["kind"]] for name, options in table.items()}


def _gather_series(config: RunConfig, table: Table) -> None:
    """Numeric columns that are one series: several of them, a pattern, or those of the long format."""
    data, plain = (
        config.data,
        [name for name, options in config.input.items() if not options.keys() & {"kind", "columns"}],
    )
    patterns = [name for name in plain if name not in table.columns and any(sign in name for sign in "*?[")]
    numbers = [name for name in plain if name not in patterns and infer_kind(table, name, False, ()) == "number"]
    several = len(plain) > 1 and len(numbers) + len(patterns) == len(config.input)
    in_rows = data.id is not None or data.time is not None  # a row is a step
    joined = plain if in_rows or several else patterns
    if joined:
        options = dict(config.input[joined[0]]) if len(joined) == 1 else {}
        series = {"series": {**options, "kind": "series", "columns": joined}}
        config.input = series | {name: options for name, options in config.input.items() if name not in joined}
    spread = [name for name, options in config.input.items() if options.get("columns")]
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
            f"the input {next(iter(config.input))!r}",
            "Leave it out, or name numeric columns with --input.",
            ConfigError,
        )


def _check_splits(config: RunConfig) -> None:
    data = config.data
    if data.time is not None and data.id is None and data.horizon is None and config.target:
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
