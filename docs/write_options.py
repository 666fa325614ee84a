"""docs/options.md: every key of a configuration, its default and what it does, from the classes and their docstrings.

python docs/write_options.py
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from elman.checks import option_table
from elman.config.configuration import DataConfig
from elman.config.short_options import SHORT_OPTIONS
from elman.decoding import Decoding
from elman.fields import FIELDS, INPUTS, TARGETS
from elman.layers import RecurrentOptions, StackOptions
from elman.topologies import TOPOLOGIES
from elman.topologies.base import BodyOptions
from elman.training import TrainingOptions

HEAD = """# Every option

Written by `make options` from the classes; not by hand. `--set section.key=value` sets one on the command line, a table
of a TOML file sets many. A default of `none` means that the option is left open: inferred, or not used.
"""
PLAIN = {  # keys of [data] that nothing else explains
    "source": "a file, a folder, a pattern, or several of these; none: a table in memory",
    "valid": "file of the validation split, instead of a fraction",
    "test": "file of the test split, instead of a fraction",
    "valid_fraction": "fraction of the rows, drawn by the seed, of the validation split",
    "test_fraction": "fraction of the rows, drawn by the seed, of the test split",
}
ENTRY = re.compile(r"^    (\w[\w, ]*): ")


def explanations(doc: str) -> dict[str, str]:
    """What the section Args or Keys of a docstring says of each name."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    inside = False
    for line in inspect.cleandoc(doc).splitlines():
        if not line.startswith(" ") and line:
            inside = line in ("Args:", "Keys:")
        elif inside and (entry := ENTRY.match(line)):
            names = [name.strip() for name in entry[1].split(",")]
            found |= {name: [line[entry.end() :].strip()] for name in names}
        elif inside and line.strip():
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(lines) for name, lines in found.items()}


def keyword_options(owner: type) -> Iterator[tuple[str, Any, Any]]:
    """The name, type and default of each option of a class."""
    hints = get_type_hints(owner.__init__)
    for name, parameter in inspect.signature(owner.__init__).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty:
            yield name, hints[name], parameter.default
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            for key, (hint, default) in option_table(*get_args(hints[name])).items():
                yield key, hint, default


def typed(hint: Any) -> str:
    """A type in words: choices as they are written."""
    if get_origin(hint) is Literal:
        return ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(typed(part) for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is list:
        return f"list of {typed(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return "table"
    words = {bool: "true, false", int: "whole number", float: "number", str: "text"}
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def shown(default: Any) -> str:
    """A default, as TOML has it."""
    if default is None:
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)


def table(rows: Iterator[tuple[str, Any, Any]], said: dict[str, str]) -> list[str]:
    """A Markdown table of options."""
    lines = ["| option | values | default | what it does |", "|---|---|---|---|"]
    for name, hint, default in rows:
        cells = (f"`{name}`", typed(hint), shown(default), said.get(name, ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def data_explanations() -> dict[str, str]:
    """The comments beside the keys of `[data]`, and the help of those that are flags too."""
    source = inspect.getsource(DataConfig)
    comments = {match[1]: match[2] for match in re.finditer(r"^    (\w+): .*?  # (.+)$", source, re.MULTILINE)}
    flags = {option.key.removeprefix("data."): option.help for option in SHORT_OPTIONS.values()}
    return comments | flags | PLAIN


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## data", ""]
    hints = get_type_hints(DataConfig)
    rows = ((name, hints[name], field.get_default()) for name, field in DataConfig.model_fields.items())
    lines += table(rows, data_explanations())
    lines += ["## input and target", "", "The options of a column depend on its `kind`.", ""]
    for kind, field in FIELDS.items():
        uses = [use for use, kinds in (("input", INPUTS), ("target", TARGETS)) if kind in kinds]
        lines += [f"### {kind}", "", f"As {' or '.join(uses)}.", ""]
        options = list(keyword_options(field))
        lines += table(iter(options), explanations(field.__doc__ or "")) if options else ["No options.", ""]
    lines += ["## model", "", "The options depend on the `topology`.", ""]
    shared: dict[str, str] = {}
    for options_class in (StackOptions, RecurrentOptions, BodyOptions):
        shared |= explanations(options_class.__doc__ or "")
    several: dict[str, str] = {}
    for name in ("many-to-one", "one-to-many"):  # the others refer to these
        several |= explanations(TOPOLOGIES[name].__doc__ or "")
    for name, topology in TOPOLOGIES.items():
        own = explanations(topology.__doc__ or "")
        without = getattr(topology, "without", ())
        rows = (row for row in keyword_options(topology) if row[0] not in without)
        lines += [f"### {name}", "", *table(rows, several | shared | own)]
    lines += ["## decode", "", "For targets that are generated.", ""]
    hints = get_type_hints(Decoding)
    decoding = ((one.name, hints[one.name], one.default) for one in fields(Decoding) if one.name != "forbidden")
    lines += table(decoding, explanations(Decoding.__doc__ or ""))
    lines += ["## train", "", *table(keyword_options(TrainingOptions), explanations(TrainingOptions.__doc__ or ""))]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "options.md").write_text(page())
