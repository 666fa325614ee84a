"""What a recipe shows of its network: traces of what is read, what is written from what, files of it, a picture."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from elman.fields import Frames
from elman.inference import Step
from elman.insight import draw_attention
from elman.model import Model
from elman.parts import Tables
from elman.recipes.base import Setting
from elman.topologies import Reader, Writer

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


def picture(model: Model, chosen: Setting) -> dict[str, bytes]:
    """Where a network with attention looked while it wrote from the last value that is shown, as attention.png."""
    topology = model.network.topology
    if not isinstance(topology, Writer) or topology.decoder.attention is None or find_spec("matplotlib") is None:
        return {}
    return {"attention.png": draw_attention(*model.attention(chosen.show[-1], min_length=1))}


def _from_values(model: Model, chosen: Setting, tables: Tables, folder: Path) -> Written:
    """From what the recipe names, and from some rows of the test split, beside what stands there."""
    names, (target,) = list(model.fields.inputs), model.fields.targets
    asked = [value if isinstance(value, dict) else {names[0]: value} for value in chosen.show]
    there = [""] * len(asked)
    if tables.test is not None and chosen.show_rows:
        some = np.linspace(0, len(tables.test) - 1, chosen.show_rows).astype(int).tolist()
        asked += [{name: tables.test.column(name)[row] for name in names} for row in some]
        there += [f"   (there: {tables.test.column(target)[row]})" for row in some]
    texts = _as_text(model, [best for best, *_ in model.generate(values=asked)], folder)
    said = [", ".join(str(row[name]) for name in names) for row in asked]
    return [(value, text + right) for value, text, right in zip(said, texts, there, strict=True)]


def _as_text(model: Model, values: list[Any], folder: Path) -> list[str]:
    """Texts as they are; of what is no text the names of its files, which are written to the recipe's folder."""
    files = [model.target.keep(value, folder / f"written-{number}") for number, value in enumerate(values, 1)]
    if not isinstance(model.target, Frames):
        return [str(value) for value in values]
    return [", ".join(file.name for file in each) for each in files]
