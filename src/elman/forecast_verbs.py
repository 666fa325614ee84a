"""The verb `backtest`, and what `predict` does with a model that forecasts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.arguments import BadRowsOption, BadRowsPolicy, FormatOption, RunArgument, check_picture
from elman.notes import note
from elman.output import Format, print_rows

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
    """Forecast from many places along a history and hold it against what came: figures a step ahead, and over all."""
    from elman.backtesting import backtest as along
    from elman.loading import load

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
    from elman.forecasting import forecast
    from elman.insight import draw_fan

    if len(files) != 1:
        then = "Try: elman predict RUN history.csv"
        fail("predict", "a forecast", "go on with one history, a file", f"{len(files)} of them", then)
    if plot is not None:
        check_picture("predict", "--plot", plot)
    outlooks = forecast(model, files[0], horizon, paths, bad_rows=bad_rows)
    note(model.skipped)
    if plot is not None:
        if len(outlooks) > 1:
            note(f"drawn     the first of {len(outlooks)}")
        plot.write_bytes(draw_fan(outlooks[0]))
        note(f"written to {plot}")
    print_rows([row for outlook in outlooks for row in outlook.rows(model)], format, listed=True)
