"""What decoding calculates from arrays, in plain torch: distributions, chains of tags and frames of sound."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from elman import layers
from elman.decoding.distributions import DECILES
from elman.layers.chain import marginals, path_steps, path_sums
from elman.layers.crf import CRF


class Distribution(ABC):
    """As `elman.decoding.distributions.Distribution`, on tensors and in their own precision."""

    size: int

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor: ...

    @abstractmethod
    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor: ...

    @abstractmethod
    def residuals(self, output: Tensor, target: Tensor) -> Tensor: ...

    def parameters(self, output: Tensor) -> Tensor:
        return output.reshape(*output.shape[:-1], output.shape[-1] // self.size, self.size)


class Gaussian(Distribution):
    size = 2

    def mean(self, output: Tensor) -> Tensor:
        return self.parameters(output)[..., 0]

    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        mean, raw = self.parameters(output).unbind(-1)
        return mean + scale_of(raw) * torch.special.ndtri(as_double(p, mean)).to(mean)

    def residuals(self, output: Tensor, target: Tensor) -> Tensor:
        mean, raw = self.parameters(output).unbind(-1)
        return (target - mean) / scale_of(raw)


class StudentT(Distribution):
    size = 3

    def mean(self, output: Tensor) -> Tensor:
        return self.parameters(output)[..., 0]

    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        location, raw, logit = self.parameters(output).unbind(-1)
        freedom = 2 * (math.log(50) * logit.sigmoid()).exp()
        return location + scale_of(raw) * t_quantile(as_double(p, location), freedom.double()).to(location)

    def residuals(self, output: Tensor, target: Tensor) -> Tensor:
        location, raw, _ = self.parameters(output).unbind(-1)
        return (target - location) / scale_of(raw)


class Quantiles(Distribution):
    def __init__(self, probabilities: Sequence[float] = DECILES) -> None:
        self.size = len(probabilities)
        self.z = torch.tensor([NormalDist().inv_cdf(p) for p in probabilities], dtype=torch.float64)

    def values(self, output: Tensor) -> Tensor:
        parameters, steps = self.parameters(output), self.z.diff()
        usual = steps + (-(-steps).exp()).log1p()  # softplus of it is the step
        rises = F.softplus(parameters[..., 1:] + usual.to(parameters))
        return torch.cat([parameters[..., :1] + self.z[0].to(parameters), rises], -1).cumsum(-1)

    def mean(self, output: Tensor) -> Tensor:
        """By the integral of the quantiles over p, piece by piece between those that are predicted."""
        values, knots = self.values(output), self.z.tolist()
        normal, total = NormalDist(), 0.0
        for right in range(1, self.size):
            low, high = values[..., right - 1], values[..., right]
            slope = (high - low) / (knots[right] - knots[right - 1])
            begin = -math.inf if right == 1 else knots[right - 1]
            end = math.inf if right == self.size - 1 else knots[right]
            mass = (normal.cdf(end) if end < math.inf else 1.0) - (normal.cdf(begin) if begin > -math.inf else 0.0)
            moment = (normal.pdf(begin) if begin > -math.inf else 0.0) - (normal.pdf(end) if end < math.inf else 0.0)
            total = total + (low - slope * knots[right - 1]) * mass + slope * moment
        return total

    def quantile(self, output: Tensor, p: float | Tensor) -> Tensor:
        values = self.values(output).double()
        z = torch.special.ndtri(as_double(p, values[..., 0]))
        low, high, left, right = self._line(values, torch.bucketize(z, self.z))
        return torch.lerp(low, high, (z - left) / (right - left)).to(output)

    def residuals(self, output: Tensor, target: Tensor) -> Tensor:
        values = self.values(output).double()
        low, high, left, right = self._line(values, (values < target.double()[..., None]).sum(-1))
        return (left + (target.double() - low) / (high - low).clamp(min=1e-4) * (right - left)).to(output)

    def _line(self, values: Tensor, below: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        right = below.clamp(1, self.size - 1)
        low, high = (values.gather(-1, at[..., None])[..., 0] for at in (right - 1, right))
        return low, high, self.z[right - 1], self.z[right]


DISTRIBUTIONS = {"gaussian": Gaussian, "student-t": StudentT, "quantiles": Quantiles}


def scale_of(raw: Tensor) -> Tensor:
    return F.softplus(raw + math.log(math.e - 1)) + 1e-4


def as_double(p: float | Tensor, like: Tensor) -> Tensor:
    """Near 0 and 1 float32 knows too few probabilities."""
    return p.double().expand_as(like) if isinstance(p, Tensor) else torch.full(like.shape, p, dtype=torch.float64)


def t_quantile(p: Tensor, freedom: Tensor) -> Tensor:
    """As `elman.decoding.special.t_quantile`."""
    nodes, weights = (torch.tensor(part) for part in np.polynomial.legendre.leggauss(32))
    nodes, weights = (nodes + 1) / 2, weights / 2
    tail, power = torch.minimum(p, 1 - p), freedom - 1
    whole = (0.5 * math.log(math.pi) + (freedom / 2).lgamma() - ((freedom + 1) / 2).lgamma()).exp()
    angle = torch.full_like(tail, math.pi / 2)
    for _ in range(10):
        sines = (angle[..., None] * nodes).sin() ** power[..., None]
        area = angle * (sines @ weights)
        slope = angle * angle.sin() ** power / area
        angle = angle * (((tail * whole).log() - area.log()) / slope).exp()
    t = freedom.sqrt() / angle.tan()
    return torch.where(p < 0.5, -t, t)


class DecodingCRF(CRF):
    """`elman.layers.crf.CRF` with the best paths and the marginals.

    Args:
        tags: K.
        allowed: (K, K) booleans, which transitions from row to column a best path may take; None: all.
        allowed_first: (K,) booleans, which tags it may begin with; None: all.
    """

    def __init__(self, tags: int, allowed: Tensor | None = None, allowed_first: Tensor | None = None) -> None:
        super().__init__(tags)
        self.allowed, self.allowed_first = allowed, allowed_first

    @torch.no_grad()
    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The probability of every tag at every step over all paths, (B, T, K); zeros in the padding."""
        real = layers.real_steps(lengths, scores.shape[1])
        scores = scores.masked_fill(~real[..., None], 0)
        if scores.shape[1] == 0:
            return scores
        before, after = path_sums(scores, self.start, self.transitions, self.end, lengths, both=True)
        return marginals(before.states, after.states, scores, real)

    @torch.no_grad()
    def viterbi(self, scores: Tensor, lengths: Tensor) -> tuple[list[list[int]], Tensor]:
        """The best allowed path of each row (Viterbi 1967), and its score, (B,); of equals the first, from the end."""
        rows, steps, _ = scores.shape
        if steps == 0:
            return [[] for _ in range(rows)], scores.new_zeros(rows)
        real = layers.real_steps(lengths, steps)
        scores = scores.masked_fill(~real[..., None], 0)
        into = self.transitions if self.allowed is None else self.transitions.masked_fill(~self.allowed, -torch.inf)
        into = into.T.contiguous()  # to row, from column
        first = self.start if self.allowed_first is None else self.start.masked_fill(~self.allowed_first, -torch.inf)
        best = [first + scores[:, 0]]
        for t in range(1, steps):
            before = best[-1] - best[-1].amax(-1, keepdim=True)  # so that long rows lose no digits
            best.append((before[:, None, :] + into).amax(-1) + scores[:, t])
        end = (lengths - 1).clamp(min=0)
        tag = (torch.stack(best, 1)[torch.arange(rows), end] + self.end).argmax(-1)
        path = tag[:, None].repeat(1, steps)
        for t in range(steps - 1, 0, -1):
            tag = torch.where(t < lengths, (best[t - 1] + into[tag]).argmax(-1), tag)
            path[:, t - 1] = tag
        score = path_steps(scores, self.start, self.transitions, path).masked_fill(~real, 0).sum(1)
        score = score + self.end[path.gather(1, end[:, None])[:, 0]].masked_fill(lengths == 0, 0)
        return [ids[:length] for ids, length in zip(path.tolist(), lengths.tolist(), strict=True)], score


def laplace_sample(output: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """As `elman.decoding.laplace.sample`."""
    size = (output.shape[1] - 1) // 2
    u = uniform - 0.5
    return output[:, :size] - temperature * output[:, size + 1 :].exp() * u.sign() * torch.log1p(-2 * u.abs())
