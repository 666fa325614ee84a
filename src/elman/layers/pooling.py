"""Pooling the outputs of all steps to one vector per row."""

from collections.abc import Callable

import torch
from torch import Tensor

from elman.layers.unroll import real_steps


def mean_pool(outputs: Tensor, lengths: Tensor) -> Tensor:
    """Mean of each row's real steps, (B, T, D) -> (B, D); zeros for a row without steps."""
    real = real_steps(lengths, outputs.shape[1])[..., None]
    return outputs.masked_fill(~real, 0).sum(1) / lengths.clamp(min=1)[:, None]


def max_pool(outputs: Tensor, lengths: Tensor) -> Tensor:
    """Maximum of each feature over each row's real steps, (B, T, D) -> (B, D); zeros for a row without steps."""
    if outputs.shape[1] == 0:
        return outputs.new_zeros(outputs.shape[0], outputs.shape[2])
    real = real_steps(lengths, outputs.shape[1])[..., None]
    return outputs.masked_fill(~real, -torch.inf).amax(1).masked_fill((lengths == 0)[:, None], 0)


POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mean": mean_pool, "max": max_pool}
