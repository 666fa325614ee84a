"""The pictures that following a recipe leaves behind, by the names of their files."""

from importlib.util import find_spec

from elman.fields import Image
from elman.insight import draw_attention, draw_captions, draw_trace
from elman.model.model import Model
from elman.recipes.base import Setting
from elman.recipes.baselines.naive import fan_chart
from elman.recipes.baselines.rolling import picture_of_hits
from elman.recipes.runner.examples import Shown
from elman.topologies import AutoregressiveTopology
from elman.training.datasets import Tables


def pictures_of(model: Model, chosen: Setting, tables: Tables, seen: Shown) -> dict[str, bytes]:
    """`trace.png` or `attention.png` of the last value that is shown, `captions.png` of the rows of pictures,
    `fan.png` of a forecast, `hits.png` of faults that were put in.

    None where matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        return {}
    topology, found = model.network.topology, {}
    if model.config.data.horizon is not None:
        found["fan.png"] = fan_chart(model, tables)
    if chosen.faults:
        found["hits.png"] = picture_of_hits(model, tables)
    if seen.traces:
        value, steps = seen.traces[-1]
        if steps[-1].probabilities or isinstance(steps[-1].prediction, float):  # not where there is an answer a step
            found["trace.png"] = draw_trace(value, steps)
    if isinstance(topology, AutoregressiveTopology) and topology.decoder.attention is not None:
        found["attention.png"] = draw_attention(*model.attention(chosen.show[-1], min_length=1))
    if isinstance(model.input, Image) and isinstance(topology, AutoregressiveTopology):
        rows = [row for row in seen.written if row.there is not None]
        pictures = [model.input.parse(row.asked) for row in rows]
        found["captions.png"] = draw_captions(pictures, [row.value for row in rows], [str(row.there) for row in rows])
    return found
