"""The verb `forecast`: the steps that come after a history."""

from __future__ import annotations  # so that the types below need no torch

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.cli.messages import note
from elman.cli.options import (
    BadRowsOption,
    BadRowsPolicy,
    FormatOption,
    RunArgument,
    check_picture,
    standard_input,
    write_picture,
)
from elman.cli.output import Format, print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elman.forecasting import SeriesForecast
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman train load.csv --input load --target load --time hour --horizon 24\n
    elman forecast runs/load history.csv --plot forecast.png\n
    elman forecast runs/load history.csv --horizon 6 --paths 5 --format json\n
    cat history.csv | elman forecast runs/load - --format csv\n
    elman forecast runs/readings history.csv --horizon 500"""


def forecast(
    run: RunArgument,
    history: Annotated[
        str,
        typer.Argument(
            metavar="HISTORY|-", help="File with the steps so far, a row a step; - reads CSV from standard input."
        ),
    ],
    horizon: Annotated[
        int | None,
        typer.Option(help="Steps to forecast. (default: as in training; a next-step model needs a number)"),
    ] = None,
    paths: Annotated[int, typer.Option(help="Sample paths to print and draw beside the quantiles.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="A PNG of the history, the forecast and its prediction intervals.")
    ] = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Forecast the steps after a history: a row a step, with its quantiles where the model predicts some.

    For a model trained with --horizon, or one that predicts the next step of a series (trained without --target).
    """
    from elman.forecasting import forecast as ahead
    from elman.model import load

    if plot is not None:
        check_picture("forecast", "--plot", plot)
    model = load(run)
    rows = _rows_of_standard_input() if history == "-" else history
    forecasts = ahead(model, rows, horizon, paths, seed, bad_rows.value)
    note(model.skipped)
    if plot is not None:
        write_picture(plot, _drawn(forecasts))
    print_rows([_in_columns(row, format) for one in forecasts for row in one.rows(model)], format, listed=True)


def _drawn(forecasts: Sequence[SeriesForecast]) -> bytes:
    """The picture of the first one."""
    from elman.insight import draw_forecast

    if len(forecasts) > 1:
        note(f"drawn     the first of {len(forecasts)}")
    return draw_forecast(forecasts[0])


def _in_columns(row: Json, format: Format) -> Json:
    """The row; tables and CSV have a column for each path."""
    if "paths" not in row or format not in (Format.table, Format.csv):
        return row
    return row | {"paths": {f"path{number}": value for number, value in enumerate(row["paths"], 1)}}


def _rows_of_standard_input() -> list[dict[str, str]]:
    from elman.data import BadRows, read_rows

    return [cells for _, cells in read_rows(standard_input(), "standard input", BadRows())]
