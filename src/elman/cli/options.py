"""Arguments that several verbs of the command line share, and how they are read."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from elman.checks import fail, shown
from elman.cli.output import Format


class BadRowsPolicy(StrEnum):
    """What is done with rows that cannot be used."""

    refuse = "refuse"
    skip = "skip"


DECODE = (  # the options of `elman.inference.Decoding`, which is not imported: it needs torch
    "beam",
    "length_penalty",
    "coverage_penalty",
    "temperature",
    "top_k",
    "top_p",
    "seed",
    "repetition_penalty",
    "no_repeat_ngram",
    "min_length",
    "max_length",
    "n_best",
)
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, as `elman train` writes it.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
DecodeOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="decode.B=C", help=f"How what is written is looked for. B: {', '.join(DECODE)}."),
]
BadRowsOption = Annotated[BadRowsPolicy, typer.Option(help="Refuse a bad row, or skip, count and list it.")]


def decode_settings(verb: str, settings: Sequence[str] | None) -> dict[str, Any]:
    """The options of `--set decode.NAME=VALUE`.

    Raises:
        ArgumentError: a setting of something else.
        ConfigError: no setting at all.
    """
    from elman.config import with_setting

    document: dict[str, Any] = {}
    for setting in settings or ():
        document = with_setting(document, setting)
    decode = document.pop("decode", {})
    if document or not isinstance(decode, dict):
        then = "All else was settled in training."
        fail(verb, "--set", "read decode.NAME=VALUE", shown((settings or [""])[0]), then)
    return dict(decode)


def read_values(verb: str, values: Sequence[str]) -> list[str]:
    """The values of the command line; a single - is those of standard input, one a line.

    Raises:
        ArgumentError: standard input holds none.
    """
    if list(values) != ["-"]:
        return list(values)
    found = [line.rstrip("\n") for line in standard_input()]
    if not found:
        fail(verb, "standard input", "hold a value a line", "nothing")
    return found


def standard_input() -> TextIO:
    """Standard input as text; what is no UTF-8 is found later, with what else is wrong."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
    return sys.stdin


def check_picture(verb: str, option: str, path: Path) -> None:
    """Fail where no picture could be written."""
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        fail(verb, option, "be a .png file in a folder that exists", repr(str(path)))
