"""The verb `generate`: texts that a trained network writes, whole or as they come."""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.arguments import FormatOption, RunArgument, read_values
from elman.notes import note
from elman.output import Format, print_texts

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
        int | None, typer.Option(help="Symbols (words, characters, ...) to write, at most. (default: 100)")
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
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="decode.B=C", help="As decode.no_repeat_ngram=3.")
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print one text piece by piece as it comes.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Write with a trained network: go on with a prompt, or write from a value."""
    from elman.checks import fail
    from elman.model import load

    model = load(run)
    if data is not None and values:
        fail("generate", "what to write from", "be values or --data", "both", "Leave out one of the two.")
    if stream and format is not Format.table:
        fail("generate", "--stream", "go without --format", f"--format {format.value}", "Leave out one of the two.")
    short = {
        "max_length": length,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "beam": beam,
        "n_best": n,
        "seed": seed,
    }
    decode = _decode_settings(set or []) | {name: value for name, value in short.items() if value is not None}
    given: Any = data if data is not None else read_values("generate", values) if values else None
    prompts = None if prompt is None else [prompt]
    if stream:
        pieces = model.stream(prompt, given, **decode)
        _say_how(model.choosing(**decode))
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
        return
    found = model.n_best(prompts, given, **decode)
    _say_how(model.choosing(**decode))
    names: list[dict[str, Any]] = [{"row": number} for number in range(1, len(found) + 1)]
    if data is None:
        names = [{}] if given is None else [{"value": value} for value in given]
    rows = [name | one._asdict() for name, texts in zip(names, found, strict=True) for one in texts]
    print_texts(rows, format, alone=len(found) == 1)


def _decode_settings(settings: list[str]) -> dict[str, Any]:
    """The options of `--set decode.NAME=VALUE`."""
    from elman.checks import fail, shown
    from elman.config import with_setting

    document: dict[str, Any] = {}
    for setting in settings:
        document = with_setting(document, setting)
    decode = document.pop("decode", {})
    if document or not isinstance(decode, dict):
        then = "All else was settled in training."
        fail("generate", "--set", "read decode.NAME=VALUE", shown(settings[0]), then)
    return decode


def _say_how(chosen: Any) -> None:
    note(f"chosen    {chosen.describe()}; at most {chosen.max_length} symbols (--length)")
