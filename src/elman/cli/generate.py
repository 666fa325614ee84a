"""The verb `generate`: texts that a trained network generates, whole or streamed; other outputs as files."""

from __future__ import annotations  # so that the types below need no torch

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.messages import note
from elman.cli.options import DecodingOption, FormatOption, RunArgument, decode_settings, read_values
from elman.cli.output import Format, print_rows, print_texts

if TYPE_CHECKING:
    from elman.decoding import Decoding
    from elman.fields import Frames, Target
    from elman.model import Model
    from elman.types import Json

EXAMPLES = """Examples:\n
    elman generate runs/shakespeare --prompt "ROMEO:" --length 300 --temperature 0.8 --stream\n
    elman generate runs/names Italian --n 5\n
    elman generate runs/translate "How are you?" --beam 5 --n 3 --format jsonl"""


def generate(
    run: RunArgument,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VALUE...|-]", help="Input values; - reads them from standard input, one a line."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="File with the input columns, instead of values.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Beginning to continue; the output starts with it.")] = None,
    length: Annotated[
        int | None,
        typer.Option(
            help="Symbols (words, characters, ...) to generate, at most. (default: the run's decode.max_length)"
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Sample; a lower one prefers likely symbols. (default: 1; an encoder-decoder takes the likeliest)"
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample from the k likeliest symbols.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Sample from the fewest symbols whose probabilities add up to p.")
    ] = None,
    beam: Annotated[int | None, typer.Option(help="Beam search with n hypotheses; 1 takes the likeliest.")] = None,
    n: Annotated[int | None, typer.Option("--n", help="Texts to generate for each value. (default: 1)")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the samples. (default: 0)")] = None,
    set: DecodingOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Beginning of the file names, as in OUT.png, for an output that is not text."),
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print one text piece by piece as it comes.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Generate with a trained network: continue a prompt, or generate from input values."""
    from elman.fields import Frames
    from elman.model import load

    model = load(run)
    _check_options(model, values, data, out, stream, format)
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
        _stream(model, prompts, given, decode, out)
    elif out is not None:
        _note_choice(model.decoding_for(**decode))
        _write_files(model.target, model.generate(prompts, given, **decode), out)
    elif isinstance(model.target, Frames):
        _note_choice(model.decoding_for(**decode))
        print_rows(_frame_rows(model.target, model.generate(prompts, given, **decode)), format)
    else:
        _print_texts(model, prompts, given, decode, format)


def _check_options(
    model: Model, values: list[str] | None, data: Path | None, out: Path | None, stream: bool, format: Format
) -> None:
    """Fail where options exclude each other, or no file could be written."""
    from elman.checks import fail

    if data is not None and values:
        fail("generate", "what to generate from", "be values or --data", "both", "Leave out one of the two.")
    for option, given in (("--stream", stream), ("--out", out is not None)):
        if given and format is not Format.table:
            fail("generate", option, "go without --format", f"--format {format.value}", "Leave out one of the two.")
    if out is not None:
        _check_files(model.target, out)


def _stream(model: Model, prompts: list[str] | None, given: Any, decode: Json, out: Path | None) -> None:
    """Print one text as it comes, and write its files at the end."""
    pieces = model.generate(prompts, given, stream=True, **decode)
    _note_choice(model.decoding_for(**decode))
    text = ""
    for piece in pieces:
        print(piece, end="", flush=True)
        text += piece
    print()
    if out is not None:
        _write_files(model.target, [[text]], out)


def _print_texts(model: Model, prompts: list[str] | None, given: Any, decode: Json, format: Format) -> None:
    """Print the texts of each value, or of each row of a file."""
    texts = model.n_best(prompts, given, **decode)
    _note_choice(model.decoding_for(**decode))
    names: list[Json] = [{"row": number} for number in range(1, len(texts) + 1)]
    if not isinstance(given, Path):
        names = [{}] if given is None else [{"value": value} for value in given]
    rows = [name | one._asdict() for name, best in zip(names, texts, strict=True) for one in best]
    print_texts(rows, format, alone=len(texts) == 1)


def _note_choice(decoding: Decoding) -> None:
    note(f"chosen    {decoding.describe()}; at most {decoding.max_length} steps (--length)")


def _frame_rows(field: Frames, generated: list[list[Any]]) -> list[Json]:
    """The numbers of what was generated, a row a step."""
    import numpy as np

    from elman.checks import fail

    values = [value for row in generated for value in row]
    if not all(isinstance(value, np.ndarray) and value.ndim == 2 for value in values):
        fail(
            "generate", "--out", "be given where the output is no table of numbers", "none", "For example --out sample."
        )
    return [
        ({"row": number} if len(values) > 1 else {})
        | {"step": step, **dict(zip(field.names(), map(float, frame), strict=True))}
        for number, value in enumerate(values, 1)
        for step, frame in enumerate(value, 1)
    ]


def _check_files(field: Target, out: Path) -> None:
    """Fail where the output is printed, or where no file could be written."""
    from elman.checks import fail
    from elman.fields import Target

    if type(field).save_artifacts is Target.save_artifacts:
        must = f"be left out of a target of kind {field.kind}, which is no file"
        fail("generate", "--out", must, repr(str(out)), "Leave it out: the output is printed.")
    if not out.parent.is_dir():
        fail("generate", "--out", "begin with a folder that exists", repr(str(out)))


def _write_files(field: Target, generated: list[list[Any]], out: Path) -> None:
    """Write what was generated as files, and say which."""
    from elman.checks import fail

    values = [value for row in generated for value in row]
    files = []
    for number, value in enumerate(values, 1):
        stem = out if len(values) == 1 else out.with_name(f"{out.name}-{number}")
        files += field.save_artifacts(value, stem)
    if not files:
        then = "Pass another --seed, or a larger --length."
        fail("generate", "the output", "hold something to write, such as a note", "nothing", then)
    for file in files:
        note(f"written   {file}")
