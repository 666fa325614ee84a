"""Where a network looked at what it read while it wrote: the weights of its attention."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail
from elman.data import Batch
from elman.decoding.options import Decoding
from elman.fields import Audio, Frames
from elman.inference.frames import write_frames
from elman.inference.network_decoder import hypotheses
from elman.network import Network
from elman.topologies import AutoregressiveTopology


class Looked(NamedTuple):
    """The attention of one row."""

    source: list[str]  # the S steps that were read
    written: list[str]  # the T symbols that were written, when each step of a sound begins, or the numbers of frames
    weights: np.ndarray  # (T, S), where each step looked; each row adds up to 1


def check_looks(network: Network) -> None:
    """Fail where the network looks at nothing while it writes."""
    topology = network.topology
    if not isinstance(topology, AutoregressiveTopology) or topology.decoder.attention is None:
        got = f"{topology.name} without attention" if isinstance(topology, AutoregressiveTopology) else topology.name
        then = "Train a text target with attention, or see what is read with --trace."
        fail("attention", "the network", "have attention, which is what is drawn", got, then)


def looks(network: Network, batch: Batch, values: Mapping[str, Any], decoding: Decoding) -> Looked:
    """What a network writes for a batch of one row, best hypothesis, and where it looked.

    Args:
        network: in evaluation mode, an encoder-decoder with attention.
        batch: its targets, if there are any, are not looked at.
        values: of the row, parsed, of each input.
        decoding: how to choose.
    """
    leading = next(field for field in network.fields.inputs.values() if field.is_sequence)
    read = leading.pieces(values[leading.name])
    if isinstance(network.written, Frames):
        [[framed, *_]] = write_frames(network, batch, decoding)
        assert framed.attention is not None
        written = [str(step) for step in range(1, len(framed.frames) + 1)]
        if isinstance(network.written, Audio):
            written = [f"{step * network.written.seconds:.2f} s" for step in range(len(framed.frames))]
        return Looked(read, written, framed.attention.float().cpu().numpy())
    [[best, *_]] = hypotheses(network, batch, decoding)
    assert best.attention is not None
    names = network.symbols.symbols()
    return Looked(read, [names[symbol] for symbol in best.symbols], best.attention)
