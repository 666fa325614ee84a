"""One training from its configuration to a saved model: read, infer, split, fit the fields, train, test, write."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from elman.config.configuration import check_document, columns_document, merged, resolved_options
from elman.config.short_options import SHORT_OPTIONS, given_options
from elman.data import from_memory
from elman.data.layouts import Tables
from elman.data.requests import Values
from elman.errors import DataError, Interrupted, TrainingError
from elman.forecasting.anomalies import NORMAL_SCORES, normal_scores
from elman.inference.one_step_ahead import predicts_next_reading
from elman.metrics.scores import leading_metric
from elman.model.build import make_network
from elman.model.model import Model
from elman.storage import CHECKPOINTS, LOCK, all_checkpoints, claim, to_json, write_directory
from elman.training import Checkpoints, Ended, Reporter, Saved, TrainingOptions, calibrate, stop_flag, train_network
from elman.training.prepare import Prepared, prepare
from elman.training.report import artifacts_of, metrics_of, say_what_is_trained
from elman.types import Json

WAITING_REPORTED = 0.05  # fraction of the time above which it is reported
RANDOM_NUMBERS = threading.Lock()  # torch has one generator a process: two trainings in threads take turns


def train(
    source: Values,
    *,
    input: str | Sequence[str] | Mapping[str, Json],
    target: str | Sequence[str] | Mapping[str, Json] | None = None,
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
    horizon: int | None = None,
    window: int | None = None,
    known: list[str] | None = None,
    bad_rows: str | None = None,
    data: Json | None = None,
    model: Json | None = None,
    train: Json | None = None,
    decode: Json | None = None,
    out: str | Path | None = None,
    force: bool = False,
    quiet: bool = False,
) -> Model:
    """Train a network on a table of sequences.

    Args:
        source: path of a CSV, TSV, JSONL or Parquet file, plain or compressed (.gz, .bz2, .xz, .zst), or of a folder of
            texts; a pattern such as "logs/*.csv"; a list of these; a pandas or Arrow table; a dictionary of columns; a
            list of dictionaries.
        input: the column that is read, or several; several numeric columns or a pattern such as "v*" are one series; or
            columns with options, {"review": {"kind": "text", "tokenizer": "character"}}.
        target: the column to predict, several, or columns with options; None: the input is continued.
        topology: one of `elman.topologies.TOPOLOGIES`; None: what fits the inputs and targets.
        cell: "lstm" (the default), "gru", "mingru", "rnn", "rnn-relu", "rnn-identity", "lstm-norm", "gru-norm" or
            "memoryless".
        layers: depth, 1 by default.
        hidden: hidden size of a layer, in each direction; 128 by default.
        bidirectional: read from both ends; no by default.
        epochs: passes over the training rows, at most; 20 by default, more for small tables.
        minutes: to train, at most.
        seed: of all random numbers, 0 by default.
        id: the column that names a row's sequence, for series in long format.
        time: the column that orders a sequence's steps.
        horizon: steps of the target to forecast; the rows of the table are steps then, not sequences.
        window: steps of history to read; four times the horizon by default.
        known: future covariates: columns whose values over the horizon are known.
        bad_rows: "refuse" (the default), or "skip" to leave out, count and list rows that cannot be used.
        data, model, train, decode: any other key of that section, such as train={"lr": 1e-3}; see
            `elman.config.configuration`.
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
    short = given_options(locals())
    document = make_document(input, target, short)
    for section, given in {"data": data, "model": model, "train": train, "decode": decode}.items():
        document = merged(document, {section: given or {}})
    tables = None
    paths = source if isinstance(source, list) else [source]
    if paths and all(isinstance(path, (str, Path)) for path in paths):
        named: Any = [str(path) for path in paths]
        document = merged(document, {"data": {"source": named if isinstance(source, list) else named[0]}})
    else:
        tables = Tables(from_memory(source))
    reporter = Reporter(quiet)
    trained = run(document, tables, out, force, reporter)
    if out is not None:
        reporter.note(f"written to {out}")
    return trained


