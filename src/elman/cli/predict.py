"""The verb `predict`: answers to values, to the rows of a file, or to standard input."""

from __future__ import annotations  # so that the types below need no torch

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.messages import note
from elman.cli.options import (
    BadRowsOption,
    BadRowsPolicy,
    DecodingOption,
    FormatOption,
    RunArgument,
    check_picture,
    decode_settings,
    read_values,
    write_picture,
)
from elman.cli.output import Format, print_next, print_rows, print_trace, with_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elman.model import Model
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman predict runs/reviews "I loved this movie!"\n
    elman predict runs/reviews --data new.csv --format jsonl\n
    cat texts.txt | elman predict runs/reviews - --format jsonl\n
    elman predict runs/reviews --trace "I loved this movie!" --plot trace.png\n
    elman predict runs/english "It's raining, so I'll take my"\n
    elman predict runs/calls call.wav --timestamps\n
    elman predict runs/translate "How are you?" --set decode.beam=5 --plot attention.png"""


def predict(
    run: RunArgument,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VALUE...|-]", help="Input values; - reads them from standard input, one a line."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="File with the input columns, or a folder.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Show the prediction after each step.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="A PNG of one value: the attention weights; with --trace the unrolled network."),
    ] = None,
    timestamps: Annotated[
        bool,
        typer.Option("--timestamps", help="Show when each symbol of a transcript was spoken, in seconds or steps."),
    ] = False,
    set: DecodingOption = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Predict the answers to new values, to a file or to standard input."""
    from elman.model import load

    model = load(run)
    _check_answers_rows(model, run)
    decode = decode_settings("predict", set)
    _check_options(values, data, trace, plot, timestamps, decode)
    given: Any = data or read_values("predict", values or [])
    _check_plot(plot, given)
    for value in values or []:
        if value != "-":
            _note_what_is_odd(model, value)
    if timestamps:
        _print_timestamps(model, given, bad_rows.value, format)
    elif trace:
        _print_traces(model, given, plot, format)
    else:
        if plot is not None:
            write_picture(plot, _attention(model, given[0], decode))
        _print_answers(model, given, bad_rows.value, decode, format)


def _check_answers_rows(model: Model, run: Path) -> None:
    """Fail where the model forecasts, which is a verb of its own."""
    from elman.checks import fail

    if model.config.data.horizon is not None:
        then = f"Use elman forecast {shlex.quote(str(run))} history.csv."
        fail("predict", "the model", "answer each row by itself", "one that forecasts a series", then)


def _check_options(
    values: Sequence[str] | None, data: Path | None, trace: bool, plot: Path | None, timestamps: bool, decode: Json
) -> None:
    """Fail where options exclude each other."""
    from elman.checks import fail

    if (data is None) == (not values):
        got, then = "both" if values else "neither", "Try: elman predict RUN VALUE"
        fail("predict", "what to answer", "be values or --data", got, then)
    if decode and (trace or timestamps):
        got = "a trace" if trace else "time stamps"
        fail("predict", "--set", "go with a target that is generated", got, "Leave it out.")
    if timestamps and (trace or plot is not None):
        got = "a trace" if trace else "a picture"
        fail("predict", "--timestamps", "go with a transcript alone", got, "Leave out one of the two.")
    if (trace or plot is not None) and data is not None:
        fail("predict", "--trace" if trace else "--plot", "go with values", "--data")


def _check_plot(plot: Path | None, given: Any) -> None:
    """Fail where no picture of one value could be written."""
    from elman.checks import fail

    if plot is None:
        return
    if len(given) != 1:
        fail("predict", "--plot", "go with one value", f"{len(given)} values")
    check_picture("predict", "--plot", plot)


def _note_what_is_odd(model: Model, value: str) -> None:
    """A note where a value may not be what was meant."""
    from elman.errors import BadValueError
    from elman.fields import Text

    if not model.fields.file_columns() and os.path.isfile(value):
        note(f"note: {value!r} is answered as a value; --data {value} answers the rows of that file")
    elif len(model.fields.inputs) == 1 and isinstance(field := next(iter(model.fields.inputs.values())), Text):
        with suppress(BadValueError):  # its message comes with the answer
            if not field.knows_some(field.parse(value)):
                note(f"note: no {field.tokenizer} of {value!r} is known")


def _print_timestamps(model: Model, given: Any, bad_rows: str, format: Format) -> None:
    """Print a row a symbol: when it was spoken, and the value, or the number of its usable row, that it is of."""
    stamps = model.timestamps(given, bad_rows)
    note(model.skipped)
    typed = not isinstance(given, Path) and not model.skipped
    names = [{"value": str(given[at])} if typed else {"row": at + 1} for at in range(len(stamps))]
    rows = [name | stamp._asdict() for name, each in zip(names, stamps, strict=True) for stamp in each]
    print_rows(rows, format, listed=True)


def _print_traces(model: Model, given: Sequence[str], plot: Path | None, format: Format) -> None:
    """Print the prediction after each step of each value; draw it where that is asked for."""
    from elman.insight import draw_trace

    traces = [(value, model.trace(value)) for value in given]
    if plot is not None:
        write_picture(plot, draw_trace(*traces[0]))
    for value, steps in traces:
        print_trace(value, steps, format)


def _attention(model: Model, value: str, decode: Json) -> bytes:
    """The picture of the attention weights of one value."""
    from elman.insight import draw_attention

    return draw_attention(*model.attention(value, **decode))


def _print_answers(model: Model, given: Any, bad_rows: str, decode: Json, format: Format) -> None:
    """Print an answer a row."""
    data = given if isinstance(given, Path) else None
    pieces = model.answers_in_pieces(given, bad_rows, **decode)
    if format is Format.jsonl:  # the one format that can be printed before all rows are known
        for answers in pieces:
            print_rows(with_files(answers, data), format)
        note(model.skipped)
        return
    answers = with_files([answer for piece in pieces for answer in piece], data)
    note(model.skipped)
    shown = [str(value) for value in given] if data is None and not model.skipped else None
    if model.fields.inputs:
        print_rows(answers, format, shown)
    else:
        print_next(answers, format, shown)
