"""What a network answers to a batch, as the user reads it."""

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from elman.data import Batch
from elman.decoding.options import Decoding
from elman.fields import Frames, InStep, Single, Target
from elman.inference.frames import write_frames
from elman.inference.network_decoder import hypotheses
from elman.network import Network
from elman.topologies import Features, SequenceTopology
from elman.types import Json


class Answers(NamedTuple):
    """The answers of one target, a row each."""

    predictions: list[Any]
    # Of each class by name, of tags a list: that of the tag at each step; None where there are none.
    probabilities: list[Any] | None
    place: Callable[[int], str] | None = None  # where a row stands; None where none can have been left out


def answer(
    network: Network, batch: Batch, features: Features | None = None, decoding: Decoding | None = None
) -> dict[str, Answers]:
    """The answers to a batch by target.

    Args:
        network: in evaluation mode.
        batch: its targets, if there are any, are not looked at.
        features: what the network made of the batch; None: it is asked.
        decoding: how what is written is looked for; None: greedily.
    """
    if not isinstance(network.topology, SequenceTopology):
        (name,) = network.fields.targets
        if isinstance(network.written, Frames):
            framed = write_frames(network, batch, decoding or Decoding())
            return {name: Answers([network.written.read(best.frames) for best, *_ in framed], None)}
        found = hypotheses(network, batch, decoding or Decoding())
        return {name: Answers([network.symbols.read(best.symbols) for best, *_ in found], None)}
    features = network(batch) if features is None else features
    lengths = next((column.lengths for column in batch.inputs.values() if column.lengths is not None), None)
    answers = {}
    for (name, field), head in zip(network.fields.targets.items(), network.heads, strict=True):
        if isinstance(field, InStep):
            assert features.steps is not None
            assert lengths is not None
            answers[name] = Answers(*field.answer_steps(head, features.steps, lengths))
        else:
            answers[name] = _of_single(field, head, features)
    return answers


def _of_single(field: Target, head: nn.Module, features: Features) -> Answers:
    assert isinstance(field, Single)
    output = head(features.single_for(field.name))
    return Answers(field.decode(output), field.probabilities(output))


def as_array(values: list[Any]) -> np.ndarray:
    """A value a row; lists, which may be of different lengths, stay what they are."""
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
    for value, chances in zip(found.predictions, found.probabilities or repeat(None), strict=False):
        prediction = value.tolist() if isinstance(value, np.ndarray) else value
        yield {"prediction": prediction} | ({} if chances is None else {"probabilities": chances})
