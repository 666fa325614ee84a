"""What a recipe shows of its network: traces of what is read, what is written from what, files of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.data import Table
from elman.fields import Frames
from elman.inference import Step
from elman.model.model import Model
from elman.recipes.base import Setting
from elman.topologies import SequenceTopology
from elman.training.datasets import Tables

LONGEST_TITLE = 60  # characters above a picture


class WrittenRow(NamedTuple):
    """Something that was written."""

    asked: Any  # what it was written from, or goes on with
    value: Any  # what the user reads
    there: Any = None  # what stands in the test split, where that is what was asked


class Shown(NamedTuple):
    """What a network makes of the values that a recipe shows: traces where it reads, else what it wrote."""

    traces: list[tuple[str, list[Step]]]
    written: list[WrittenRow]


def shown(model: Model, chosen: Setting, tables: Tables) -> Shown:
    """Everything that is shown, made once, whether it is drawn or printed."""
    if isinstance(model.network.topology, SequenceTopology):
        return Shown([(value, model.trace(value)) for value in chosen.show], [])
    if model.fields.inputs:
        cells, true = _shown_rows(model, chosen, tables)
        asked, there = [*chosen.show, *cells], [None] * len(chosen.show) + true
        values = [best for best, *_ in model.generate(values=asked)]
        return Shown([], list(map(WrittenRow, asked, values, there)))
    if isinstance(model.target, Frames) or model.config.data.stream:
        return Shown([], list(map(WrittenRow, chosen.show, [best for best, *_ in model.generate(chosen.show)])))
    told = [answer["probabilities"] for answer in model.answers(chosen.show)]  # what may come next, the likeliest first
    listed = [", ".join(f"{word} {chance:.3f}" for word, chance in row.items()) for row in told]
    return Shown([], list(map(WrittenRow, chosen.show, listed)))


def named(model: Model, written: list[WrittenRow], folder: Path) -> list[tuple[str, str]]:
    """What was written from what, as texts; of frames, which are no text, the names of their files. The files of all
    that is to be looked at or listened to are kept in the folder."""
    found = []
    for number, row in enumerate(written, 1):
        name = _name(model, row.asked, folder / f"read-{number}")
        title = _shortened(name) if model.fields.inputs else "an opening, gone on with"
        files = model.target.keep(row.value, folder / f"written-{number}", title)
        text = ", ".join(file.name for file in files) if isinstance(model.target, Frames) else str(row.value)
        right = "" if row.there is None else f"   (there: {row.there})"
        found.append((name, text + right))
    return found


def with_inputs(show: list[Any], inputs: Iterable[str], table: Table) -> list[Any]:
    """What a recipe shows, each dictionary with the inputs that it lacks: of the first row that has all its values."""

    def whole(value: Any) -> Any:
        lacking = [name for name in inputs if isinstance(value, dict) and name not in value]
        if not lacking:
            return value
        given = zip(*map(table.column, value), strict=True)
        row = next(row for row, cells in enumerate(given) if cells == tuple(value.values()))
        return value | {name: table.column(name)[row] for name in lacking}

    return list(map(whole, show))


def _shown_rows(model: Model, chosen: Setting, tables: Tables) -> tuple[list[Any], list[Any]]:
    """The cells of the rows of the test split that are shown, evenly spread: of the input and of the target."""
    if tables.test is None or not chosen.show_rows:
        return [], []
    rows = np.linspace(0, len(tables.test) - 1, chosen.show_rows).astype(int).tolist()
    columns = {name: tables.test.column(name) for name in (*model.fields.inputs, model.target.name)}
    answered = columns.pop(model.target.name)
    cells = [{name: column[row] for name, column in columns.items()} for row in rows]
    return [cell if len(cell) > 1 else next(iter(cell.values())) for cell in cells], [answered[row] for row in rows]


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def _name(model: Model, value: Any, stem: Path) -> str:
    """A value as text, several as a list; of what is kept as files, and not named by one, the first file."""
    if isinstance(value, dict):
        return ", ".join(map(str, value.values()))
    files = [] if isinstance(value, str) else model.input.keep(model.input.parse(value), stem)
    return str(files[0] if files else value)
