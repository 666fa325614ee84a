"""The verb `backtest`, and what `predict` does with a model that forecasts."""

from __future__ import annotations  # so that the types below need no torch

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.messages import note
from elman.cli.options import BadRowsOption, BadRowsPolicy, FormatOption, RunArgument, check_picture, standard_input
from elman.cli.output import Format, print_rows

if TYPE_CHECKING:
    from elman.types import Json

BACKTEST = (
    "Examples: elman backtest runs/load history.csv; elman backtest runs/load history.csv --every 1 --format json"
)


def backtest(
    run: RunArgument,
    history: Annotated[Path, typer.Argument(metavar="FILE", help="Rows in the format of the training, a row a step.")],
    every: Annotated[
        int | None, typer.Option(help="Steps from one forecast to the next. (default: as many as are forecast)")
    ] = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Forecast from many places along a history and hold it against what came: figures a step ahead, and over all.

    `mse` and `mae` are on the scale of the training rows, whose deviation is 1 there.
    """
    from elman.forecasting.backtest import backtest as along
    from elman.model.load import load

    model = load(run)
    rows = along(model, history, every, bad_rows.value)
    note(model.skipped)
    print_rows(rows, format)


def predict_ahead(
    model: Any,
    files: list[Any],
    horizon: int | None,
    paths: int,
    plot: Path | None,
    bad_rows: str,
    format: Format,
) -> None:
    """Print what comes after the end of a history, a row a step; and draw it.

    Raises:
        ArgumentError: not one file, or options that do not fit.
    """
    from elman.checks import fail
    from elman.forecasting.forecast import forecast
    from elman.insight import draw_fan

    if len(files) != 1:
        then = "Try: elman predict RUN history.csv"
        fail("predict", "a forecast", "go on with one history, a file", f"{len(files)} of them", then)
    if plot is not None:
        check_picture("predict", "--plot", plot)
    history = _from_standard_input() if str(files[0]) == "-" else files[0]
    outlooks = forecast(model, history, horizon, paths, bad_rows=bad_rows)
    note(model.skipped)
    if plot is not None:
        if len(outlooks) > 1:
            note(f"drawn     the first of {len(outlooks)}")
        plot.write_bytes(draw_fan(outlooks[0]))
        note(f"written to {plot}")
    rows = [row for outlook in outlooks for row in outlook.rows(model)]
    if format in (Format.table, Format.csv):
        rows = [_in_columns(row) for row in rows]
    print_rows(rows, format, listed=True)


def _in_columns(row: Json) -> Json:
    """A row whose paths have a column each."""
    if "paths" not in row:
        return row
    return row | {"paths": {f"path{number}": value for number, value in enumerate(row["paths"], 1)}}


def _from_standard_input() -> list[dict[str, str]]:
    """The rows of CSV on standard input."""
    from elman.data import BadRows, read_rows

    return [cells for _, cells in read_rows(standard_input(), "standard input", BadRows())]
