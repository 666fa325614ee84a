"""A running mean of the weights over the training steps: flatter, and often better, than the final weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from elman.network import own_state

AVERAGES = ("none", "ema", "swa")
SWA_FROM = 0.75  # fraction of the steps after which the plain mean begins, as in the paper


class WeightAverage:
    """A running mean of a network's weights.

    Args:
        network: the mean starts from its weights.
        kind: "ema", a * mean + (1 - a) * weights after each step, with a = min(decay, (1 + n) / (10 + n)) after n
            steps, so that the initial weights are forgotten (Polyak & Juditsky 1992; the ramp is that of TensorFlow's
            ExponentialMovingAverage); "swa", the plain mean of the weights after each step of the last quarter of the
            training (Izmailov et al. 2018, arXiv 1803.05407, who use one set of weights per epoch and a cyclic
            learning rate), and the weights themselves before that.
        decay: a, 0 to 1.
    """

    def __init__(self, network: nn.Module, kind: str, decay: float) -> None:
        self.kind, self.decay = kind, decay
        self.mean = {name: tensor.detach().clone() for name, tensor in own_state(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int, total: int) -> None:
        """Add the weights after `step` of `total` steps, counted from 1."""
        if self.kind == "ema":
            new = 1 - min(self.decay, (1 + step) / (10 + step))
        else:
            new = 1 / max(1, step - int(SWA_FROM * total))
        for name, tensor in own_state(network).items():
            if tensor.is_floating_point():
                self.mean[name].lerp_(tensor, new)
            else:
                self.mean[name].copy_(tensor)

    def restore(self, mean: Mapping[str, Tensor]) -> None:
        """Restore the mean from a checkpoint."""
        for name, tensor in mean.items():
            self.mean[name].copy_(tensor)
