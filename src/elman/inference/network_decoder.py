"""A network as decoding asks for it: one step at a time, arrays in and out, its state a value."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from elman.data import Batch
from elman.decoding import Decoding, Hypothesis, decode, stream_symbols
from elman.heads import SymbolsHead
from elman.layers import DecoderState
from elman.layers.arrays import as_array
from elman.layers.softmax import log_softmax_of
from elman.network import Network
from elman.topologies import AutoregressiveTopology

MANY = 8  # rows generated together from which packing the head takes less time than it saves


class NetworkStepDecoder:
    """The steps of an autoregressive network; its weights are packed once.

    Args:
        network: in evaluation mode, and not trained while this is in use.
        rows: how many will be generated together; the head's weights are packed where that is worth it.
    """

    gives_log_probabilities = True

    def __init__(self, network: Network, rows: int) -> None:
        assert isinstance(network.topology, AutoregressiveTopology)
        self.network, self.decoder = network, network.topology.decoder
        self.steps = self.decoder.packed()
        self.log_probabilities = log_softmax_of(_head(network).softmax, packed=rows >= MANY)

    @torch.inference_mode()
    def step(self, symbols: np.ndarray, state: DecoderState) -> tuple[np.ndarray, DecoderState, np.ndarray | None]:
        """Symbols (N,) and the state before them -> log-probabilities (N, V), the state after, attention (N, S)."""
        fed = torch.from_numpy(symbols).to(self.network.device)
        features, state, attention = self.decoder.step(self.network.feed(fed), state, self.steps)
        return as_array(self.log_probabilities(features)), state, None if attention is None else as_array(attention)

    @torch.inference_mode()
    def select(self, state: DecoderState, rows: np.ndarray) -> DecoderState:
        """The state of these rows."""
        return state.select(torch.from_numpy(rows).to(self.network.device))


def hypotheses(
    network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[np.ndarray] | None = None
) -> list[list[Hypothesis]]:
    """What a network generates for each row of a batch, best first.

    Args:
        network: in evaluation mode, of an autoregressive topology.
        batch: its targets, if there are any, are not used.
        decoding: how to choose.
        prompts: ids before the generated ones, one array per row; none if None.
    """
    field, rows = network.symbols, batch.rows
    state = _begin(network, batch)
    together = len(rows) * (decoding.beam or decoding.n_best)
    decoder, choice = NetworkStepDecoder(network, together), replace(decoding, forbidden=field.never_generated)
    numbers = [int(row) for row in rows]
    return decode(decoder, state, len(rows), field.begin, field.end, choice, prompts, numbers)


def symbols(network: Network, batch: Batch, decoding: Decoding, prompt: np.ndarray | None = None) -> Iterator[int]:
    """The symbols of a batch of one row as they are generated; args as `hypotheses`."""
    field = network.symbols
    state = _begin(network, batch)
    decoder, choice = NetworkStepDecoder(network, rows=1), replace(decoding, forbidden=field.never_generated)
    return stream_symbols(decoder, state, field.begin, field.end, choice, prompt, int(batch.rows[0]))


def _head(network: Network) -> SymbolsHead:
    head = network.generated_head
    assert isinstance(head, SymbolsHead)
    return head


@torch.inference_mode()
def _begin(network: Network, batch: Batch) -> DecoderState:
    """The state before the first symbol, after a batch was read."""
    assert isinstance(network.topology, AutoregressiveTopology)
    return network.topology.begin(network.encode(network.tensors(batch).inputs), len(batch.rows))
