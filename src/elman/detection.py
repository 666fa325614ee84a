"""The verb `detect`: readings that a network did not expect, of a file or as they come."""

from __future__ import annotations  # so that the types below need no torch

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.arguments import BadRowsOption, BadRowsPolicy, FormatOption, RunArgument, check_picture
from elman.notes import note
from elman.output import Format, print_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from elman.anomalies import Watcher, Watching
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman train readings.csv --input load --input temp --id machine --time hour\n
    elman detect runs/readings new.csv --false-alarms 0.001 --plot hits.png\n
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
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Find readings that a next-step network did not expect."""
    from elman.anomalies import Watcher
    from elman.checks import fail
    from elman.data import BadRows
    from elman.loading import load

    if plot is not None:
        check_picture("detect", "--plot", plot)
    watcher = Watcher(load(run), false_alarms)
    _say_how(watcher, false_alarms)
    if data == "-":
        if plot is not None:
            fail("detect", "--plot", "go with a file", "standard input", "Leave out one of the two.")
        _as_they_come(watcher, sys.stdin, format)
        return
    bad = BadRows(bad_rows is BadRowsPolicy.skip)
    found = watcher.table(Path(data), bad)
    note(bad.summary())
    hits = [hit for series in found for hit in series.hits()]
    readings = sum(series.readings.size for series in found)
    note(f"hits      {len(hits):,} of {readings:,} readings")
    if plot is not None:
        plot.write_bytes(_drawn(found))
        note(f"written to {plot}")
    if hits or format is Format.json:
        print_rows(hits, format)


def _say_how(watcher: Watcher, false_alarms: float) -> None:
    names = watcher.field.names()
    told = ", ".join(f"{name} {limit:.4g}" for name, limit in zip(names, watcher.thresholds, strict=True))
    note(f"threshold {told} deviations: above them lie {false_alarms:.4g} of the clean readings")
    if false_alarms * watcher.clean < 1:
        note(f"          there were {watcher.clean:,} clean readings a channel: too few to tell so small a share")


def _as_they_come(watcher: Watcher, lines: Iterable[str], format: Format) -> None:
    """Print the hits of each row of CSV as soon as it is read; the first row names the columns."""
    for row in csv.DictReader(lines):
        for hit in watcher.step(row):
            if format in (Format.table, Format.csv):
                print("  ".join(f"{key} {_short(value)}" for key, value in hit.items()), flush=True)
            else:
                print(json.dumps(hit, ensure_ascii=False), flush=True)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _drawn(found: Sequence[Watching]) -> bytes:
    """The series with the most hits."""
    from elman.inference.watching import BAND
    from elman.insight.hits import draw_hits

    series = max(found, key=lambda one: len(one.hits()))
    hits: list[Json] = series.hits()
    of = "" if series.id is None else f"{series.id}: "
    title = f"{of}{len(hits):,} of {series.readings.size:,} readings were not expected"
    middle, low, high, scores = series.watched
    expected = middle, low, high
    return draw_hits(title, series.channels, series.times, series.readings, expected, scores, series.thresholds, BAND)
