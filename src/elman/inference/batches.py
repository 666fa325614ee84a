"""A network over examples: losses and answers in the order of the rows."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import torch

from elman.data import Batch, Examples
from elman.decoding import Decoding
from elman.fields import Aligned, Fields, Generated, Single, Steps, Target
from elman.inference.answers import answer
from elman.inference.memory import is_out_of_memory
from elman.metrics.scores import Predictions
from elman.network import Carried, Network
from elman.topologies import SequenceTopology

EVALUATION_BATCH = 256
MOST_STEPS = 1 << 17  # of a batch, padding included: 256 rows of 512 steps


@torch.inference_mode()
def evaluate(
    network: Network,
    examples: Examples,
    answers: bool = True,
    decoding: Decoding | None = None,
    probabilities: bool = True,
) -> dict[str, Predictions]:
    """The losses of every target, where the examples have them, and the answers, where they are wanted.

    Batches are cut by length and to what fits in memory, which changes no answer.

    Args:
        network: in evaluation mode after this.
        examples: rows.
        answers: whether answers are wanted, and the truth as the user reads it.
        decoding: of a generated target; None: greedy.
        probabilities: whether those of the answers are kept, which no metric uses.
    """
    network.eval()
    most = MOST_STEPS
    found = {name: Predictions(len(examples)) for name in network.fields.targets}
    carried: Carried | None = None
    for batch in examples.scored(EVALUATION_BATCH):
        carried = carried if batch.follows else None
        while True:
            size = max(1, min(len(batch.rows), most // batch.steps))
            if batch.is_stream:
                size = len(batch.rows)
            try:
                for piece in batch.pieces(size):
                    carried = _evaluate_batch(
                        network, piece, examples, carried, found, answers, decoding, probabilities
                    )
            except (RuntimeError, MemoryError) as error:
                if size == 1 or batch.is_stream or not is_out_of_memory(error):
                    raise
                most = size // 2 * batch.steps
                continue
            break
    return found


def _evaluate_batch(
    network: Network,
    batch: Batch,
    examples: Examples,
    carried: Carried | None,
    found: dict[str, Predictions],
    answers: bool,
    decoding: Decoding | None,
    probabilities: bool,
) -> Carried | None:
    """Record the losses and answers of a batch; the state that its rows carry to the next one."""
    known = isinstance(network.topology, SequenceTopology) or batch.targets is not None
    tensors = network.tensors(batch)
    features = network(tensors, carried) if known else None
    if tensors.targets is not None and features is not None:
        steps = network.counted(tensors.targets)
        for name, losses in network.losses(features, tensors.targets).items():
            lost, counted = losses.double().cpu().numpy(), steps[name].cpu().numpy()
            if batch.is_stream:  # not `+=`: lanes that have ended all name the last row
                np.add.at(found[name].losses, batch.rows, lost)
                np.add.at(found[name].steps, batch.rows, counted)
            else:  # a batch for which memory ran out comes here twice
                found[name].losses[batch.rows], found[name].steps[batch.rows] = lost, counted
    for name, own in (answer(network, batch, features, decoding) if answers else {}).items():
        predictions, field = found[name], network.fields.targets[name]
        truth = None if batch.targets is None else _truth(field, batch, name, examples)
        keys = input_keys(network.fields, examples, batch.rows) if truth and field.references == "all" else []
        for index, row in enumerate(batch.rows.tolist()):
            predictions.predictions[row] = own.predictions[index]
            predictions.probabilities[row] = own.probabilities[index] if probabilities and own.probabilities else None
            predictions.truth[row] = truth and truth[index]
            predictions.keys[row] = keys and keys[index]
    return network.carried(features, tensors) if features else None


def _truth(field: Target, batch: Batch, name: str, examples: Examples) -> list[Any]:
    """The true values of a batch, as the user reads them; of a generated target as they are in the data."""
    assert batch.targets is not None
    values, lengths = batch.targets[name]
    if isinstance(field, Single):
        return field.decode_target(values)
    if isinstance(field, Generated | Aligned):
        return [field.truth(value) for value in examples.values(f"target.{name}", batch.rows)]
    assert isinstance(field, Steps)
    assert lengths is not None
    return [field.decode_sequence(row[:length].tolist()) for row, length in zip(values, lengths.tolist(), strict=True)]


def input_keys(fields: Fields, examples: Examples, rows: np.ndarray) -> list[Hashable]:
    """A key for the inputs of each row: the values of all inputs as they are in the data."""
    columns = [map(_hashable, examples.values(f"input.{name}", rows)) for name in fields.inputs]
    return list(zip(*columns, strict=True))


def _hashable(value: Any) -> Hashable:
    return (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
