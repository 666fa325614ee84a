"""The command `elman`: a table of verbs, the app that is made of it, and how it runs."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from elman.cli import backtest, curves, detect, evaluate, forecast, generate, info, predict, recipe, runs, train
from elman.cli.exits import outcome
from elman.cli.messages import note
from elman.cli.options import Verb

VERBS: dict[str, tuple[Callable[..., None], str]] = {  # each with the examples below its help
    "train": (train.train, train.EXAMPLES),
    "predict": (predict.predict, predict.EXAMPLES),
    "generate": (generate.generate, generate.EXAMPLES),
    "forecast": (forecast.forecast, forecast.EXAMPLES),
    "backtest": (backtest.backtest, backtest.EXAMPLES),
    "detect": (detect.detect, detect.EXAMPLES),
    "evaluate": (evaluate.evaluate, evaluate.EXAMPLES),
    "info": (info.info, info.EXAMPLES),
    "runs": (runs.runs, runs.EXAMPLES),
    "curves": (curves.curves, curves.EXAMPLES),
    "recipe": (recipe.recipe, recipe.EXAMPLES),
}
ABOUT = "Train a recurrent network on your own sequences with one command, and run it one step at a time."


def make_app() -> typer.Typer:
    """The app with all verbs."""
    app = typer.Typer(
        name="elman",
        help=ABOUT,
        epilog="Begin with: elman train reviews.csv --input review --target label",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback(help=ABOUT)(_options)
    for name, (function, examples) in VERBS.items():
        app.command(name, cls=Verb, epilog=examples)(function)
    return app


def main() -> None:
    """Run a verb, and exit with the code of its outcome."""
    # Threads that wait asleep: awake, as is usual, they stand in each other's way where another program is busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    interrupts: list[int] = []

    def remember(number: int, _: Any) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        code = make_app()(standalone_mode=False) or 0
        sys.stdout.flush()
        message = "interrupted" if code == 130 else ""
    except BaseException as error:
        code, message = outcome(error, bool(interrupts))
    finally:
        signal.signal(signal.SIGINT, before)
    note(message)
    sys.exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("elman"))
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """What may stand before a verb."""
