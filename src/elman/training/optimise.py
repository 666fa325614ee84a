"""The optimiser and the learning rate over time."""

import math
from typing import Any

import torch
from torch import nn

SCHEDULES = ("cosine", "plateau", "constant")
PLATEAU_WAIT = 2  # evaluations without a better score before the rate is halved


def adamw(network: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101); biases and other vectors are not decayed."""
    return torch.optim.AdamW(decayed_or_not(network, weight_decay), lr=lr, fused=True)


def decayed_or_not(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The parameters that are trained, in the optimiser's order: matrices, which decay, then vectors."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]


@torch.no_grad()
def add_noise(network: nn.Module, eta: float, step: int) -> None:
    """Add N(0, eta / (1 + step)^0.55) to every gradient (Neelakantan et al. 2015, arXiv 1511.06807, equation 1)."""
    deviation = math.sqrt(eta / (1 + step) ** 0.55)
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.grad.add_(torch.randn_like(parameter.grad), alpha=deviation)


def rate(schedule: str, step: int, total: int, warmup: float, halvings: int) -> float:
    """The learning rate of a step as a share of its peak, 0 to 1.

    Args:
        schedule: after the warm-up, "cosine" falls to near zero at the last step (Loshchilov & Hutter 2017,
            arXiv 1608.03983), "plateau" halves where the validation score stands still, "constant" stays.
        step: counted from 0.
        total: steps of the whole training.
        warmup: 0 to 1, share of the steps over which the rate rises linearly.
        halvings: how often the plateau schedule has halved so far.
    """
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))
    return 0.5**halvings if schedule == "plateau" else 1.0
