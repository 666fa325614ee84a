"""The pictures that a recipe writes, by file name."""

from importlib.util import find_spec

from elman.data.layouts import Tables
from elman.fields import Image
from elman.insight import draw_attention, draw_captions, draw_trace
from elman.model.model import Model
from elman.recipes.base import Setting
from elman.recipes.baselines.naive import picture_of_forecast
from elman.recipes.baselines.rolling import picture_of_anomalies
from elman.recipes.runner.examples import ShownExamples
from elman.topologies import AutoregressiveTopology


def pictures_of(model: Model, chosen: Setting, tables: Tables, examples: ShownExamples) -> dict[str, bytes]:
    """`trace.png` or `attention.png` of the last example, `captions.png` of rows of pictures, `forecast.png` of a
    forecast, `anomalies.png` of injected faults.

    Empty if matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        return {}
    topology, pictures = model.network.topology, {}
    if model.config.data.horizon is not None:
        pictures["forecast.png"] = picture_of_forecast(model, tables)
    if chosen.faults:
        pictures["anomalies.png"] = picture_of_anomalies(model, tables)
    if examples.traces:
        value, steps = examples.traces[-1]
        if steps[-1].probabilities or isinstance(steps[-1].prediction, float):  # not for a prediction at each step
            pictures["trace.png"] = draw_trace(value, steps)
    if isinstance(topology, AutoregressiveTopology) and topology.decoder.attention is not None:
        pictures["attention.png"] = draw_attention(*model.attention(chosen.show[-1], min_length=1))
    if isinstance(model.input, Image) and isinstance(topology, AutoregressiveTopology):
        rows = [row for row in examples.generated if row.actual is not None]
        images = [model.input.parse(row.prompt) for row in rows]
        captions, actual = [row.value for row in rows], [str(row.actual) for row in rows]
        pictures["captions.png"] = draw_captions(images, captions, actual)
    return pictures
