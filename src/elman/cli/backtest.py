"""The verb `backtest`: how good a model's forecasts would have been along a history."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.messages import note
from elman.cli.options import BadRowsOption, BadRowsPolicy, FormatOption, RunArgument
from elman.cli.output import Format, print_rows

EXAMPLES = """Examples:\n
    elman backtest runs/load history.csv\n
    elman backtest runs/load history.csv --every 1 --format json"""


def backtest(
    run: RunArgument,
    history: Annotated[Path, typer.Argument(metavar="FILE", help="Rows in the format of the training, a row a step.")],
    every: Annotated[
        int | None, typer.Option(help="Steps from one forecast to the next. (default: the horizon)")
    ] = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Forecast from many places of a history and compare with the actual values: metrics per step and over all.

    `mse` and `mae` are on the scale of the training rows, whose standard deviation is 1 there.
    """
    from elman.forecasting.backtest import backtest as along
    from elman.model import load

    model = load(run)
    rows = along(model, history, every, bad_rows.value)
    note(model.skipped)
    print_rows(rows, format)
