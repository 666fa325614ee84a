"""Distributions of numbers that a head gives the parameters of: their losses, quantiles, means and draws."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.checks import check_range, fail

SMALLEST_SCALE = 1e-4  # no value is foretold more closely, so that no likelihood is infinite
LOWEST_FREEDOM, HIGHEST_FREEDOM = 2.0, 100.0  # below the deviation is infinite, above it is a Gaussian
NODES, NEWTON_STEPS = 32, 10  # of the integral and the search in `t_quantile`
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Distribution(ABC):
    """A distribution of each of C numbers, one by one, from an output (N, C size), the parameters of a number together.

    An output of zeros is the standard Gaussian, or near to it, so that a network begins with what scaled values are.

    Attributes:
        size: numbers of an output that one value takes.
    """

    size: int

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """What training lowers, of each value, (N, C): output (N, C size), target (N, C)."""

    @abstractmethod
    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        """The values below which a share p of the distribution lies, (N, C), without gradient.

        Args:
            output: (N, C size).
            p: more than 0, less than 1; one for all, or (N, C).
        """

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """(N, C) of an output (N, C size)."""

    @abstractmethod
    def deviations(self, output: Tensor, target: Tensor) -> Tensor:
        """How far each value lies from the middle, with its sign, in units of the spread that was told, (N, C)."""

    def draw(self, output: Tensor, chance: Tensor) -> Tensor:
        """Values (N, C) by the inverse of the distribution function, from uniform numbers (N, C) in (0, 1)."""
        return self.quantile(output, chance)

    def parameters(self, output: Tensor) -> Tensor:
        """(N, C size) -> (N, C, size)."""
        return output.reshape(*output.shape[:-1], output.shape[-1] // self.size, self.size)


class Gaussian(Distribution):
    """A mean and a deviation a value, as in DeepAR (Salinas, Flunkert & Gasthaus 2017, arXiv 1704.04110):

        deviation = softplus(s + log(e - 1)) + 1e-4
        loss      = log deviation + 1/2 log 2 pi + 1/2 ((target - mean) / deviation)^2      -log p in nats

    where the output holds (mean, s) of each value; unlike there, s = 0 is a deviation of 1, and none is below 1e-4.

    Shape: output (N, 2 C), target (N, C) -> loss (N, C).

    Example:
        >>> Gaussian().loss(torch.zeros(1, 2), torch.zeros(1, 1)), Gaussian().quantile(torch.zeros(1, 2), 0.975)
        (tensor([[0.9190]]), tensor([[1.9602]]))
    """

    size = 2

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        mean, scale = self._mean_and_scale(output)
        return scale.log() + 0.5 * math.log(2 * math.pi) + 0.5 * ((target - mean) / scale) ** 2

    @torch.no_grad()
    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        mean, scale = self._mean_and_scale(output)
        z: Tensor = torch.special.ndtri(_chances(p, mean))
        return mean + scale * z.to(mean)

    def mean(self, output: Tensor) -> Tensor:
        return self._mean_and_scale(output)[0]

    def deviations(self, output: Tensor, target: Tensor) -> Tensor:
        """(target - mean) / deviation."""
        mean, scale = self._mean_and_scale(output)
        return (target - mean) / scale

    def _mean_and_scale(self, output: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.parameters(output).unbind(-1)
        return mean, _scale(raw)


class StudentT(Distribution):
    """A location, a scale and the degrees of freedom of each value: heavier tails, which single wild values cost less:

        scale   = softplus(s + log(e - 1)) + 1e-4
        freedom = 2 * 50^sigmoid(f)                                                         2 to 100
        loss    = log scale + log B(1/2, freedom / 2) + 1/2 log freedom
                  + (freedom + 1) / 2 * log(1 + ((target - location) / scale)^2 / freedom)  -log p in nats

    where the output holds (location, s, f) of each value and B is the beta function. The bounds of the freedom keep
    deviations finite and the logarithms exact in float32.

    Shape: output (N, 3 C), target (N, C) -> loss (N, C).

    Example:
        >>> StudentT().loss(torch.zeros(1, 3), torch.zeros(1, 1)), StudentT().quantile(torch.zeros(1, 3), 0.975)
        (tensor([[0.9367]]), tensor([[2.1430]]))
    """

    size = 3

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        location, scale, freedom = self._told(output)
        half = torch.full_like(freedom, 0.5)
        beta = half.lgamma() + (freedom / 2).lgamma() - ((freedom + 1) / 2).lgamma()
        apart = ((target - location) / scale) ** 2 / freedom
        return scale.log() + beta + 0.5 * freedom.log() + (freedom + 1) / 2 * apart.log1p()

    @torch.no_grad()
    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        location, scale, freedom = self._told(output)
        return location + scale * t_quantile(_chances(p, location), freedom.double()).to(location)

    def mean(self, output: Tensor) -> Tensor:
        return self._told(output)[0]

    def deviations(self, output: Tensor, target: Tensor) -> Tensor:
        """(target - location) / scale."""
        location, scale, _ = self._told(output)
        return (target - location) / scale

    def _told(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        location, raw, freedom = self.parameters(output).unbind(-1)
        growth = math.log(HIGHEST_FREEDOM / LOWEST_FREEDOM)
        return location, _scale(raw), LOWEST_FREEDOM * (growth * freedom.sigmoid()).exp()


class Quantiles(Distribution):
    """Quantiles at given levels, which never cross, for each is the one below it and a step that is not negative:

        q_1 = o_1 + z_1,   q_k = q_(k-1) + softplus(o_k + softplus^-1(z_k - z_(k-1)))
        loss = mean over k of 2 max(p_k (target - q_k), (p_k - 1) (target - q_k))           pinball, no likelihood

    where o is the output, p_k are the levels and z_k the quantiles of the standard Gaussian. The loss is that of MQ-RNN
    (Wen, Torkkola, Narayanaswamy & Madeka 2017, arXiv 1711.11053), of the mean and twice, so that it is an absolute
    error at the level 1/2 and nears the continuous ranked probability score with many levels; the steps are ours.
    Between the levels, and beyond them, a quantile lies on the line over z through the two nearest.

    Args:
        levels: rising, each more than 0 and less than 1, at least two.

    Shape: output (N, C levels), target (N, C) -> loss (N, C).

    Raises:
        ArgumentError: levels that are no such.

    Example:
        >>> Quantiles([0.1, 0.5, 0.9]).quantile(torch.zeros(1, 3), 0.95)
        tensor([[1.6449]])
    """

    def __init__(self, levels: Sequence[float] = DECILES) -> None:
        levels = [*levels]
        if len(levels) < 2 or levels != sorted({*levels}):
            fail("Quantiles", "levels", "be at least two that rise", str(levels))
        if not (levels[0] > 0 and levels[-1] < 1):
            fail("Quantiles", "levels", "be more than 0 and less than 1", str(levels))
        self.size, self.levels = len(levels), levels
        normal = NormalDist()
        self.z = torch.tensor([normal.inv_cdf(level) for level in levels], dtype=torch.float64)
        self.share = torch.tensor(_shares_of_mean(levels), dtype=torch.float64)

    def values(self, output: Tensor) -> Tensor:
        """The quantiles at the levels, (N, C, levels), rising."""
        parameters = self.parameters(output)
        steps = self.z.diff()
        usual = steps + (-(-steps).exp()).log1p()  # softplus of it is the step
        rises = F.softplus(parameters[..., 1:] + usual.to(parameters))
        return torch.cat([parameters[..., :1] + self.z[0].to(parameters), rises], -1).cumsum(-1)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        levels = torch.tensor(self.levels).to(output)
        apart = target[..., None] - self.values(output)
        return 2 * torch.maximum(levels * apart, (levels - 1) * apart).mean(-1)

    @torch.no_grad()
    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        values = self.values(output).double()
        knots = self.z.to(values.device)
        z = torch.special.ndtri(_chances(p, values[..., 0]))
        low, high, left, right = self._line(values, torch.bucketize(z, knots))
        return torch.lerp(low, high, (z - left) / (right - left)).to(output)

    def mean(self, output: Tensor) -> Tensor:
        return self.values(output) @ self.share.to(output)

    def deviations(self, output: Tensor, target: Tensor) -> Tensor:
        """z of the share of the distribution that lies below the target; of a Gaussian the same as there."""
        values, apart = self.values(output).double(), target.double()
        low, high, left, right = self._line(values, (values < apart[..., None]).sum(-1))
        share = (apart - low) / (high - low).clamp(min=SMALLEST_SCALE)
        return (left + share * (right - left)).to(output)

    def _line(self, values: Tensor, above: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The two quantiles on either side of a place, (N, C), and their z: values (N, C, levels), how many below."""
        knots, right = self.z.to(values.device), above.clamp(1, self.size - 1)
        low, high = (values.gather(-1, at[..., None])[..., 0] for at in (right - 1, right))
        return low, high, knots[right - 1], knots[right]


