"""The verb `recipe`: worked examples on real data, listed or run."""

from __future__ import annotations  # so that the types below need no torch

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.cli.options import FormatOption
from elman.cli.output import Format, print_rows, print_trace

if TYPE_CHECKING:
    from elman.recipes.runner.follow import Result

EXAMPLES = """Examples:\n
    elman recipe\n
    elman recipe sentiment\n
    elman recipe sst2 --setting scratch --quick"""


def recipe(
    name: Annotated[str | None, typer.Argument(help="The recipe to run; without it all are listed.")] = None,
    setting: Annotated[str | None, typer.Option(help="One of the recipe's settings.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute on a part of the data; its figures claim nothing.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    vectors: Annotated[
        Path | None, typer.Option(help="Word vectors in GloVe's text format, for settings that use them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write. (default: runs/<recipe>)")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder if it exists.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Run a worked example on real data; print its figures beside published ones and a baseline."""
    from elman.checks import fail
    from elman.recipes import RECIPES, find, follow
    from elman.training import Reporter

    if name is None:
        if setting or quick or vectors or out:
            fail("recipe", "an option", "go with the name of a recipe", "no name", f"Name one of {', '.join(RECIPES)}.")
        print_rows([entry.summary() for entry in RECIPES.values()], format)
        return
    reporter = Reporter()
    result = follow(find(name), setting, seed, quick, out, force, vectors, reporter)
    _print_result(result, format)
    reporter.note(f"\nwritten to {result.folder}: metrics.json, the model and, where it is a network, the baseline")
    reporter.note(f"next: {result.next_command()}")


def _print_result(result: Result, format: Format) -> None:
    """The figures; a person sees what the network does too."""
    if format is not Format.table:
        print_rows([result.figures], format)
        return
    print_rows(result.table(), format)
    for value, steps in result.traces:
        print_trace(value, steps, format)
    for value, text in result.generated:
        print(f"{value} -> {text}" if result.model.fields.inputs else text)
