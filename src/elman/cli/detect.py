"""The verb `detect`: anomalies among the readings of a file, or of standard input as they come."""

from __future__ import annotations  # so that the types below need no torch

import csv
import json
import sys
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
    from collections.abc import Callable, Sequence

    from elman.data import BadRows
    from elman.forecasting import AnomalyDetector
    from elman.forecasting.anomalies import ScoredSeries
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman train readings.csv --input load --input temp --id machine --time hour\n
    elman detect runs/readings new.csv --false-alarms 0.001 --plot anomalies.png\n
    elman detect runs/readings new.csv --all --format csv > scores.csv\n
    tail -f readings.csv | elman detect runs/readings - --format jsonl"""


def detect(
    run: RunArgument,
    data: Annotated[
        str, typer.Argument(metavar="FILE|-", help="File of readings; - reads CSV from standard input, row by row.")
    ],
    false_alarms: Annotated[
        float, typer.Option(help="Fraction of a channel's clean readings that may count as anomalies.")
    ] = 0.001,
    plot: Annotated[
        Path | None, typer.Option(help="A PNG of the readings, their scores, the thresholds and the anomalies.")
    ] = None,
    all: Annotated[
        bool, typer.Option("--all", help="Print every reading with its score, and whether it is an anomaly.")
    ] = False,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Find readings that a next-step network did not expect: a row each, with its score and the threshold.

    A score is the distance of a reading from its prediction, in predicted standard deviations.
    """
    from elman.checks import fail
    from elman.data import BadRows
    from elman.forecasting import AnomalyDetector
    from elman.model import load

    if plot is not None:
        check_picture("detect", "--plot", plot)
    detector, bad = AnomalyDetector(load(run), false_alarms), BadRows(bad_rows is BadRowsPolicy.skip)
    _note_thresholds(detector, false_alarms)
    if data == "-":
        if plot is not None:
            fail("detect", "--plot", "go with a file", "standard input", "Leave out one of the two.")
        _print_as_they_come(detector, all, bad, format)
        return
    scored = detector.table(Path(data), bad)
    note(bad.summary())
    count, readings = sum(int(one.above.sum()) for one in scored), sum(one.readings.size for one in scored)
    note(f"anomalies {count:,} of {readings:,} readings")
    if plot is not None:
        write_picture(plot, _drawn(scored))
    print_rows([row for one in scored for row in (one.rows() if all else one.anomalies())], format, listed=True)


def _note_thresholds(detector: AnomalyDetector, false_alarms: float) -> None:
    limits = zip(detector.field.names(), detector.thresholds, strict=True)
    each = ", ".join(f"{name} {limit:.4g}" for name, limit in limits)
    note(f"threshold {each} standard deviations: at most {false_alarms:.4g} of the clean readings lie above")
    if false_alarms * detector.normal_readings < 1:
        note(f"          only {detector.normal_readings:,} clean readings a channel: too few for such a fraction")


def _print_as_they_come(detector: AnomalyDetector, all: bool, bad: BadRows, format: Format) -> None:
    """Print the anomalies of each row of CSV as soon as it is read; the first row names the columns."""
    from elman.data import read_rows

    print_row = {Format.table: _print_words, Format.csv: _csv_printer()}.get(format, _print_json)
    try:
        for where, cells in read_rows(standard_input(), "standard input", bad):
            scored = detector.follow(cells, bad, where)
            if scored is not None:
                for row in scored.rows() if all else scored.anomalies():
                    print_row(row)
                sys.stdout.flush()
    finally:
        note(bad.summary())


def _print_words(row: Json) -> None:
    print("  ".join(f"{key} {_short(value)}" for key, value in row.items()))


def _print_json(row: Json) -> None:
    print(json.dumps(row, ensure_ascii=False))


def _csv_printer() -> Callable[[Json], None]:
    """What prints rows of the same keys, and the keys before the first."""
    writer = csv.writer(sys.stdout)
    begun = False

    def print_row(row: Json) -> None:
        nonlocal begun
        writer.writerows([row.values()] if begun else [row.keys(), row.values()])
        begun = True

    return print_row


def _short(value: object) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _drawn(scored: Sequence[ScoredSeries]) -> bytes:
    """The picture of the series with the most anomalies."""
    from elman.insight import draw_anomalies

    series = max(scored, key=lambda one: int(one.above.sum()))
    if len(scored) > 1:
        note(f"drawn     {series.id}, which has the most anomalies of {len(scored):,} series")
    of = "" if series.id is None else f"{series.id}: "
    title = f"{of}{series.above.sum():,} of {series.readings.size:,} readings are anomalies"
    return draw_anomalies(title, series)
