"""The attention weights of a network over its input, for each step that it generates."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail
from elman.data import Batch
from elman.decoding.options import Decoding
from elman.fields import Audio, Frames
from elman.inference.frames import generate_frames
from elman.inference.network_decoder import hypotheses
from elman.network import Network
from elman.topologies import AutoregressiveTopology


class AttentionWeights(NamedTuple):
    """The attention of one row."""

    source: list[str]  # the S steps of the input
    generated: list[str]  # the T symbols, of audio when each step begins, of other frames their numbers
    weights: np.ndarray  # (T, S), each row sums to 1


def check_has_attention(network: Network) -> None:
    """Fail where the network has no attention."""
    topology = network.topology
    if not isinstance(topology, AutoregressiveTopology) or topology.decoder.attention is None:
        got = f"{topology.name} without attention" if isinstance(topology, AutoregressiveTopology) else topology.name
        then = "Train a text target with attention, or see the hidden state with --trace."
        fail("attention", "the network", "have attention, which is what is drawn", got, then)


def attention_of(network: Network, batch: Batch, values: Mapping[str, Any], decoding: Decoding) -> AttentionWeights:
    """The best hypothesis for a batch of one row, with its attention weights.

    Args:
        network: in evaluation mode, an encoder-decoder with attention.
        batch: its targets, if there are any, are not used.
        values: of the row, parsed, of each input.
        decoding: how to choose.
    """
    leading = next(field for field in network.fields.inputs.values() if field.is_sequence)
    read = leading.step_names(values[leading.name])
    if isinstance(network.generated, Frames):
        [[framed, *_]] = generate_frames(network, batch, decoding)
        assert framed.attention is not None
        generated = [str(step) for step in range(1, len(framed.frames) + 1)]
        if isinstance(network.generated, Audio):
            generated = [f"{step * network.generated.seconds:.2f} s" for step in range(len(framed.frames))]
        return AttentionWeights(read, generated, framed.attention)
    [[best, *_]] = hypotheses(network, batch, decoding)
    assert best.attention is not None
    names = network.symbols.symbols()
    return AttentionWeights(read, [names[symbol] for symbol in best.symbols], best.attention)
