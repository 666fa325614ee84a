"""The verb `generate`: texts that a trained network writes, whole or as they come; and what is no text, as files."""

from __future__ import annotations  # so that the types below need no torch

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.messages import note
from elman.cli.options import DecodeOption, FormatOption, RunArgument, decode_settings, read_values
from elman.cli.output import Format, print_rows, print_texts

if TYPE_CHECKING:
    from elman.fields import Frames, Target

EXAMPLES = """Examples:\n
    elman generate runs/shakespeare --prompt "ROMEO:" --length 300 --temperature 0.8 --stream\n
    elman generate runs/names Italian --n 5\n
    elman generate runs/translate "How are you?" --beam 5 --n 3 --format jsonl"""


def generate(
    run: RunArgument,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VALUE...|-]", help="What is written from; - reads them from standard input."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="File with the inputs' columns, in place of values.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What is gone on with; it stands before what is written.")] = None,
    length: Annotated[
        int | None,
        typer.Option(help="Symbols (words, characters, ...) to write, at most. (default: the run's decode.max_length)"),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Draw; the lower, the more often a likely symbol. (default: 1; an encoder-decoder takes the likeliest)"
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw among so many likeliest symbols.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among those that together are so probable.")] = None,
    beam: Annotated[int | None, typer.Option(help="Search with so many hypotheses; 1 takes the likeliest.")] = None,
    n: Annotated[int | None, typer.Option("--n", help="Texts to write, of each value. (default: 1)")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draws. (default: 0)")] = None,
    set: DecodeOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where files go whose names begin so, as for OUT.png, where what is written is no text."),
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print one text piece by piece as it comes.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Write with a trained network: go on with a prompt, or write from a value."""
    from elman.checks import fail
    from elman.fields import Frames
    from elman.model.load import load

    model = load(run)
    if data is not None and values:
        fail("generate", "what to write from", "be values or --data", "both", "Leave out one of the two.")
    if stream and format is not Format.table:
        fail("generate", "--stream", "go without --format", f"--format {format.value}", "Leave out one of the two.")
    if out is not None and format is not Format.table:
        fail("generate", "--out", "go without --format", f"--format {format.value}", "Leave out one of the two.")
    if out is not None:
        _check_keeps(model.target, out)
    short = {
        "max_length": length,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "beam": beam,
        "n_best": n,
        "seed": seed,
    }
    decode = decode_settings("generate", set) | {name: value for name, value in short.items() if value is not None}
    given: Any = data if data is not None else read_values("generate", values) if values else None
    prompts = None if prompt is None else [prompt]
    if stream:
        pieces = model.stream(prompt, given, **decode)
        _say_how(model.choosing(**decode))
        text = ""
        for piece in pieces:
            print(piece, end="", flush=True)
            text += piece
        print()
        if out is not None:
            _keep(model.target, [[text]], out)
        return
    if isinstance(model.target, Frames):
        _say_how(model.choosing(**decode))
        _show_frames(model.target, model.generate(prompts, given, **decode), out, format)
        return
    if out is not None:
        _say_how(model.choosing(**decode))
        _keep(model.target, model.generate(prompts, given, **decode), out)
        return
    found = model.n_best(prompts, given, **decode)
    _say_how(model.choosing(**decode))
    names: list[dict[str, Any]] = [{"row": number} for number in range(1, len(found) + 1)]
    if data is None:
        names = [{}] if given is None else [{"value": value} for value in given]
    rows = [name | one._asdict() for name, texts in zip(names, found, strict=True) for one in texts]
    print_texts(rows, format, alone=len(found) == 1)


def _say_how(chosen: Any) -> None:
    note(f"chosen    {chosen.describe()}; at most {chosen.max_length} steps (--length)")


def _show_frames(field: Frames, written: list[list[Any]], out: Path | None, format: Format) -> None:
    """Files of what was written; without `out` its numbers, a row a step."""
    import numpy as np

    from elman.checks import fail

    if out is not None:
        _keep(field, written, out)
        return
    values = [value for row in written for value in row]
    if not all(isinstance(value, np.ndarray) and value.ndim == 2 for value in values):
        fail("generate", "--out", "be given for what is no table of numbers", "none", "For example --out sample.")
    rows = [
        ({"row": number} if len(values) > 1 else {})
        | {"step": step, **dict(zip(field.names(), map(float, frame), strict=True))}
        for number, value in enumerate(values, 1)
        for step, frame in enumerate(value, 1)
    ]
    print_rows(rows, format)


def _check_keeps(field: Target, out: Path) -> None:
    """Fail where what is written is printed, or where no file could be written."""
    from elman.checks import fail
    from elman.fields import Target

    if type(field).keep is Target.keep:
        then = "Leave it out: what is written is printed."
        fail(
            "generate", "--out", f"be left out of a target of kind {field.kind}, which is no file", repr(str(out)), then
        )
    if not out.parent.is_dir():
        fail("generate", "--out", "begin with a folder that exists", repr(str(out)))


def _keep(field: Target, written: list[list[Any]], out: Path) -> None:
    """Write what was written as files, and say which."""
    from elman.checks import fail

    values = [value for row in written for value in row]
    files = []
    for number, value in enumerate(values, 1):
        stem = out if len(values) == 1 else out.with_name(f"{out.name}-{number}")
        files += field.keep(value, stem)
    if not files:
        then = "Pass another --seed, or a larger --length."
        fail("generate", "what is written", "hold something to keep, such as a note", "nothing", then)
    for file in files:
        note(f"written   {file}")
