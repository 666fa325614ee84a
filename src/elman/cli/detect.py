"""The verb `detect`: readings that a network did not expect, of a file or as they come."""

from __future__ import annotations  # so that the types below need no torch

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.cli.messages import note
from elman.cli.options import BadRowsOption, BadRowsPolicy, FormatOption, RunArgument, check_picture, standard_input
from elman.cli.output import Format, print_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elman.data import BadRows
    from elman.forecasting.anomalies import Watcher, Watching
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman train readings.csv --input load --input temp --id machine --time hour\n
    elman detect runs/readings new.csv --false-alarms 0.001 --plot hits.png\n
    elman detect runs/readings new.csv --all --format csv > scores.csv\n
    tail -f readings.csv | elman detect runs/readings - --format jsonl"""


def detect(
    run: RunArgument,
    data: Annotated[
        str, typer.Argument(metavar="FILE|-", help="File of readings; - reads CSV from standard input, row by row.")
    ],
    false_alarms: Annotated[
        float, typer.Option(help="Share of the clean readings of a channel that may be taken for faults.")
    ] = 0.001,
    plot: Annotated[
        Path | None, typer.Option(help="A PNG of the readings, the scores, the thresholds and the hits.")
    ] = None,
    all: Annotated[
        bool, typer.Option("--all", help="Print every reading with its score, and whether it is a hit; not hits alone.")
    ] = False,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Find readings that a next-step network did not expect: a row each, with its score and the threshold.

    A score is how far off a reading was, in the deviations that were told before it came.
    """
    from elman.checks import fail
    from elman.data import BadRows
    from elman.forecasting.anomalies import Watcher
    from elman.model.load import load

    if plot is not None:
        check_picture("detect", "--plot", plot)
    watcher, bad = Watcher(load(run), false_alarms), BadRows(bad_rows is BadRowsPolicy.skip)
    _say_how(watcher, false_alarms)
    if data == "-":
        if plot is not None:
            fail("detect", "--plot", "go with a file", "standard input", "Leave out one of the two.")
        _as_they_come(watcher, all, bad, format)
        return
    found = watcher.table(Path(data), bad)
    note(bad.summary())
    rows = [row for series in found for row in (series.rows() if all else series.hits())]
    hits = sum(int(series.over.sum()) for series in found)
    readings = sum(series.readings.size for series in found)
    note(f"hits      {hits:,} of {readings:,} readings")
    if plot is not None:
        plot.write_bytes(_drawn(found))
        note(f"written to {plot}")
    print_rows(rows, format, listed=True)


def _say_how(watcher: Watcher, false_alarms: float) -> None:
    names = watcher.field.names()
    told = ", ".join(f"{name} {limit:.4g}" for name, limit in zip(names, watcher.thresholds, strict=True))
    note(f"threshold {told} deviations: at most {false_alarms:.4g} of the clean readings lie above")
    if false_alarms * watcher.clean < 1:
        note(f"          there were {watcher.clean:,} clean readings a channel: too few to tell so small a share")


def _as_they_come(watcher: Watcher, all: bool, bad: BadRows, format: Format) -> None:
    """Print what is found in each row of CSV as soon as it is read; the first row names the columns."""
    from elman.data import read_rows

    print_row = {Format.table: _print_words, Format.csv: _csv_printer()}.get(format, _print_json)
    try:
        for where, cells in read_rows(standard_input(), "standard input", bad):
            watching = watcher.follow(cells, bad, where)
            if watching is not None:
                for row in watching.rows() if all else watching.hits():
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


def _drawn(found: Sequence[Watching]) -> bytes:
    """The series with the most hits."""
    from elman.insight import draw_hits

    series = max(found, key=lambda one: int(one.over.sum()))
    if len(found) > 1:
        note(f"drawn     {series.id}, which has the most hits of {len(found):,} series")
    of = "" if series.id is None else f"{series.id}: "
    title = f"{of}{series.over.sum():,} of {series.readings.size:,} readings were not expected"
    return draw_hits(title, series)
