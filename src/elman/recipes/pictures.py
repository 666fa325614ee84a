"""The pictures that following a recipe leaves behind, by the names of their files."""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import numpy as np

from elman.data import Table
from elman.fields import Image
from elman.insight import draw_attention, draw_captions, draw_trace
from elman.model import Model
from elman.parts import Tables
from elman.recipes.base import Setting
from elman.recipes.forecasts import fan_chart
from elman.topologies import Reader, Writer


def pictures_of(model: Model, chosen: Setting, tables: Tables) -> dict[str, bytes]:
    """`trace.png` or `attention.png` of the last value that is shown, `captions.png` of the rows of pictures,
    `fan.png` of a forecast.

    None where matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        return {}
    topology, found = model.network.topology, {}
    if model.config.data.horizon is not None:
        found["fan.png"] = fan_chart(model, tables)
    if isinstance(topology, Reader) and chosen.show:
        steps = model.trace(chosen.show[-1])
        if steps[-1].probabilities or isinstance(steps[-1].prediction, float):  # not where there is an answer a step
            found["trace.png"] = draw_trace(chosen.show[-1], steps)
    if isinstance(topology, Writer) and topology.decoder.attention is not None:
        found["attention.png"] = draw_attention(*model.attention(chosen.show[-1], min_length=1))
    if isinstance(model.input, Image) and isinstance(topology, Writer):
        cells, true = shown_rows(model, chosen, tables)
        found["captions.png"] = draw_captions(
            [model.input.parse(cell) for cell in cells],
            [str(text) for text in model.predict(cells)],
            list(map(str, true)),
        )
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


def shown_rows(model: Model, chosen: Setting, tables: Tables) -> tuple[list[Any], list[Any]]:
    """The cells of the rows of the test split that are shown, evenly spread: of the input and of the target."""
    if tables.test is None or not chosen.show_rows:
        return [], []
    rows = np.linspace(0, len(tables.test) - 1, chosen.show_rows).astype(int).tolist()
    columns = {name: tables.test.column(name) for name in (*model.fields.inputs, model.target.name)}
    answered = columns.pop(model.target.name)
    cells = [{name: column[row] for name, column in columns.items()} for row in rows]
    return [cell if len(cell) > 1 else next(iter(cell.values())) for cell in cells], [answered[row] for row in rows]