DISTRIBUTIONS: dict[str, type[Distribution]] = {"gaussian": Gaussian, "student-t": StudentT, "quantiles": Quantiles}


def _scale(raw: Tensor) -> Tensor:
    """A positive number, 1 at 0, that grows as its argument and never is 0."""
    return F.softplus(raw + math.log(math.e - 1)) + SMALLEST_SCALE


def _chances(p: float | Tensor, like: Tensor) -> Tensor:
    """Shares in float64, of the shape of a tensor: near 0 and 1 float32 knows too few."""
    if isinstance(p, Tensor):
        return p.double().expand_as(like)
    if not 0 < p < 1:
        fail("quantile", "p", "be more than 0 and less than 1", str(p))
    return torch.full(like.shape, p, dtype=torch.float64, device=like.device)


def t_quantile(p: Tensor, freedom: Tensor) -> Tensor:
    """The quantiles of Student's t, float64 of the shape of both.

    With t = sqrt(freedom) cot(a) the share above t is S(a) = integral from 0 to a of sin(s)^(freedom - 1) ds, over
    twice that to pi / 2. Its logarithm is concave in log a, so that Newton's steps from the middle, a = pi / 2, reach
    the angle of every p.
    """
    check_range("t_quantile", "freedom", float(freedom.min()) if freedom.numel() else 1.0, low=1)
    nodes, weights = (torch.tensor(part, device=p.device) for part in np.polynomial.legendre.leggauss(NODES))
    nodes, weights = (nodes + 1) / 2, weights / 2
    tail = torch.minimum(p, 1 - p)
    power = freedom - 1
    whole = (0.5 * math.log(math.pi) + (freedom / 2).lgamma() - ((freedom + 1) / 2).lgamma()).exp()
    angle = torch.full_like(tail, math.pi / 2)
    for _ in range(NEWTON_STEPS):
        sines = (angle[..., None] * nodes).sin() ** power[..., None]
        area = angle * (sines @ weights)
        slope = angle * angle.sin() ** power / area  # of log area over log angle, never near 0
        angle = angle * (((tail * whole).log() - area.log()) / slope).exp()
    t = freedom.sqrt() / angle.tan()
    return torch.where(p < 0.5, -t, t)


def _shares_of_mean(levels: Sequence[float]) -> list[float]:
    """What each quantile weighs in the mean of the distribution whose quantiles are lines over z between them."""
    normal = NormalDist()
    z = [normal.inv_cdf(level) for level in levels]
    shares = [0.0] * len(levels)
    for right in range(1, len(levels)):
        left, width = right - 1, z[right] - z[right - 1]
        low = -math.inf if left == 0 else z[left]
        high = math.inf if right == len(levels) - 1 else z[right]
        # Over a line a + b z the mean is a (P(high) - P(low)) - b (p(high) - p(low)).
        chance = (normal.cdf(high) if high < math.inf else 1.0) - (normal.cdf(low) if low > -math.inf else 0.0)
        moment = (normal.pdf(low) if low > -math.inf else 0.0) - (normal.pdf(high) if high < math.inf else 0.0)
        upper = (moment - z[left] * chance) / width
        shares[right] += upper
        shares[left] += chance - upper
    return shares
