"""What a network would answer after each step: the hidden state made visible."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data import Examples
from elman.fields import Input, Target
from elman.layers import Recurrent
from elman.network import Network

TOGETHER = 32  # prefixes a batch: the time of a trace grows with the square of its length, its memory does not


class Step(NamedTuple):
    """One step of a sequence, and what the network makes of the sequence up to and with it."""

    piece: str  # the word, character or measurement
    norm: float | None  # Euclidean length of h_t, the last layer's forward hidden state; None without a recurrent body
    prediction: Any
    probabilities: dict[str, float] | None


@torch.inference_mode()
def trace(network: Network, input: Input, target: Target, value: Any) -> list[Step]:
    """The answer after each step of a parsed value.

    Each prefix of the value is answered as a sequence of its own, so that the last step is the answer to the whole,
    whatever the pooling; a bidirectional network reads each prefix from both of its ends.
    """
    network.eval()
    encoded, pieces = input.encode(value), input.pieces(value)
    prefixes = [encoded[: end + 1] for end in range(len(encoded))] if input.is_sequence else [encoded]
    examples, body = Examples(prefixes), getattr(network.topology, "body", None)
    outputs: list[Tensor] = []
    norms: list[float | None] = []
    for begin in range(0, len(prefixes), TOGETHER):
        batch = examples.batch(np.arange(begin, min(begin + TOGETHER, len(prefixes))))
        outputs.append(network(batch.inputs, batch.lengths))
        if isinstance(body, Recurrent):
            _, state = body(network.encoder(batch.inputs), lengths=batch.lengths)
            norms += state[0][:, -2 if body.bidirectional else -1].norm(dim=-1).tolist()
    output = torch.cat(outputs)
    norms = norms or [None] * len(prefixes)
    probabilities: Sequence[dict[str, float] | None] = target.probabilities(output) or [None] * len(prefixes)
    return [Step(*step) for step in zip(pieces, norms, target.decode(output), probabilities, strict=True)]
