"""Sample paths of a series: each step is sampled from the predicted distribution, and fed back."""

import numpy as np
import torch

from elman.fields import Series
from elman.inference.one_step_ahead import predict_readings
from elman.layers.arrays import as_array
from elman.network import Network
from elman.topologies import NextStep


@torch.inference_mode()
def sample_paths(network: Network, readings: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Sample paths of a series after its history, from a next-step network (DeepAR, Salinas, Flunkert & Gasthaus 2017,
    arXiv 1704.04110).

    The history is read once; then all paths continue side by side, each fed its own samples. Longer paths begin as
    shorter ones do.

    Args:
        network: one that predicts the next step of a series; in evaluation mode after this.
        readings: (T, C) as `Series.parse` gives them, T at least 1.
        uniform: (steps, N, C) in (0, 1), from which the readings are sampled by the inverse of the distribution
            function.

    Returns: readings in their own units, (N, steps, C).
    """
    field, topology = network.generated, network.topology
    assert isinstance(field, Series)
    assert isinstance(topology, NextStep)
    _, (last, hidden) = predict_readings(network, readings)
    assert hidden is not None
    rows, decoder = uniform.shape[1], topology.decoder
    state = decoder.start(rows, type(hidden)(*(tensor.repeat(rows, 1, 1) for tensor in hidden)))
    frames = np.repeat(field.encode(last[None]), rows, 0)
    steps, head, sampled = decoder.packed(), network.generated_head, []
    for numbers in uniform:
        fed = torch.from_numpy(frames).to(network.device)
        features, state, _ = decoder.step(network.feed(fed[:, None])[:, 0], state, steps)
        frames = field.next_frames(as_array(head(features)), numbers)
        sampled.append(field.unscaled(frames))
    return np.stack(sampled, 1)
