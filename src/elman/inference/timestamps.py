"""When each symbol of a transcript occurs in the input."""

from typing import NamedTuple

import numpy as np
import torch

from elman.checks import fail
from elman.data import Examples
from elman.fields import Aligned, Audio
from elman.heads import InStepHead
from elman.network import Network

TOGETHER = 64  # rows a batch


class Timestamp(NamedTuple):
    """A symbol of an answer and when it occurs, from `begin` up to `end`: in seconds of audio, else in steps from 0."""

    symbol: str
    begin: float
    end: float


@torch.inference_mode()
def timestamps_of(network: Network, examples: Examples) -> list[list[Timestamp]]:
    """The symbols of each row's answer with their times, by the likeliest alignment of the row with that answer.

    Args:
        network: whose (first) target is a transcript; in evaluation mode after this.
        examples: rows of its inputs.

    Raises:
        ArgumentError: the target has no symbols that are aligned with steps.
    """
    field = next(iter(network.fields.targets.values()))
    if not isinstance(field, Aligned):
        then = "Train with [target.NAME] kind = 'transcript'."
        fail("timestamps", "the target", "be a transcript", field.kind, then)
    head = network.heads[0]
    assert isinstance(head, InStepHead)
    network.eval()
    leading = next(field for field in network.fields.inputs.values() if field.is_sequence)
    unit = leading.seconds if isinstance(leading, Audio) else 1
    found: list[list[Timestamp]] = []
    for begin in range(0, len(examples), TOGETHER):
        features = network(examples.batch(np.arange(begin, min(begin + TOGETHER, len(examples)))))
        rows = field.align(head.scores(features.steps, features.lengths))
        found += [[Timestamp(symbol, first * unit, end * unit) for symbol, first, end in row] for row in rows]
    return found
