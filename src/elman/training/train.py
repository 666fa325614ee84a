"""One training from its configuration to a saved model: read, infer, split, fit the fields, train, test, write."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from elman.config import SHORTCUTS, check_document, columns_document, merged, resolved_options
from elman.data import (
    BadRows,
    Examples,
    from_memory,
)
from elman.data.requests import Source
from elman.errors import DataError, Interrupted, MissingExtraError, TrainingError
from elman.fields import Field
from elman.forecasting.anomalies import CLEAN, clean_scores
from elman.inference import judge
from elman.inference.one_step_ahead import watches
from elman.metrics.scores import finite, leading_metric, scores_of, signatures_of, wants_answers
from elman.model.build import longest_written, make_network
from elman.model.model import Model
from elman.storage import CHECKPOINTS, LOCK, claim, to_json, write_directory
from elman.topologies import TOPOLOGIES, AutoregressiveTopology
from elman.training import (
    Checkpoints,
    Ended,
    History,
    Reporter,
    Saved,
    Trainer,
    all_checkpoints,
    calibrate,
    draw_curves,
    stop_flag,
)
from elman.training.checkpoint import LOG
from elman.training.datasets import Parts, Tables, make_parts
from elman.types import Json

WAITING_SAID = 0.05  # a share of the time that a person should know of
RANDOM_NUMBERS = threading.Lock()  # torch has one generator a process: two trainings in threads take turns


def train(
    source: Source,
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
            columns with options, {"review": {"kind": "text", "level": "character"}}.
        target: the column that is answered, several, or columns with options; None: the input, a text, is gone on with.
        topology: one of `elman.topologies.TOPOLOGIES`; None: what fits the inputs and targets.
        cell: "lstm" (the default), "gru", "mingru", "rnn", "rnn-relu", "rnn-identity", "lstm-norm", "gru-norm" or
            "memoryless".
        layers: depth, 1 by default.
        hidden: units a layer and direction, 128 by default.
        bidirectional: read from both ends; no by default.
        epochs: at most so many; 20 by default, more for small tables.
        minutes: at most so many.
        seed: of every random draw, 0 by default.
        id: the column that names a row's sequence, for series in long format.
        time: the column that orders a sequence's steps.
        horizon: forecast so many steps of the target; the rows of the table are steps then, not sequences.
        window: steps that are read before them; four times the horizon by default.
        known: columns that are known of the steps ahead.
        bad_rows: "refuse" (the default), or "skip" to leave out, count and list rows that cannot be used.
        data, model, train, decode: any other key of that section, see `elman.config`, such as train={"lr": 1e-3}.
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
        "horizon": horizon,
        "window": window,
        "known": known,
        "bad_rows": bad_rows,
    }
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
        document: the sections, as in a TOML file.
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
        fields, parts = make_parts(config, tables, trainer.seed, bad, reporter.note)
        if issubclass(TOPOLOGIES[config.model["topology"]], AutoregressiveTopology) and not config.data.stream:
            config.decode.setdefault("max_length", longest_written(parts.train.longest_target()))
        with RANDOM_NUMBERS, torch.random.fork_rng():
            torch.manual_seed(trainer.seed)
            model = Model(config, fields, make_network(config, fields))
            return carry_out(model, trainer, parts, bad, out, reporter)


def carry_out(
    model: Model,
    trainer: Trainer,
    parts: Parts,
    bad: BadRows,
    out: str | Path | None,
    reporter: Reporter,
    saved: Saved | None = None,
) -> Model:
    """From encoded rows and a network to the trained, tested and written model.

    Args:
        model: its network is trained in place.
        trainer: how.
        parts: the rows.
        bad: what was left out of them.
        out: the run directory, held by this process; None: nothing is written.
        reporter: what the person sees.
        saved: what a checkpoint held, to go on with.

    Raises: as `train`.
    """
    _say(reporter, model, parts, bad)
    begun = None if saved is None else saved.folder
    checkpoints = None if out is None else Checkpoints(Path(out), model.description(), reporter, begun)
    # To the end: what is trained is scored and written, whoever asks to stop meanwhile.
    with _resumable(out), stop_flag() as asked:
        history = trainer.fit(model.network, parts.train, parts.valid, reporter, checkpoints, saved, asked)
        if parts.valid is not None:
            calibrate(model.network, parts.valid)
        if history.waiting > WAITING_SAID:
            reporter.note(f"waiting   {100 * history.waiting:.0f} % of the steps' time went into making batches")
        model.metrics = _metrics(model, history, parts.test)
        model.keepsakes = _keepsakes(history, leading_metric(model.fields), reporter)
        if parts.valid is not None and watches(model.network):
            model.keepsakes[CLEAN] = to_json(clean_scores(model.network, parts.valid))
        model.skipped = bad.summary()
        if out is not None:
            _write(model, out, history.ended)
    if history.ended == "diverged":
        kept = f"The best weights before it (epoch {history.best['epoch']}) "
        raise TrainingError(f"{history.message} {kept}{f'were written to {out}' if out else 'were not saved'}.")
    return model


@contextmanager
def _resumable(out: str | Path | None) -> Iterator[None]:
    """Say how to go on where a second Ctrl-C ends all at once.

    Raises:
        Interrupted: in place of KeyboardInterrupt, where there is a checkpoint to go on from.
    """
    try:
        yield
    except KeyboardInterrupt:
        if out is None or not all_checkpoints(Path(out)):
            raise
        raise Interrupted(f"interrupted at once. Go on with: elman train --resume {out}") from None


def _write(model: Model, out: str | Path, ended: Ended) -> None:
    """The run directory; where training is to go on, its checkpoints stay in it."""
    try:
        kept = (LOCK, CHECKPOINTS) if ended == "interrupted" else (LOCK,)
        model.written(out, write_directory(out, model.files(), force=True, keep=kept, held=True))
    except DataError as error:
        if not all_checkpoints(Path(out)):
            raise
        raise DataError(f"{error} The checkpoints are kept: elman train --resume {out}") from error


def _say(reporter: Reporter, model: Model, parts: Parts, bad: BadRows) -> None:
    """What was found and is about to be done, before the first step."""
    options = model.config.model
    body = f"{options['cell']} {options['layers']} x {options['hidden']}" if "cell" in options else "no recurrent body"
    both = ", bidirectional" if options.get("bidirectional") else ""
    counts = [
        f"{len(part) if part else 0:,} {name}"
        for part, name in ((parts.train, "training"), (parts.valid, "validation"), (parts.test, "test"))
    ]
    parameters = sum(p.numel() for p in model.network.parameters())
    unit = "chunks" if model.config.data.stream else "rows"
    reporter.note(f"data      {parts.source}: {', '.join(counts)} {unit}")
    for role, field in model.fields.by_role().items():
        reporter.note(f"{role.partition('.')[0]:9} {field.name}: {field.kind}, {field.describe()}")
    shape = " -> ".join(_shape(side) for side in model.fields if side)
    reporter.note(f"topology  {options['topology']} ({shape}), {body}{both}, {parameters:,} parameters")
    if bad.count:
        reporter.note(bad.summary())


def _shape(side: Mapping[str, Field]) -> str:
    """What inputs or targets are, as `sequence` or `sequence + single`."""
    return " + ".join("sequence" if field.is_sequence else "single" for field in side.values())


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
    signatures: dict[str, str] = {}
    if test is not None:
        judged = judge(model.network, test, wants_answers(model.fields), model.decoding, probabilities=False)
        figures["test"], signatures = scores_of(judged, model.fields), signatures_of(judged, model.fields)
    kept = {part: finite(scores) for part, scores in figures.items()}
    return kept | ({"signatures": signatures} if signatures else {})


def _keepsakes(history: History, metric: str, reporter: Reporter) -> dict[str, bytes | Callable[[], bytes]]:
    """The log, and the curves, which are drawn when the model is saved."""
    if find_spec("matplotlib") is None:
        reporter.note(str(MissingExtraError("matplotlib", "plot", "the picture of the curves")))
        return {LOG: history.log()}
    return {LOG: history.log(), "curves.png": partial(draw_curves, history.rows, metric)}
