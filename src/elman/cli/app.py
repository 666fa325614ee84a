"""The command line: each verb reads its arguments, calls one library function and prints what it gives."""

import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli import detect, forecast, generate, predict
from elman.cli.messages import note, say_trained
from elman.cli.options import (
    BadRowsOption,
    BadRowsPolicy,
    DecodeOption,
    FormatOption,
    RunArgument,
    check_picture,
    decode_settings,
)
from elman.cli.output import Format, print_facts, print_rows, print_trace
from elman.errors import ElmanError, Interrupted

# The library is imported inside the verbs: torch takes a second, and `elman --help` should not.
app = typer.Typer(
    name="elman",
    help="Train a recurrent network on your own sequences with one command, and run it one step at a time.",
    epilog="Begin with: elman train reviews.csv --input review --target label",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
# The root of what the parser raises on a wrong flag; typer has its own copy of click since 0.20, so it is asked there.
USAGE_ERROR: Any = typer.BadParameter.__mro__[2]
REPORT = "This is a fault of elman's, not yours. Please report it with the lines above and the command you typed."


@app.callback()
def verbs(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    """Train a recurrent network on your own sequences with one command, and run it one step at a time."""
    if version:
        from importlib.metadata import version as installed

        print(installed("elman"))
        raise typer.Exit


@app.command(
    epilog="""Examples:\n
    elman train reviews.csv --input review --target label\n
    elman train reviews.csv --input review --target label --cell gru --bidirectional --epochs 5\n
    elman train readings.csv --input load --input temp --id machine --time hour --target broke\n
    elman train load.csv --input load --target load --time hour --horizon 24 --window 168\n
    elman train --config runs/reviews/run.toml --out runs/again\n
    elman train --resume runs/reviews""",
)
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
        list[str] | None, typer.Option(help="Column to answer; several share a body. None: go on with the input.")
    ] = None,
    topology: Annotated[
        str | None,
        typer.Option(
            help="one-to-one, one-to-many, many-to-one, many-to-many, next-step or encoder-decoder; inferred."
        ),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(help="lstm (default), gru, mingru, rnn, rnn-relu, rnn-identity, lstm-norm, gru-norm, memoryless."),
    ] = None,
    layers: Annotated[int | None, typer.Option(help="Depth. (default: 1)")] = None,
    hidden: Annotated[int | None, typer.Option(help="Units a layer and direction. (default: 128)")] = None,
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="Read from both ends.")] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Times that all rows are read, at most. (default: 20, or more)")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes to train, at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of every random draw. (default: 0)")] = None,
    id: Annotated[str | None, typer.Option(help="Column that names a row's sequence (long format).")] = None,
    time: Annotated[str | None, typer.Option(help="Column that orders a sequence's steps (long format).")] = None,
    horizon: Annotated[int | None, typer.Option(help="Forecast so many steps; each row is a step.")] = None,
    window: Annotated[int | None, typer.Option(help="Steps that are read before. (default: 4 horizons)")] = None,
    known: Annotated[list[str] | None, typer.Option(help="Column that is known of the steps ahead.")] = None,
    bad_rows: Annotated[
        BadRowsPolicy | None, typer.Option(help="Refuse a bad row, or skip, count and list it.")
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Set any key, as train.lr=0.001.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file; the other options are laid over it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory. (default: runs/<name of the source>)")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the run directory if it exists.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a training that was stopped or killed; alone.")
    ] = None,
) -> None:
    """Train a network on a table of sequences. Kinds and topology are inferred, and printed."""
    from elman.checks import fail
    from elman.config import merged, read_toml, with_setting
    from elman.data import run_name
    from elman.training import Reporter
    from elman.training.resume import resume as go_on
    from elman.training.train import make_document, run

    short = {
        "topology": topology,
        "cell": cell,
        "layers": layers,
        "hidden": hidden,
        "epochs": epochs,
        "minutes": minutes,
        "seed": seed,
        "id": id,
        "time": time,
        "bidirectional": bidirectional or None,
        "horizon": horizon,
        "window": window,
        "known": known,
        "bad_rows": bad_rows.value if bad_rows else None,
    }
    reporter = Reporter()
    if resume is not None:
        others = (source or None, input, target, set, config, out, force or None, *short.values())
        if any(value is not None for value in others):
            fail("train", "--resume", "stand alone", "other options", "All else is what the training began with.")
        say_trained(go_on(resume, reporter=reporter), resume, reporter.note)
        return
    document = read_toml(config) if config else {}
    given = make_document(input, target, short)
    # A column named here takes the place of the file's, options and all.
    document = {key: value for key, value in document.items() if key not in given or key not in ("input", "target")}
    document = merged(document, given)
    if source:
        document = merged(document, {"data": {"source": source if len(source) > 1 else source[0]}})
    for setting in set or []:
        document = with_setting(document, setting)
    out = out or Path("runs") / run_name(_source_of(document))[:100]
    say_trained(run(document, None, out, force, reporter), out, reporter.note)


app.command(epilog=predict.EXAMPLES)(predict.predict)
app.command(epilog=generate.EXAMPLES)(generate.generate)
app.command(epilog=forecast.BACKTEST)(forecast.backtest)
app.command(epilog=detect.EXAMPLES)(detect.detect)


