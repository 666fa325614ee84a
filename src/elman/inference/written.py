"""A network that writes, as decoding asks for it: a step at a time, its state a value."""

from typing import NamedTuple

import torch
from torch import Tensor

from elman.data import Batch
from elman.layers import DecoderState
from elman.network import Network
from elman.topologies import Writer


class NetworkWriter:
    """The steps of a network that writes; its weights are packed once.

    Args:
        network: in evaluation mode; training it later does not change the writer.
    """

    def __init__(self, network: Network) -> None:
        assert isinstance(network.topology, Writer)
        self.network, self.decoder = network, network.topology.decoder
        self.head = network.heads[0]
        self.run = self.decoder.packed()

    def step(self, symbols: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Symbols (N,) and the state before them -> log-probabilities (N, V), the state after, attention (N, S)."""
        features, state, attention = self.decoder.step(self.network.feed(symbols), state, self.run)
        return torch.log_softmax(self.head(features), -1), state, attention

    def select(self, state: DecoderState, rows: Tensor) -> DecoderState:
        """The state of these rows."""
        return state.select(rows)


class Begun(NamedTuple):
    """A batch that is about to be written."""

    writer: NetworkWriter
    state: DecoderState
    rows: int


def begun(network: Network, batch: Batch) -> Begun:
    """What a batch is read to, before the first symbol is written.

    Args:
        network: in evaluation mode, of a topology that writes.
        batch: its targets, if there are any, are not looked at.
    """
    assert isinstance(network.topology, Writer)
    rows = len(batch.rows)
    state = network.topology.begin(network.encode(batch.inputs), rows)
    return Begun(NetworkWriter(network), state, rows)
