"""Arguments that several verbs share, and how they are read."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand, TyperOption

from elman.checks import fail, shown
from elman.cli.messages import note
from elman.cli.output import Format
from elman.config.short_options import SHORT_OPTIONS


class BadRowsPolicy(StrEnum):
    """What is done with rows that cannot be used."""

    refuse = "refuse"
    skip = "skip"


NAMES = "NAMES"  # in a help text: the options of `elman.decoding.Decoding`
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, as `elman train` writes it.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
DecodingOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="decode.B=C", help=f"How the output is decoded. B: {NAMES}."),
]
BadRowsOption = Annotated[BadRowsPolicy, typer.Option(help=SHORT_OPTIONS["bad_rows"].help)]


class Verb(TyperCommand):
    """A command whose help names the options of decoding; they are imported only when that help is shown."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.help and NAMES in parameter.help:
                from dataclasses import fields

                from elman.decoding import Decoding

                names = [field.name for field in fields(Decoding) if field.name != "forbidden"]
                parameter.help = parameter.help.replace(NAMES, ", ".join(names))
        super().format_help(ctx, formatter)


def short_option(name: str) -> Any:
    """The option --NAME of the table of short options."""
    return typer.Option(f"--{name.replace('_', '-')}", help=SHORT_OPTIONS[name].help)


def decode_settings(verb: str, settings: Sequence[str] | None) -> dict[str, Any]:
    """The options of `--set decode.NAME=VALUE`.

    Raises:
        ArgumentError: a setting of another section.
        ConfigError: no setting at all.
    """
    from elman.config.configuration import with_setting

    document: dict[str, Any] = {}
    for setting in settings or ():
        document = with_setting(document, setting)
    decode = document.pop("decode", {})
    if document or not isinstance(decode, dict):
        then = "Everything else was fixed in training."
        fail(verb, "--set", "read decode.NAME=VALUE", shown((settings or [""])[0]), then)
    return dict(decode)


def read_values(verb: str, values: Sequence[str]) -> list[str]:
    """The values of the command line; a single - reads them from standard input, one a line.

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
    """Standard input as text; bytes that are not UTF-8 are refused later, with the place where they stand."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
    return sys.stdin


def check_picture(verb: str, option: str, path: Path) -> None:
    """Fail where no picture could be written."""
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        fail(verb, option, "be a .png file in a folder that exists", repr(str(path)))


def write_picture(path: Path, picture: bytes) -> None:
    """Write a picture, and say where."""
    path.write_bytes(picture)
    note(f"written to {path}")
