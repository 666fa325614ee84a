"""One training from its configuration to a saved model: read, infer, split, fit the fields, train, test, write."""

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch

from elman.checks import fail
from elman.config import SHORTCUTS, RunConfig, check_document, columns_document, merged, resolved_options
from elman.data import (
    BadRows,
    Examples,
    Parsed,
    Table,
    encode,
    from_memory,
    gather,
    parse,
    read,
    split_rows,
)
from elman.directory import CHECKPOINTS, MANIFEST, Directory, claim
from elman.errors import ConfigError, DataError, IntegrityError, MissingExtraError, TrainingError
from elman.fields import Input, Target
from elman.fields.raw import moment, not_blank
from elman.model import Model, Source, described, empty_network, make_fields, make_network
from elman.plan import settle
from elman.training import (
    Checkpoints,
    Ended,
    History,
    Reporter,
    Saved,
    Trainer,
    all_checkpoints,
    draw_curves,
    outputs_of,
    read_checkpoint,
    scores_of,
)
from elman.types import Json

WAITING_SAID = 0.05  # a share of the time that a person should know of
RANDOM_NUMBERS = threading.Lock()  # torch has one generator a process: two trainings in threads take turns


class Tables(NamedTuple):
    """The data of a training: one table to be split, or splits that were given."""

    train: Table
    valid: Table | None = None
    test: Table | None = None


class Parts(NamedTuple):
    """The parsed rows of each split; None where a split has none."""

    train: Parsed
    valid: Parsed | None
    test: Parsed | None


def train(
    source: Source,
    *,
    input: str | Sequence[str] | Mapping[str, Json],
    target: str | Mapping[str, Json],
    topology: str | None = None,
    cell: str | None = None,
    layers: int | None = None,
    hidden: int | None = None,
    bidirectional: bool | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    id: str | None = None,
    time: str | None = None,
    bad_rows: str | None = None,
    data: Json | None = None,
    model: Json | None = None,
    train: Json | None = None,
    out: str | Path | None = None,
    force: bool = False,
    quiet: bool = False,
) -> Model:
    """Train a network on a table of sequences.

    Args:
        source: path of a CSV, TSV, JSONL or Parquet file or of a folder of texts; a pandas or Arrow table; a dictionary
            of columns; a list of dictionaries.
        input: the column that is read; several numeric columns or a pattern such as "v*" for a series; or columns with
            options, {"review": {"kind": "text", "level": "character"}}.
        target: the column that is answered, or a column with options.
        topology: "many-to-one" for sequences and "one-to-one" for single inputs where None.
        cell: "lstm" (the default), "gru", "mingru", "rnn", "rnn-relu", "rnn-identity", "lstm-norm" or "gru-norm".
        layers: depth, 1 by default.
        hidden: units a layer and direction, 128 by default.
        bidirectional: read from both ends; no by default.
        epochs: at most so many; 20 by default, more for small tables.
        minutes: at most so many.
        seed: of every random draw, 0 by default.
        id: the column that names a row's sequence, for series in long format.
        time: the column that orders a sequence's steps.
        bad_rows: "refuse" (the default), or "skip" to leave out, count and list rows that cannot be used.
        data, model, train: any other key of that section, see `elman.config`, such as train={"lr": 1e-3}.
        out: run directory to write; None: nothing is written until `Model.save`.
        force: replace a run directory that exists.
        quiet: print nothing.

    Returns: the model with the weights that were best on the validation split. Ctrl-C ends training early, likewise.

    Raises:
        ArgumentError, ConfigError: an option does not exist or does not fit, or `out` is taken.
        DataError: data that cannot be used.
        TrainingError: a loss or gradient was not finite; the best weights so far, if any, were saved to `out`.

    Example:
        >>> table = {"text": ["good fun", "dull", "great fun", "so dull"] * 10, "label": ["yes", "no"] * 20}
        >>> model = train(table, input="text", target="label", cell="gru", hidden=8, epochs=30, quiet=True)
        >>> model.predict(["great fun"])
        array(['yes'], dtype='<U3')
    """
    short = {
        "topology": topology,
        "cell": cell,
        "layers": layers,
        "hidden": hidden,
        "bidirectional": bidirectional,
        "epochs": epochs,
        "minutes": minutes,
        "seed": seed,
        "id": id,
        "time": time,
        "bad_rows": bad_rows,
    }
    document = make_document(input, target, short)
    for section, given in {"data": data, "model": model, "train": train}.items():
        document = merged(document, {section: given or {}})
    tables = None
    if isinstance(source, (str, Path)):
        document = merged(document, {"data": {"source": str(source)}})
    else:
        tables = Tables(from_memory(source))
    reporter = Reporter(quiet)
    trained = run(document, tables, out, force, reporter)
    if out is not None:
        reporter.note(f"written to {out}")
    return trained