@app.command(
    epilog="Examples: elman evaluate runs/reviews test.csv; elman evaluate runs/french test.csv --set decode.beam=5"
)
def evaluate(
    run: RunArgument,
    data: Annotated[Path, typer.Argument(metavar="FILE", help="File with the input's and the target's column.")],
    set: DecodeOption = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Score a model on rows whose answers are known."""
    from elman.model.load import load

    model = load(run)
    scores = model.evaluate(data, bad_rows.value, **decode_settings("evaluate", set))
    note("\n".join(f"{metric}: {said}" for metric, said in scores.pop("signatures", {}).items()))
    note(model.skipped)
    print_rows([scores], format)


@app.command(epilog="Examples: elman info runs/reviews --format json; elman info")
def info(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="A run directory; without it, which kernels are in use and why."),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Say what a model is: fields, topology, cell, sizes, parameters, digest, figures; or what this installation is."""
    from elman.kernels import kernel_facts
    from elman.model.load import load

    print_facts(kernel_facts() if run is None else load(run).info(), format)


@app.command(epilog="Examples: elman runs; elman runs experiments --format json")
def runs(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to look, a few folders deep.")] = Path(
        "runs"
    ),
    format: FormatOption = Format.table,
) -> None:
    """List the run directories of a folder: running, stopped or done, how good, how old, which cell."""
    from elman.insight import list_runs

    rows = list_runs(folder)
    if not rows and format is Format.table:
        note(f"no run directory in {folder}. Begin with: elman train reviews.csv --input review --target label")
        return
    print_rows(rows, format, listed=True)


@app.command(epilog="Example: elman curves runs/lstm runs/gru --out curves.png")
def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, whether ended or not.")],
    out: Annotated[Path, typer.Option(help="The picture.")] = Path("curves.png"),
) -> None:
    """Draw the losses and the validation metric of several trainings in one PNG."""
    from elman.insight import draw_runs, read_log

    check_picture("curves", "--out", out)
    out.write_bytes(draw_runs([read_log(run) for run in runs]))
    note(f"written to {out}")


@app.command(epilog="Examples: elman recipe; elman recipe sentiment; elman recipe sst2 --setting scratch --quick")
def recipe(
    name: Annotated[str | None, typer.Argument(help="Which one; without it they are listed.")] = None,
    setting: Annotated[str | None, typer.Option(help="One of the recipe's settings.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute on a part of the data; its figures claim nothing.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    vectors: Annotated[
        Path | None, typer.Option(help="Word vectors in GloVe's text format, for settings that want them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write. (default: runs/<recipe>)")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder if it exists.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Run a worked example on real data; print its figures beside published ones and a baseline."""
    from elman.checks import fail
    from elman.recipes import RECIPES, find, follow
    from elman.training import Reporter

    if name is None and (setting or quick or vectors or out):
        fail("recipe", "an option", "go with the name of a recipe", "no name", f"Name one of {', '.join(RECIPES)}.")
    if name is None:
        print_rows([entry.summary() for entry in RECIPES.values()], format)
        return
    reporter = Reporter()
    result = follow(find(name), setting, seed, quick, out, force, vectors, reporter)
    print_rows(result.table() if format is Format.table else [result.figures], format)
    if format is Format.table:
        for value, steps in result.traces:
            print_trace(value, steps, format)
        for value, text in result.written:
            print(f"{value} -> {text}" if result.model.fields.inputs else text)
    reporter.note(f"\nwritten to {result.folder}: metrics.json, the model and, where it is a network, the baseline")
    reporter.note(f"next: {result.next_command()}")


def main() -> None:
    """The command `elman`: run a verb, and leave with the exit code that its outcome has."""
    # Threads that wait asleep: awake, as is usual, they stand in each other's way where another program is busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    interrupts: list[int] = []

    def remember(number: int, _: Any) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        message = "interrupted" if code == 130 else ""
    except BaseException as error:
        code, message = _outcome(error, bool(interrupts))
    finally:
        signal.signal(signal.SIGINT, before)
    note(message)
    sys.exit(code)


def _outcome(error: BaseException, interrupted: bool) -> tuple[int, str]:
    """The exit code of an error, and what is said of it."""
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        error = error.__context__  # the parser makes an exit of it
    if isinstance(error, ElmanError):
        return error.exit_code, str(error) if isinstance(error, Interrupted) else f"error: {error}"
    if isinstance(error, USAGE_ERROR):
        said = error.format_message()
        return 2, f"error: {said}" if said else ""
    if interrupted or isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return 130, "interrupted"  # an import that is interrupted may raise anything, SystemExit included
    if isinstance(error, BrokenPipeError):  # the reader, such as `head`, has had enough
        _silence()
        return 0, ""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _silence()
        return 2, "error: standard output: the disk must have room, got none. Make room, or write elsewhere."
    traceback.print_exception(error)
    return 1, REPORT


def _silence() -> None:
    """Send standard output nowhere, so that leaving does not fail on it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _source_of(document: dict[str, Any]) -> str:
    """What a configuration names as its (first) source, "run" where it names none; it is checked later."""
    data = document.get("data")
    source = data.get("source", "run") if isinstance(data, dict) else "run"
    return str(source[0] if isinstance(source, list) and source else source)
