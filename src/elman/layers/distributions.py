"""Losses of distributions of numbers whose parameters a head gives; what they are is in `decoding.distributions`."""

import math
from collections.abc import Callable
from statistics import NormalDist

import torch
from torch import Tensor
from torch.nn import functional as F

from elman.decoding.distributions import (
    HIGHEST_FREEDOM,
    LOWEST_FREEDOM,
    SMALLEST_SCALE,
    Distribution,
    Gaussian,
    Quantiles,
    StudentT,
)

# (output (N, C size), target (N, C)) -> losses (N, C), of the parameters of a number together.
Loss = Callable[[Tensor, Tensor], Tensor]


def gaussian_loss(output: Tensor, target: Tensor) -> Tensor:
    """-log p in nats of each value, (N, C):

        deviation = softplus(s + log(e - 1)) + 1e-4
        loss      = log deviation + 1/2 log 2 pi + 1/2 ((target - mean) / deviation)^2

    where the output (N, 2 C) holds (mean, s) of each value.

    Example:
        >>> gaussian_loss(torch.zeros(1, 2), torch.zeros(1, 1))
        tensor([[0.9190]])
    """
    mean, raw = _parameters(output, 2).unbind(-1)
    scale = _scale(raw)
    return scale.log() + 0.5 * math.log(2 * math.pi) + 0.5 * ((target - mean) / scale) ** 2


def student_t_loss(output: Tensor, target: Tensor) -> Tensor:
    """-log p in nats of each value, (N, C):

        scale   = softplus(s + log(e - 1)) + 1e-4
        freedom = 2 * 50^sigmoid(f)
        loss    = log scale + log B(1/2, freedom / 2) + 1/2 log freedom
                  + (freedom + 1) / 2 * log(1 + ((target - location) / scale)^2 / freedom)

    where the output (N, 3 C) holds (location, s, f) of each value and B is the beta function.

    Example:
        >>> student_t_loss(torch.zeros(1, 3), torch.zeros(1, 1))
        tensor([[0.9367]])
    """
    location, raw, logit = _parameters(output, 3).unbind(-1)
    scale = _scale(raw)
    freedom = LOWEST_FREEDOM * (math.log(HIGHEST_FREEDOM / LOWEST_FREEDOM) * logit.sigmoid()).exp()
    half = torch.full_like(freedom, 0.5)
    beta = half.lgamma() + (freedom / 2).lgamma() - ((freedom + 1) / 2).lgamma()
    distance = ((target - location) / scale) ** 2 / freedom
    return scale.log() + beta + 0.5 * freedom.log() + (freedom + 1) / 2 * distance.log1p()


class QuantileLoss:
    """The pinball loss of each value, (N, C), of an output (N, C quantiles):

        q_1 = o_1 + z_1,   q_k = q_(k-1) + softplus(o_k + softplus^-1(z_k - z_(k-1)))
        loss = mean over k of 2 max(p_k (target - q_k), (p_k - 1) (target - q_k))

    where p_k are the probabilities and z_k the quantiles of the standard Gaussian: that of MQ-RNN (Wen, Torkkola,
    Narayanaswamy & Madeka 2017, arXiv 1711.11053), of the mean and twice, so that it is an absolute error at p = 1/2
    and nears the continuous ranked probability score with many quantiles.

    Args:
        distribution: its probabilities and their z.
    """

    def __init__(self, distribution: Quantiles) -> None:
        self.probabilities, normal = distribution.probabilities, NormalDist()
        # On the CPU also where a network is made without values, to be loaded.
        self.z = torch.tensor([normal.inv_cdf(p) for p in self.probabilities], dtype=torch.float64, device="cpu")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        probabilities = torch.tensor(self.probabilities, dtype=torch.float64).to(output)
        errors = target[..., None] - self.values(output)
        return 2 * torch.maximum(probabilities * errors, (probabilities - 1) * errors).mean(-1)

    def values(self, output: Tensor) -> Tensor:
        """The quantiles, (N, C, quantiles), rising."""
        parameters = _parameters(output, len(self.probabilities))
        steps = self.z.diff()
        usual = steps + (-(-steps).exp()).log1p()  # softplus of it is the step
        rises = F.softplus(parameters[..., 1:] + usual.to(parameters))
        return torch.cat([parameters[..., :1] + self.z[0].to(parameters), rises], -1).cumsum(-1)


def loss_of(distribution: Distribution) -> Loss:
    """The loss of a distribution."""
    if isinstance(distribution, Quantiles):
        return QuantileLoss(distribution)
    return {Gaussian: gaussian_loss, StudentT: student_t_loss}[type(distribution)]


def _parameters(output: Tensor, size: int) -> Tensor:
    """(N, C size) -> (N, C, size)."""
    return output.reshape(*output.shape[:-1], output.shape[-1] // size, size)


def _scale(raw: Tensor) -> Tensor:
    """A positive number, 1 at 0, that grows as its argument and never is 0."""
    return F.softplus(raw + math.log(math.e - 1)) + SMALLEST_SCALE
