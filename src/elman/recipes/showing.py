"""What a recipe shows of its network: traces of what is read, what is written from what, files of it."""

from pathlib import Path
from typing import Any

from elman.fields import Frames
from elman.inference import Step
from elman.model import Model
from elman.parts import Tables
from elman.recipes.base import Setting
from elman.recipes.pictures import shown_rows
from elman.topologies import Reader

Traces = list[tuple[str, list[Step]]]
Written = list[tuple[str, str]]


def shown(model: Model, chosen: Setting, tables: Tables, folder: Path) -> tuple[Traces, Written]:
    """Traces of what is read; or what is written from what, where it is no text as the names of its files."""
    if isinstance(model.network.topology, Reader):
        return [(value, model.trace(value)) for value in chosen.show], []
    if model.fields.inputs:
        return [], _from_values(model, chosen, tables, folder)
    if isinstance(model.target, Frames) or model.config.data.stream:
        values = [best for best, *_ in model.generate(chosen.show)]
        return [], list(zip(chosen.show, _as_text(model, values, folder), strict=True))
    told = [answer["probabilities"] for answer in model.answers(chosen.show)]  # what may come next, the likeliest first
    listed = [", ".join(f"{word} {chance:.3f}" for word, chance in row.items()) for row in told]
    return [], list(zip(chosen.show, listed, strict=True))


def _from_values(model: Model, chosen: Setting, tables: Tables, folder: Path) -> Written:
    """From what the recipe names, and from some rows of the test split, beside what stands there."""
    cells, true = shown_rows(model, chosen, tables)
    asked, there = [*chosen.show, *cells], [""] * len(chosen.show) + [f"   (there: {value})" for value in true]
    names = [_name(model, value, folder / f"read-{number}") for number, value in enumerate(asked, 1)]
    values = [best for best, *_ in model.generate(values=asked)]
    texts = _as_text(model, values, folder)
    return [(value, text + right) for value, text, right in zip(names, texts, there, strict=True)]


def _name(model: Model, value: Any, stem: Path) -> str:
    """A value as text, several as a list; of what is kept as files, and not named by one, the first file."""
    if isinstance(value, dict):
        return ", ".join(map(str, value.values()))
    files = [] if isinstance(value, str) else model.input.keep(model.input.parse(value), stem)
    return str(files[0] if files else value)


def _as_text(model: Model, values: list[Any], folder: Path) -> list[str]:
    """Texts as they are; of what is no text the names of its files, which are written to the recipe's folder."""
    files = [model.target.keep(value, folder / f"written-{number}") for number, value in enumerate(values, 1)]
    if not isinstance(model.target, Frames):
        return [str(value) for value in values]
    return [", ".join(file.name for file in each) for each in files]
