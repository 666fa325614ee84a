"""The verb `predict`: answers to values that are typed, to a file, or to standard input."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.forecast import predict_ahead
from elman.cli.messages import note
from elman.cli.options import (
    BadRowsOption,
    BadRowsPolicy,
    DecodeOption,
    FormatOption,
    RunArgument,
    check_picture,
    decode_settings,
    read_values,
)
from elman.cli.output import Format, print_next, print_rows, print_trace, with_files

EXAMPLES = """Examples:\n
    elman predict runs/reviews "I loved this movie!"\n
    elman predict runs/reviews --data new.csv --format jsonl\n
    cat texts.txt | elman predict runs/reviews - --format jsonl\n
    elman predict runs/reviews --trace "I loved this movie!" --plot trace.png\n
    elman predict runs/load history.csv --horizon 24 --plot fan.png\n
    elman predict runs/readings history.csv --horizon 48 --paths 5\n
    elman predict runs/english "It's raining, so I'll take my"\n
    elman predict runs/calls call.wav --timestamps\n
    elman predict runs/translate "How are you?" --set decode.beam=5 --plot attention.png"""


def predict(
    run: RunArgument,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VALUE...|-]", help="Values, one a line of -, standard input; or a history, as CSV."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="File with the input's column; or a folder.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Show the answer after each step.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="One value as a PNG: with --trace the unrolled network; what attention looked at; a fan chart."
        ),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Show when each symbol of a transcript was said, in seconds or steps.")
    ] = False,
    horizon: Annotated[int | None, typer.Option(help="Of a forecast: steps; any number after a next step.")] = None,
    paths: Annotated[int, typer.Option(help="Of a forecast: so many ways that it may go, drawn.")] = 0,
    set: DecodeOption = None,
    bad_rows: BadRowsOption = BadRowsPolicy.refuse,
    format: FormatOption = Format.table,
) -> None:
    """Answer new values, a file or standard input; forecast what comes after a history."""
    from elman.checks import fail
    from elman.forecasting.forecast import looks_ahead
    from elman.insight import draw_attention, draw_trace
    from elman.model.load import load

    model = load(run)
    if (data is None) == (not values):
        got = "both" if values else "neither"
        then = "Try: elman predict RUN VALUE, or RUN history.csv where it forecasts"
        fail("predict", "what to answer", "be values or --data", got, then)
    decode = decode_settings("predict", set)
    ahead = looks_ahead(model, horizon, paths, values or []) and not trace
    told = "a forecast" if ahead else "a trace" if trace else ""
    if decode and (told or timestamps):
        got = told or "time stamps"
        fail("predict", "--set", "go with a target that is written", got, "Leave it out.")
    if timestamps and (told or plot is not None):
        fail("predict", "--timestamps", "go with a transcript alone", told or "a picture", "Leave out one of the two.")
    if ahead:
        files = [data] if data is not None else list(values or [])
        predict_ahead(model, files, horizon, paths, plot, bad_rows.value, format)
        return
    if horizon is not None or paths:
        what = "--paths" if horizon is None else "--horizon"
        must = "go with a model that forecasts, or that tells the next step of a series"
        fail("predict", what, must, "another", "Leave it out.")
    given: Any = data or read_values("predict", values or [])
    for value in values or []:
        if value != "-":
            _say_what_is_odd(model, value)
    if (trace or plot is not None) and data is not None:
        fail("predict", "--trace" if trace else "--plot", "go with values", "--data")
    if plot is not None and len(given) != 1:
        fail("predict", "--plot", "go with one value", f"{len(given)} values")
    if plot is not None:
        check_picture("predict", "--plot", plot)
    if timestamps:
        _print_stamps(model, given, data is None, bad_rows.value, format)
        return
    if trace:
        traces = [(value, model.trace(value)) for value in given]
        if plot is not None:
            plot.write_bytes(draw_trace(*traces[0]))
            note(f"written to {plot}")
        for value, steps in traces:
            print_trace(value, steps, format)
        return
    if plot is not None:
        plot.write_bytes(draw_attention(*model.attention(given[0], **decode)))
        note(f"written to {plot}")
    pieces = model.answers_in_pieces(given, bad_rows.value, **decode)
    if format is Format.jsonl:  # the one format that needs not know all rows
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


def _say_what_is_odd(model: Any, value: str) -> None:
    """Say so where a value is answered that may not be what was meant."""
    from elman.errors import BadValueError
    from elman.fields import Text

    if not model.fields.named_files() and os.path.isfile(value):
        note(f"note: {value!r} is answered as a value; --data {value} answers the rows of that file")
    elif len(model.fields.inputs) == 1 and isinstance(field := next(iter(model.fields.inputs.values())), Text):
        with suppress(BadValueError):  # of which more is said when it is answered
            if not field.knows_some(field.parse(value)):
                note(f"note: no {field.level} of {value!r} is known")


def _print_stamps(model: Any, given: Any, typed: bool, bad_rows: str, format: Format) -> None:
    """Print a row a symbol: the value that was typed, or the number of the row that could be used, and when."""
    found = model.timestamps(given, bad_rows)
    note(model.skipped)
    typed = typed and not model.skipped
    of = [{"value": str(given[at])} if typed else {"row": at + 1} for at in range(len(found))]
    rows = [one | stamp._asdict() for one, stamps in zip(of, found, strict=True) for stamp in stamps]
    print_rows(rows, format, listed=True)
