"""The verb `curves`: the losses of several trainings in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import check_picture, write_picture

EXAMPLES = """Example:\n
    elman curves runs/lstm runs/gru --out curves.png"""


def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, finished or not.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("curves.png"),
) -> None:
    """Draw the losses and the validation metric of several trainings in one PNG."""
    from elman.insight import draw_runs, read_log

    check_picture("curves", "--out", out)
    write_picture(out, draw_runs([read_log(run) for run in runs]))
