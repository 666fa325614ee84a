"""The verb `runs`: the run directories of a folder."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.messages import note
from elman.cli.options import FormatOption
from elman.cli.output import Format, print_rows

EXAMPLES = """Examples:\n
    elman runs\n
    elman runs experiments --format json"""


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="The folder to search, a few folders deep.")
    ] = Path("runs"),
    format: FormatOption = Format.table,
) -> None:
    """List the run directories of a folder: running, stopped or done; metrics, age and cell."""
    from elman.insight import list_runs

    rows = list_runs(folder)
    if not rows and format is Format.table:
        note(f"no run directory in {folder}. Begin with: elman train reviews.csv --input review --target label")
        return
    print_rows(rows, format, listed=True)
