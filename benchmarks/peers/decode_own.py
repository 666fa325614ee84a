"""Translation by elman, from padded ids to the result of a user's call."""

from collections.abc import Callable

import numpy as np

from benchmarks.peers.translation import BEAM, EMBEDDING, END, MOST, VOCABULARY, Translation
from elman.data import Batch
from elman.decoding import Decoding
from elman.fields import Fields, Text
from elman.inference import hypotheses
from elman.network import Network
from elman.types import Column


def greedy(task: Translation) -> Callable[[], list[list[int]]]:
    return _make(task, Decoding(max_length=MOST))


def beam(task: Translation) -> Callable[[], list[list[int]]]:
    return _make(task, Decoding(beam=BEAM, max_length=MOST))


def _make(task: Translation, decoding: Decoding) -> Callable[[], list[list[int]]]:
    source = Text("source", embedding=EMBEDDING, min_count=1)
    target = Text("target", generated=True, embedding=EMBEDDING, min_count=1)
    for field, specials in ((source, 2), (target, END + 1)):
        field.fit([" ".join(f"w{at}" for at in range(VOCABULARY - specials))])
    network = Network(Fields({"source": source}, {"target": target}), "encoder-decoder", {"hidden": task.hidden})
    network.load_state_dict({ours: task.weights[theirs] for ours, theirs in _names(network).items()})
    network.eval()
    batch = Batch({"source": Column(task.ids.numpy(), task.lengths.numpy())}, None, np.arange(len(task.ids)))

    def run() -> list[list[int]]:
        return [best.symbols for best, *_ in hypotheses(network, batch, decoding)]

    return run


def _names(network: Network) -> dict[str, str]:
    """The name in a `Translation` for each of the network's parameters."""
    begins = {
        "encoders.0.": "source.",
        "feedback.": "target.",
        "topology.encoder.": "encoder.",
        "topology.decoder.body.": "decoder.",
        "topology.decoder.attention.": "",
        "topology.decoder.": "",
        "topology.bridge.maps.hidden.0.": "bridge.",
        "topology.bridge.maps.cell.0.": "bridge.",
        "heads.0.softmax.": "head.",
    }
    names = {}
    for name, _ in network.named_parameters():
        begin = next(begin for begin in begins if name.startswith(begin))
        names[name] = begins[begin] + name.removeprefix(begin)
    return names