def make_document(
    input: str | Sequence[str] | Mapping[str, Json] | None,
    target: str | Mapping[str, Json] | None,
    short: Mapping[str, Any],
) -> Json:
    """The configuration document of what was given by short names; None was not given."""
    document = merged(columns_document(input, "input"), columns_document(target, "target"))
    for name, value in short.items():
        if value is not None:
            section, key = SHORTCUTS[name].split(".")
            document = merged(document, {section: {key: value}})
    return document


def run(
    document: Json,
    tables: Tables | None = None,
    out: str | Path | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Model:
    """Train by a configuration document.

    Args:
        document: the five sections, as in a TOML file.
        tables: data in memory; None: what `[data]` names.
        out, force: as `train`.
        reporter: what the person sees; None: nothing.

    Raises: as `train`.
    """
    reporter = reporter or Reporter(quiet=True)
    config = check_document(document)
    config.train = resolved_options(Trainer, config.train, "train")
    trainer = Trainer(**config.train)
    with nullcontext() if out is None else claim(out, force):
        bad = BadRows(config.data.bad_rows == "skip")
        tables = _read(config, tables, bad)
        settle(config, tables.train)
        input, target = make_fields(config)
        parts = _split(config, tables, input, target, trainer.seed, bad)
        input.fit(parts.train.inputs)
        target.fit(parts.train.targets or [])
        with RANDOM_NUMBERS, torch.random.fork_rng():
            torch.manual_seed(trainer.seed)
            model = Model(config, input, target, make_network(config, input, target))
            return _train(model, trainer, tables, parts, bad, out, reporter)


def resume(path: str | Path, table: Source | None = None, reporter: Reporter | None = None) -> Model:
    """Go on with a training that was stopped or killed, bit for bit as if it had never been.

    Args:
        path: its run directory.
        table: the data, where the training read it from memory.
        reporter: what the person sees; None: nothing.

    Raises:
        ArgumentError: another process trains there, or there is nothing to go on with.
        DataError: the data cannot be read, or is not what training began with.
        IntegrityError: no checkpoint is what was written.
        TrainingError: as `train`.
    """
    reporter = reporter or Reporter(quiet=True)
    if not Path(path).is_dir():
        then = "Name the --out of a training that was stopped."
        fail("resume", "the path", "be a run directory", repr(str(path)), then)
    with claim(path, resume=True):
        model, saved = _newest(Path(path), reporter)
        config = model.config
        trainer = Trainer(**config.train)
        bad = BadRows(config.data.bad_rows == "skip")
        tables = _read(config, None if table is None else Tables(from_memory(table)), bad)
        parts = _split(config, tables, model.input, model.target, trainer.seed, bad)
        reporter.note(f"resumed   {path} at step {saved.history.step:,}")
        with RANDOM_NUMBERS, torch.random.fork_rng():
            return _train(model, trainer, tables, parts, bad, path, reporter, saved)


def _newest(path: Path, reporter: Reporter) -> tuple[Model, Saved]:
    """The newest checkpoint that verifies; of those that do not, it is said why."""
    found = all_checkpoints(path)
    if not found:
        then = "It has ended: see elman info." if (path / MANIFEST).is_file() else "Train anew."
        fail("resume", str(path), "hold a checkpoint", "none", then)
    for folder in found:
        try:
            directory = Directory(folder)
            config, input, target = described(directory)
            averaged = config.train["average"] != "none"
            saved = read_checkpoint(directory, empty_network(config, input, target), averaged)
            with torch.random.fork_rng(devices=[]):
                return Model(config, input, target, make_network(config, input, target)), saved
        except (IntegrityError, DataError) as error:
            reporter.note(f"warning: {error} The checkpoint before it is tried.")
    fail("resume", str(path), "hold a checkpoint that is what was written", "none", "Train anew.", IntegrityError)


def _train(
    model: Model,
    trainer: Trainer,
    tables: Tables,
    parts: Parts,
    bad: BadRows,
    out: str | Path | None,
    reporter: Reporter,
    saved: Saved | None = None,
) -> Model:
    """From parsed rows and a network to the trained, tested and written model."""
    train, valid, test = (_examples(part, model.input, model.target, bad) for part in parts)
    assert train is not None
    _say(reporter, tables, model, (train, valid, test), bad)
    checkpoints = None if out is None else Checkpoints(Path(out), model.description(), reporter)
    history = trainer.fit(model.network, model.target, train, valid, reporter, checkpoints, saved)
    if history.waiting > WAITING_SAID:
        reporter.note(f"waiting   {100 * history.waiting:.0f} % of the time went into making batches")
    model.metrics = _metrics(model, history, test)
    model.keepsakes = _keepsakes(history, model.target.metrics[0], reporter)
    model.skipped = bad.summary()
    if out is not None:
        _write(model, out, history.ended)
    if history.ended == "diverged":
        kept = f"The best weights before it (epoch {history.best['epoch']}) "
        raise TrainingError(f"{history.message} {kept}{f'were written to {out}' if out else 'were not saved'}.")
    return model


def _write(model: Model, out: str | Path, ended: Ended) -> None:
    """The run directory; where training is to go on, its checkpoints stay in it."""
    try:
        model.save(out, force=True, keep=(CHECKPOINTS,) if ended == "interrupted" else ())
    except DataError as error:
        if not all_checkpoints(Path(out)):
            raise
        raise DataError(f"{error} The checkpoints are kept: elman train --resume {out}.") from error


def _read(config: RunConfig, given: Tables | None, bad: BadRows) -> Tables:
    """The tables that were given, and those that the configuration names."""
    data = config.data
    if given is None and data.source is None:
        then = "Name the source, or pass a table."
        fail("config", "data.source", "name a file or a folder", "none", then, ConfigError)
    paths = (None if given else data.source), data.valid, data.test
    named = [read(path, bad) if path else None for path in paths]
    return Tables(*(table or other for table, other in zip(named, given or (None,) * 3, strict=True)))  # type: ignore[arg-type]


def _split(config: RunConfig, tables: Tables, input: Input, target: Target, seed: int, bad: BadRows) -> Parts:
    data = config.data
    given = [
        None if table is None else parse(gather(table, input, data.id, data.time, bad), input, target, bad)
        for table in tables
    ]
    whole, valid, test = given
    assert whole is not None
    group = time = None
    if data.split_group is not None:
        whole, group = _with_values(whole, data.split_group, not_blank, bad)
    elif data.split_time is not None:
        whole, time = _with_values(whole, data.split_time, moment, bad)
    fractions = 0.0 if valid else data.valid_fraction, 0.0 if test else data.test_fraction
    rows = split_rows(len(whole.rows), *fractions, seed, group, time)
    parts = [whole.take(part.tolist()) if len(part) else None for part in rows]
    assert parts[0] is not None
    return Parts(parts[0], valid or parts[1], test or parts[2])


def _with_values(parsed: Parsed, column: str, parse: Callable[[Any], Any], bad: BadRows) -> tuple[Parsed, list[Any]]:
    """The rows that have a value to split by, and those values."""
    raw = parsed.table.column(column)
    values = [parsed.table.parse_cell(row, column, raw[row], parse, bad) for row in parsed.rows]
    good = [index for index, value in enumerate(values) if value is not None]
    return parsed.take(good), [values[index] for index in good]


def _examples(part: Parsed | None, input: Input, target: Target, bad: BadRows) -> Examples | None:
    return None if part is None else encode(part, input, target, bad)[1]


def _say(reporter: Reporter, tables: Tables, model: Model, parts: tuple[Examples | None, ...], bad: BadRows) -> None:
    """What was found and is about to be done, before the first step."""
    input, target, options = model.input, model.target, model.config.model
    sequence = "sequence" if input.is_sequence else "single"
    body = f"{options['cell']} {options['layers']} x {options['hidden']}" if "cell" in options else "no recurrent body"
    both = ", bidirectional" if options.get("bidirectional") else ""
    counts = [
        f"{len(part) if part else 0:,} {name}"
        for part, name in zip(parts, ("training", "validation", "test"), strict=True)
    ]
    parameters = sum(p.numel() for p in model.network.parameters())
    reporter.note(f"data      {tables.train.source}: {', '.join(counts)} rows")
    reporter.note(f"input     {input.name}: {input.kind}, {input.describe()}")
    reporter.note(f"target    {target.name}: {target.kind}, {target.describe()}")
    reporter.note(f"topology  {options['topology']} ({sequence} -> single), {body}{both}, {parameters:,} parameters")
    if bad.messages:
        reporter.note(bad.summary())


def _metrics(model: Model, history: History, test: Examples | None) -> Json:
    best = history.best
    figures: Json = {
        "valid": {key.removeprefix("valid_"): value for key, value in best.items() if key.startswith("valid_")},
        "training": {
            "ended": history.ended,
            "best_epoch": best["epoch"],
            "epochs": history.rows[-1]["epoch"],
            "minutes": round(history.seconds / 60, 3),
            "steps": history.step,
            "padding": round(history.padding, 4),
            "waiting": round(history.waiting, 4),
        },
    }
    if test is not None:
        figures["test"] = scores_of(outputs_of(model.network, test), model.target, test)
    return {part: _finite(scores) for part, scores in figures.items()}


def _finite(figures: Json) -> Json:
    """The figures with None for what is infinite or not a number, which JSON cannot say."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}


def _keepsakes(history: History, metric: str, reporter: Reporter) -> dict[str, bytes | Callable[[], bytes]]:
    """The log, and the curves, which are drawn when the model is saved."""
    log = "".join(json.dumps(_finite(row)) + "\n" for row in history.rows).encode()
    if find_spec("matplotlib") is None:
        reporter.note(str(MissingExtraError("matplotlib", "plot", "the picture of the curves")))
        return {"log.jsonl": log}
    return {"log.jsonl": log, "curves.png": partial(draw_curves, history.rows, metric)}
