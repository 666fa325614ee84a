"""The examples that a recipe shows: traces of what its network reads, what it generates, and files of both."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.data import Table
from elman.data.layouts import Tables
from elman.fields import Frames
from elman.inference import Step
from elman.model.model import Model
from elman.recipes.base import Setting
from elman.topologies import SequenceTopology

LONGEST_TITLE = 60  # characters of the title of a picture


class GeneratedRow(NamedTuple):
    """A generated value."""

    prompt: Any  # its inputs, or the start that it continues
    value: Any  # as the user reads it
    actual: Any = None  # the target in the test split, for a row of it


class ShownExamples(NamedTuple):
    """The examples of a recipe: traces of what its network reads, or what it generates."""

    traces: list[tuple[str, list[Step]]]
    generated: list[GeneratedRow]


def make_examples(model: Model, chosen: Setting, tables: Tables) -> ShownExamples:
    """All examples, made once for pictures and text."""
    if isinstance(model.network.topology, SequenceTopology):
        return ShownExamples([(value, model.trace(value)) for value in chosen.show], [])
    if model.fields.inputs:
        cells, targets = _test_rows(model, chosen, tables)
        prompts, actual = [*chosen.show, *cells], [None] * len(chosen.show) + targets
        values = [best for best, *_ in model.generate(values=prompts)]
        return ShownExamples([], list(map(GeneratedRow, prompts, values, actual)))
    if isinstance(model.target, Frames) or model.config.data.stream:
        return ShownExamples(
            [], list(map(GeneratedRow, chosen.show, [best for best, *_ in model.generate(chosen.show)]))
        )
    next_words = [answer["probabilities"] for answer in model.answers(chosen.show)]  # the most probable first
    listed = [", ".join(f"{word} {probability:.3f}" for word, probability in row.items()) for row in next_words]
    return ShownExamples([], list(map(GeneratedRow, chosen.show, listed)))


def save_examples(model: Model, generated: list[GeneratedRow], folder: Path) -> list[tuple[str, str]]:
    """Prompts and generated values as texts; frames by the names of their files. Pictures, sound and music are written
    to the folder."""
    texts = []
    for number, row in enumerate(generated, 1):
        prompt = _as_text(model, row.prompt, folder / f"read-{number}")
        title = _shortened(prompt) if model.fields.inputs else "an opening, continued"
        files = model.target.save_artifacts(row.value, folder / f"written-{number}", title)
        text = ", ".join(file.name for file in files) if isinstance(model.target, Frames) else str(row.value)
        actual = "" if row.actual is None else f"   (actual: {row.actual})"
        texts.append((prompt, text + actual))
    return texts


def with_inputs(show: list[Any], inputs: Iterable[str], table: Table) -> list[Any]:
    """The values to show; a dictionary gets its missing inputs from the first row with its values."""

    def completed(value: Any) -> Any:
        missing = [name for name in inputs if isinstance(value, dict) and name not in value]
        if not missing:
            return value
        given = zip(*map(table.column, value), strict=True)
        row = next(row for row, cells in enumerate(given) if cells == tuple(value.values()))
        return value | {name: table.column(name)[row] for name in missing}

    return list(map(completed, show))


def _test_rows(model: Model, chosen: Setting, tables: Tables) -> tuple[list[Any], list[Any]]:
    """Inputs and targets of the rows of the test split to show, evenly spaced."""
    if tables.test is None or not chosen.show_rows:
        return [], []
    rows = np.linspace(0, len(tables.test) - 1, chosen.show_rows).astype(int).tolist()
    columns = {name: tables.test.column(name) for name in (*model.fields.inputs, model.target.name)}
    targets = columns.pop(model.target.name)
    cells = [{name: column[row] for name, column in columns.items()} for row in rows]
    return [cell if len(cell) > 1 else next(iter(cell.values())) for cell in cells], [targets[row] for row in rows]


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def _as_text(model: Model, value: Any, stem: Path) -> str:
    """A value as text, several as a list; the name of the first file for a value that is saved as files."""
    if isinstance(value, dict):
        return ", ".join(map(str, value.values()))
    files = [] if isinstance(value, str) else model.input.save_artifacts(model.input.parse(value), stem)
    return str(files[0] if files else value)
