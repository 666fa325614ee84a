"""The verb `train`: from a table of sequences to a run directory; or continue a training that was stopped."""

from __future__ import annotations  # so that the types below need no pydantic

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.messages import say_trained
from elman.cli.options import BadRowsPolicy, short_option
from elman.config.short_options import given_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from elman.types import Json

EXAMPLES = """Examples:\n
    elman train reviews.csv --input review --target label\n
    elman train reviews.csv --input review --target label --cell gru --bidirectional --epochs 5\n
    elman train readings.csv --input load --input temp --id machine --time hour --target broke\n
    elman train load.csv --input load --target load --time hour --horizon 24 --window 168\n
    elman train --config runs/reviews/run.toml --out runs/again\n
    elman train --resume runs/reviews"""


def train(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet files (.gz, .bz2, .xz, .zst too), patterns, or a folder of files."
        ),
    ] = None,
    input: Annotated[
        list[str] | None, typer.Option(help="Column to read; several, or a pattern 'v*', are a series.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; several share one network. None: continue the input.")
    ] = None,
    topology: Annotated[str | None, short_option("topology")] = None,
    cell: Annotated[str | None, short_option("cell")] = None,
    layers: Annotated[int | None, short_option("layers")] = None,
    hidden: Annotated[int | None, short_option("hidden")] = None,
    bidirectional: Annotated[bool | None, short_option("bidirectional")] = None,
    epochs: Annotated[int | None, short_option("epochs")] = None,
    minutes: Annotated[float | None, short_option("minutes")] = None,
    seed: Annotated[int | None, short_option("seed")] = None,
    id: Annotated[str | None, short_option("id")] = None,
    time: Annotated[str | None, short_option("time")] = None,
    horizon: Annotated[int | None, short_option("horizon")] = None,
    window: Annotated[int | None, short_option("window")] = None,
    known: Annotated[list[str] | None, short_option("known")] = None,
    bad_rows: Annotated[BadRowsPolicy | None, short_option("bad_rows")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Set any key, as train.lr=0.001.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file; the other options override it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory. (default: runs/<name of the source>)")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the run directory if it exists.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Continue a training that was stopped or killed; alone.")
    ] = None,
) -> None:
    """Train a network on a table of sequences. Kinds and topology are inferred, and printed."""
    short = given_options(locals())
    if bad_rows is not None:
        short["bad_rows"] = bad_rows.value
    if resume is not None:
        _resume(resume, any((source, input, target, set, config, out, force, short)))
        return
    from elman.training import Reporter
    from elman.training.train import run

    document = _document(config, source, input, target, short, set)
    out = out or _default_out(document)
    reporter = Reporter()
    say_trained(run(document, None, out, force, reporter), out, reporter.note)


def _resume(run: Path, more: bool) -> None:
    """Continue a training, which takes no other options."""
    from elman.checks import fail
    from elman.training import Reporter
    from elman.training.resume import resume

    if more:
        fail("train", "--resume", "stand alone", "other options", "The training keeps those that it began with.")
    reporter = Reporter()
    say_trained(resume(run, reporter=reporter), run, reporter.note)


def _document(
    config: Path | None,
    source: Sequence[str] | None,
    input: Sequence[str] | None,
    target: Sequence[str] | None,
    short: Mapping[str, Any],
    settings: Sequence[str] | None,
) -> Json:
    """The configuration: the file, overridden by the command line, overridden by --set."""
    from elman.config.configuration import merged, read_toml, with_setting
    from elman.training.train import make_document

    document, given = read_toml(config) if config else {}, make_document(input, target, short)
    # A column named here replaces that of the file, options and all.
    document = {key: value for key, value in document.items() if key not in given or key not in ("input", "target")}
    document = merged(document, given)
    if source:
        document = merged(document, {"data": {"source": source if len(source) > 1 else source[0]}})
    for setting in settings or ():
        document = with_setting(document, setting)
    return document


def _default_out(document: Json) -> Path:
    """A run directory named after the first source; "run" where there is none, which is refused later."""
    from elman.data import run_name

    data = document.get("data")
    source = data.get("source", "run") if isinstance(data, dict) else "run"
    return Path("runs") / run_name(str(source[0] if isinstance(source, list) and source else source))[:100]
