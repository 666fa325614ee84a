"""The verb `evaluate`: score a model on rows whose answers are known."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.messages import note
from elman.cli.options import (
    BadRowsOption,
    BadRowsPolicy,
    DecodingOption,
    FormatOption,
    RunArgument,
    decode_settings,
)
from elman.cli.output import Format, print_rows

EXAMPLES = """Examples:\n
    elman evaluate runs/reviews test.csv\n
    elman evaluate runs/french test.csv --set decode.beam=5 --format json"""


def evaluate(
    run: RunArgument,
    data: Annotated[Path, typer.Argument(metavar="FILE", help="File with the input and the target columns.")],
    set: DecodingOption = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Score a model on a file: its metrics, and the number of rows."""
    from elman.model import load

    model = load(run)
    scores = model.evaluate(data, bad_rows.value, **decode_settings("evaluate", set))
    for metric, signature in scores.pop("signatures", {}).items():
        note(f"{metric}: {signature}")
    note(model.skipped)
    print_rows([scores], format)
