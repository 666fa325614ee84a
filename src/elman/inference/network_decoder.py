"""A network that writes, as decoding asks for it: a step at a time, its state a value."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from elman.data import Batch
from elman.decoding.decode import decode, write
from elman.decoding.options import Decoding, Hypothesis, Normal
from elman.layers import DecoderState
from elman.layers.heads import log_softmax_of
from elman.network import Network
from elman.topologies import AutoregressiveTopology

MANY = 8  # rows written together from which packing the head takes less time than it saves


class NetworkWriter(Normal):
    """The steps of a network that writes; its weights are packed once.

    Args:
        network: in evaluation mode, and trained no more while it writes.
        rows: how many will be written together; the head's weights are packed where that is worth it.
    """

    def __init__(self, network: Network, rows: int) -> None:
        assert isinstance(network.topology, AutoregressiveTopology)
        self.network, self.decoder = network, network.topology.decoder
        self.steps = self.decoder.packed()
        self.logs = log_softmax_of(network.heads[0], packed=rows >= MANY)

    def step(self, symbols: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Symbols (N,) and the state before them -> log-probabilities (N, V), the state after, attention (N, S)."""
        features, state, attention = self.decoder.step(self.network.feed(symbols), state, self.steps)
        return self.logs(features), state, attention

    def select(self, state: DecoderState, rows: Tensor) -> DecoderState:
        """The state of these rows."""
        return state.select(rows)


def hypotheses(
    network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[np.ndarray] | None = None
) -> list[list[Hypothesis]]:
    """What a network writes for each row of a batch, best first.

    Args:
        network: in evaluation mode, of a topology that writes.
        batch: its targets, if there are any, are not looked at.
        decoding: how it is looked for.
        prompts: ids that stand before what is written, one array a row; none if None.
    """
    field, rows = network.symbols, batch.rows
    state = _begin(network, batch)
    together = len(rows) * (decoding.beam or decoding.n_best)
    writer, choice = NetworkWriter(network, together), replace(decoding, forbidden=field.unwritten)
    numbers = [int(row) for row in rows]
    return decode(writer, state, len(rows), field.begin, field.end, choice, prompts, numbers, network.device)


def symbols(network: Network, batch: Batch, decoding: Decoding, prompt: np.ndarray | None = None) -> Iterator[int]:
    """The symbols of a batch of one row as they come; args as `hypotheses`."""
    field = network.symbols
    state = _begin(network, batch)
    writer, choice = NetworkWriter(network, rows=1), replace(decoding, forbidden=field.unwritten)
    return write(writer, state, field.begin, field.end, choice, prompt, int(batch.rows[0]), network.device)


@torch.inference_mode()
def _begin(network: Network, batch: Batch) -> DecoderState:
    """What a batch is read to, before the first symbol is written."""
    assert isinstance(network.topology, AutoregressiveTopology)
    return network.topology.begin(network.encode(batch.to(network.device).inputs), len(batch.rows))
