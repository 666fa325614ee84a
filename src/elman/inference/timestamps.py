"""When each symbol of an answer stands in what was read."""

from typing import NamedTuple

import numpy as np
import torch

from elman.checks import fail
from elman.data import Examples
from elman.fields import Aligned, Audio
from elman.network import Network

TOGETHER = 64  # rows a batch


class Stamp(NamedTuple):
    """A symbol of an answer and where it stands: in seconds where sound is read, else in steps counted from 0.

    It stands at all that lies from `begin` up to `end`.
    """

    symbol: str
    begin: float
    end: float


@torch.inference_mode()
def stamps(network: Network, examples: Examples) -> list[list[Stamp]]:
    """The symbols of each row's answer with their places, on the likeliest way to read the row as that answer.

    Args:
        network: whose (first) target is a transcript; in evaluation mode after this.
        examples: rows of its inputs.

    Raises:
        ArgumentError: the target has no symbols that stand anywhere.
    """
    field = next(iter(network.fields.targets.values()))
    if not isinstance(field, Aligned):
        then = "Train with [target.NAME] kind = 'transcript'."
        fail("timestamps", "the target", "be a transcript", field.kind, then)
    network.eval()
    leading = next(field for field in network.fields.inputs.values() if field.is_sequence)
    unit = leading.seconds if isinstance(leading, Audio) else 1
    found: list[list[Stamp]] = []
    for begin in range(0, len(examples), TOGETHER):
        batch = examples.batch(np.arange(begin, min(begin + TOGETHER, len(examples)))).to(network.device)
        features = network(batch)
        rows = field.stretches(network.heads[0], features.steps, features.lengths)
        found += [[Stamp(symbol, first * unit, end * unit) for symbol, first, end in row] for row in rows]
    return found
