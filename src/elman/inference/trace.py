"""What a network would answer after each step: the hidden state made visible."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from elman.checks import fail
from elman.data import Examples
from elman.fields import Aligned, Forecast, Steps
from elman.inference.answers import answer
from elman.network import Network
from elman.topologies import ManyToOne, SequenceTopology

TOGETHER = 32  # prefixes a batch: the time of a trace grows with the square of its length, its memory does not


class Step(NamedTuple):
    """One step of a sequence, and the answer to the sequence up to and including it."""

    piece: str  # the word, character or measurement
    norm: float | None  # Euclidean length of h_t, the last layer's forward hidden state; None without a recurrent body
    prediction: Any
    probabilities: dict[str, float] | None


def check_traces(network: Network) -> None:
    """Fail where the target is generated, which has no trace, or is forecast from rows of a table."""
    if not isinstance(network.topology, SequenceTopology):
        fail("trace", "the target", "be predicted, not generated", network.topology.name, "Leave --trace out.")
    if any(isinstance(field, Forecast) for field in network.fields.targets.values()):
        fail("trace", "the target", "be an answer to one row", "a forecast", "Leave --trace out.")


@torch.inference_mode()
def trace(network: Network, values: Mapping[str, Any], row: Examples) -> list[Step]:
    """The answer after each step of a row.

    Each prefix of the row's sequences is answered as a row of its own, so that the last step is the answer to the
    whole, whatever the pooling; a bidirectional network reads each prefix from both of its ends. Of several targets the
    first is traced; one that is predicted at each step shows that of the prefix's last step.

    Args:
        network: of a sequence topology.
        values: of each input, parsed.
        row: the same, encoded: the one row of these.

    Raises:
        ArgumentError: the target is generated.
    """
    check_traces(network)
    network.eval()
    inputs = network.fields.inputs
    encoded = {name: row.inputs[name][0] for name in inputs}
    sequences = [name for name, field in inputs.items() if field.is_sequence]
    leading = sequences[0] if sequences else next(iter(inputs))
    pieces = inputs[leading].step_names(values[leading])
    cut = [
        {name: value[: end + 1] if name in sequences else value for name, value in encoded.items()}
        for end in range(len(pieces))
    ]
    prefixes = {name: [prefix[name] for prefix in cut] for name in inputs}
    examples = Examples(prefixes, singles=network.fields.singles())
    target = next(iter(network.fields.targets.values()))
    in_step = isinstance(target, Steps) and not isinstance(target, Aligned)
    steps: list[Step] = []
    for begin in range(0, len(cut), TOGETHER):
        batch = examples.batch(np.arange(begin, min(begin + TOGETHER, len(cut))))
        answers = next(iter(answer(network, batch).values()))
        predictions = [row[-1] for row in answers.predictions] if in_step else answers.predictions
        norms: list[float | None] = [None] * len(predictions)
        if isinstance(network.topology, ManyToOne):
            body = network.topology.body
            conditioned, lengths, state = network.topology.conditioned(network.encode(network.tensors(batch).inputs))
            _, state = body(conditioned, state, lengths)
            norms = state[0][:, -2 if body.bidirectional else -1].norm(dim=-1).tolist()
        given = None if in_step else answers.probabilities
        probabilities: Sequence[dict[str, float] | None] = given or [None] * len(predictions)
        part = pieces[begin : begin + TOGETHER]
        steps += [Step(*step) for step in zip(part, norms, predictions, probabilities, strict=True)]
    return steps
