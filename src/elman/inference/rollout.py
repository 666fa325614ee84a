"""A series gone on with step by step: each reading is drawn from what the network tells of it, and fed back."""

import numpy as np
import torch

from elman.fields import Series
from elman.inference.one_step_ahead import watch
from elman.network import Network
from elman.topologies import NextStep


@torch.inference_mode()
def fed_back(network: Network, readings: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Ways that a series may go on, drawn from what a next-step network tells (DeepAR, Salinas, Flunkert & Gasthaus
    2017, arXiv 1704.04110).

    The history is read once, whole; then all ways go on side by side, each fed with its own draws. They are drawn in
    order of time, so that longer ones begin as shorter ones do.

    Args:
        network: one that tells the next step of a series; in evaluation mode after this.
        readings: (T, C) as `Series.parse` gives them, T at least 1.
        chances: (steps, N, C) uniform in (0, 1), of which the readings are drawn by the inverse of the distribution
            function.

    Returns: readings in their own units, (N, steps, C).
    """
    field, topology = network.written, network.topology
    assert isinstance(field, Series)
    assert isinstance(topology, NextStep)
    _, (last, hidden) = watch(network, readings)
    assert hidden is not None
    rows, decoder = chances.shape[1], topology.decoder
    state = decoder.start(rows, type(hidden)(*(tensor.repeat(rows, 1, 1) for tensor in hidden)))
    fed = torch.from_numpy(field.encode(last[None])).to(network.device).expand(rows, -1)
    steps, head, drawn = decoder.packed(), network.heads[0], []
    for chance in torch.from_numpy(chances).to(network.device):
        features, state, _ = decoder.step(network.feed(fed[:, None])[:, 0], state, steps)
        fed = field.following(head(features), chance)
        drawn.append(field.unscaled(fed.cpu().numpy()))
    return np.stack(drawn, 1)