def make_document(
    input: str | Sequence[str] | Mapping[str, Json] | None,
    target: str | Sequence[str] | Mapping[str, Json] | None,
    short: Mapping[str, Any],
) -> Json:
    """The configuration document of columns and short options, see `elman.config.short_options`."""
    document = merged(columns_document(input, "input"), columns_document(target, "target"))
    for name, value in short.items():
        section, key = SHORT_OPTIONS[name].key.split(".")
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
        document: the sections, as in a TOML file.
        tables: data in memory; None: what `[data]` names.
        out, force: as `train`.
        reporter: what the person sees; None: nothing.

    Raises: as `train`.
    """
    reporter = reporter or Reporter(quiet=True)
    config = check_document(document)
    # An error comes before a run directory is claimed.
    TrainingOptions(**resolved_options(TrainingOptions, config.train, "train"))
    with nullcontext() if out is None else claim(out, force):
        prepared = prepare(config, tables, reporter.note)
        config, fields = prepared.config, prepared.fields
        with RANDOM_NUMBERS, torch.random.fork_rng():
            torch.manual_seed(config.train["seed"])
            model = Model(config, fields, make_network(config, fields))
            return fit(model, prepared, out, reporter)


def fit(
    model: Model, prepared: Prepared, out: str | Path | None, reporter: Reporter, saved: Saved | None = None
) -> Model:
    """From prepared examples and a network to the trained, tested and written model.

    Args:
        model: its network is trained in place.
        prepared: the examples of each split.
        out: the run directory, held by this process; None: nothing is written.
        reporter: what the person sees.
        saved: what a checkpoint held, to resume from.

    Raises: as `train`.
    """
    options, (train, valid, test) = TrainingOptions(**model.config.train), prepared.splits
    say_what_is_trained(reporter, model, prepared)
    begun = None if saved is None else saved.folder
    checkpoints = None if out is None else Checkpoints(Path(out), model.description(), reporter, begun)
    # To the end: what is trained is evaluated and saved, also where a stop was asked for.
    with _resumable(out), stop_flag() as asked:
        history = train_network(options, model.network, train, valid, reporter, checkpoints, saved, asked)
        if valid is not None:
            calibrate(model.network, valid)
        if history.waiting > WAITING_REPORTED:
            reporter.note(f"waiting   {100 * history.waiting:.0f} % of the steps' time went into making batches")
        model.metrics = metrics_of(model, history, test)
        model.artifacts = artifacts_of(history, leading_metric(model.fields), reporter)
        if valid is not None and predicts_next_reading(model.network):
            model.artifacts[NORMAL_SCORES] = to_json(normal_scores(model.network, valid))
        model.skipped = prepared.bad.summary()
        if out is not None:
            _write(model, out, history.ended)
    if history.ended == "diverged":
        kept = f"The best weights before it (epoch {history.best['epoch']}) "
        raise TrainingError(f"{history.message} {kept}{f'were written to {out}' if out else 'were not saved'}.")
    return model


@contextmanager
def _resumable(out: str | Path | None) -> Iterator[None]:
    """Say how to resume where a second Ctrl-C ends all at once.

    Raises:
        Interrupted: in place of KeyboardInterrupt, where there is a checkpoint to resume from.
    """
    try:
        yield
    except KeyboardInterrupt:
        if out is None or not all_checkpoints(Path(out)):
            raise
        raise Interrupted(f"interrupted at once. Resume with: elman train --resume {out}") from None


def _write(model: Model, out: str | Path, ended: Ended) -> None:
    """The run directory; where training is to be resumed, its checkpoints stay in it."""
    try:
        kept = (LOCK, CHECKPOINTS) if ended == "interrupted" else (LOCK,)
        model.saved_as(out, write_directory(out, model.files(), force=True, keep=kept, held=True))
    except DataError as error:
        if not all_checkpoints(Path(out)):
            raise
        raise DataError(f"{error} The checkpoints are kept: elman train --resume {out}") from error
