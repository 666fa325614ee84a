"""What a network answers to a batch, as the user reads it."""

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from elman.data import Batch
from elman.decoding.options import Decoding
from elman.fields import Frames, InStep, Single
from elman.heads import InStepHead
from elman.inference.frames import generate_frames
from elman.inference.network_decoder import hypotheses
from elman.layers.arrays import as_array
from elman.network import Network
from elman.topologies import Features, SequenceTopology
from elman.types import Json


class Answers(NamedTuple):
    """The answers of one target, a row each."""

    predictions: list[Any]
    # Of each class by name; of tags a list, that of the tag at each step; None where there are none.
    probabilities: list[Any] | None
    place: Callable[[int], str] | None = None  # where a row came from; None where no row can have been left out


def answer(
    network: Network, batch: Batch, features: Features | None = None, decoding: Decoding | None = None
) -> dict[str, Answers]:
    """The answers to a batch by target.

    Args:
        network: in evaluation mode.
        batch: its targets, if there are any, are not used.
        features: what the network computed from the batch; None: computed here.
        decoding: of a generated target; None: greedy.
    """
    if not isinstance(network.topology, SequenceTopology):
        (name,) = network.fields.targets
        if isinstance(network.generated, Frames):
            framed = generate_frames(network, batch, decoding or Decoding())
            return {name: Answers([network.frames.decode_sequence(best.frames) for best, *_ in framed], None)}
        found = hypotheses(network, batch, decoding or Decoding())
        return {name: Answers([network.symbols.decode_sequence(best.symbols) for best, *_ in found], None)}
    features = network(batch) if features is None else features
    answers = {}
    for name, head in network.predicted():
        field = network.fields.targets[name]
        if isinstance(field, InStep):
            assert isinstance(head, InStepHead)
            assert features.steps is not None
            assert features.lengths is not None
            answers[name] = Answers(*field.decode_steps(head.scores(features.steps, features.lengths)))
        else:
            assert isinstance(field, Single)
            output = as_array(head(features.single_for(name)))
            answers[name] = Answers(field.decode(output), field.probabilities(output))
    return answers


def as_objects(values: list[Any]) -> np.ndarray:
    """One value a row; lists, which may be of different lengths, stay lists."""
    if not values or not isinstance(values[0], list):
        return np.array(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def as_rows(found: Mapping[str, Answers]) -> list[Json]:
    """One object a row, as `elman predict` prints it; of several targets by name."""
    each = [list(_objects(answers)) for answers in found.values()]
    rows = each[0] if len(each) == 1 else [dict(zip(found, row, strict=True)) for row in zip(*each, strict=True)]
    place = next(iter(found.values())).place
    return rows if place is None else [{"row": place(index), **row} for index, row in enumerate(rows)]


def _objects(found: Answers) -> Iterator[Json]:
    """{"prediction": ...} of each row, with its probabilities where there are any."""
    for value, probabilities in zip(found.predictions, found.probabilities or repeat(None), strict=False):
        prediction = value.tolist() if isinstance(value, np.ndarray) else value
        yield {"prediction": prediction} | ({} if probabilities is None else {"probabilities": probabilities})
