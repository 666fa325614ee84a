"""The verb `info`: what a model is, without loading it; or what this installation is."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import FormatOption
from elman.cli.output import Format, print_facts

EXAMPLES = """Examples:\n
    elman info runs/reviews --format json\n
    elman info"""


def info(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="A run directory; without it, which kernels are in use and why."),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Describe a model: fields, topology, cell, sizes, parameters, digest, metrics; or this installation."""
    print_facts(_installation() if run is None else _model(run), format)


def _model(run: Path) -> dict[str, object]:
    from elman.storage import info

    return info(run)


def _installation() -> dict[str, object]:
    from elman.kernels import kernel_facts

    return kernel_facts()
