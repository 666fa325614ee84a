"""Distributions of numbers, from the parameters that a network predicts: means, quantiles, samples and residuals."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from elman.checks import fail
from elman.decoding.special import normal_quantile, sigmoid, softplus, t_quantile

SMALLEST_SCALE = 1e-4  # no scale is smaller, so that no likelihood is infinite
LOWEST_FREEDOM, HIGHEST_FREEDOM = 2.0, 100.0  # below, the variance is infinite; above, it is nearly a Gaussian
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Distribution(ABC):
    """A distribution of each of C numbers, from an output (N, C size), the parameters of a number side by side.

    An output of zeros is the standard Gaussian, or near to it. All answers are float64; losses are the heads' business.

    Attributes:
        size: parameters of one number.
    """

    size: int

    @abstractmethod
    def mean(self, output: np.ndarray) -> np.ndarray:
        """(N, C size) -> (N, C)."""

    @abstractmethod
    def quantile(self, output: np.ndarray, p: float | np.ndarray) -> np.ndarray:
        """The values below which a fraction p of the distribution lies, (N, C).

        Args:
            output: (N, C size).
            p: more than 0, less than 1; one for all, or (N, C).

        Raises:
            ArgumentError: a single p out of its range.
        """

    @abstractmethod
    def residuals(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """How far each value of the target (N, C) lies from the middle, with its sign, in predicted scales, (N, C)."""

    def sample(self, output: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Samples (N, C) by the inverse of the distribution function, from uniform samples (N, C) in (0, 1)."""
        return self.quantile(output, uniform)

    def parameters(self, output: np.ndarray) -> np.ndarray:
        """(N, C size) -> (N, C, size), float64."""
        shape = (*output.shape[:-1], output.shape[-1] // self.size, self.size)
        return np.asarray(output, np.float64).reshape(shape)


class Gaussian(Distribution):
    """A mean and a standard deviation, as in DeepAR (Salinas, Flunkert & Gasthaus 2017, arXiv 1704.04110):

        standard deviation = softplus(s + log(e - 1)) + 1e-4

    where the output holds (mean, s) of each number; unlike there, s = 0 is a standard deviation of 1.

    Example:
        >>> Gaussian().quantile(np.zeros((1, 2)), 0.975).round(4).tolist()
        [[1.9602]]
    """

    size = 2

    def mean(self, output: np.ndarray) -> np.ndarray:
        return self.parameters(output)[..., 0]

    def quantile(self, output: np.ndarray, p: float | np.ndarray) -> np.ndarray:
        mean, scale = self._mean_and_scale(output)
        values: np.ndarray = mean + scale * normal_quantile(_checked(p))
        return values

    def residuals(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """(target - mean) / standard deviation."""
        mean, scale = self._mean_and_scale(output)
        found: np.ndarray = (target - mean) / scale
        return found

    def _mean_and_scale(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parameters = self.parameters(output)
        return parameters[..., 0], _scale(parameters[..., 1])


class StudentT(Distribution):
    """A location, a scale and the degrees of freedom: heavier tails than a Gaussian's.

        scale   = softplus(s + log(e - 1)) + 1e-4
        freedom = 2 * 50^sigmoid(f)                     2 to 100

    where the output holds (location, s, f) of each number.

    Example:
        >>> StudentT().quantile(np.zeros((1, 3)), 0.975).round(4).tolist()
        [[2.143]]
    """

    size = 3

    def mean(self, output: np.ndarray) -> np.ndarray:
        return self.parameters(output)[..., 0]

    def quantile(self, output: np.ndarray, p: float | np.ndarray) -> np.ndarray:
        parameters = self.parameters(output)
        freedom = LOWEST_FREEDOM * (HIGHEST_FREEDOM / LOWEST_FREEDOM) ** sigmoid(parameters[..., 2])
        values: np.ndarray = parameters[..., 0] + _scale(parameters[..., 1]) * t_quantile(_checked(p), freedom)
        return values

    def residuals(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """(target - location) / scale."""
        parameters = self.parameters(output)
        found: np.ndarray = (target - parameters[..., 0]) / _scale(parameters[..., 1])
        return found


class Quantiles(Distribution):
    """Quantiles at given probabilities, which never cross: each is the one below it and a step that is not negative.

        q_1 = o_1 + z_1,   q_k = q_(k-1) + softplus(o_k + softplus^-1(z_k - z_(k-1)))

    where o is the output and z_k are the quantiles of the standard Gaussian at the probabilities p_k. Between these,
    and beyond them, a quantile lies on the line over z through the two nearest.

    Args:
        probabilities: rising, each more than 0 and less than 1, at least two.

    Raises:
        ArgumentError: probabilities that are not so.

    Example:
        >>> Quantiles([0.1, 0.5, 0.9]).quantile(np.zeros((1, 3)), 0.95).round(4).tolist()
        [[1.6449]]
    """

    def __init__(self, probabilities: Sequence[float] = DECILES) -> None:
        probabilities = [*probabilities]
        if len(probabilities) < 2 or probabilities != sorted({*probabilities}):
            fail("Quantiles", "quantiles", "be at least two that rise", str(probabilities))
        if not (probabilities[0] > 0 and probabilities[-1] < 1):
            fail("Quantiles", "quantiles", "be more than 0 and less than 1", str(probabilities))
        self.size, self.probabilities = len(probabilities), probabilities
        self.z = normal_quantile(np.array(probabilities))
        self.weights_of_mean = np.array(_weights_of_mean(self.z.tolist()))

    def values(self, output: np.ndarray) -> np.ndarray:
        """The quantiles at the probabilities, rising, (N, C, size)."""
        parameters = self.parameters(output)
        steps = np.diff(self.z)
        usual = steps + np.log(-np.expm1(-steps))  # softplus of it is the step
        values = np.empty(parameters.shape)
        values[..., 0] = parameters[..., 0] + self.z[0]
        values[..., 1:] = softplus(parameters[..., 1:] + usual)
        for k in range(1, self.size):  # many times faster than `cumsum` of so few
            values[..., k] += values[..., k - 1]
        return values

    def mean(self, output: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.values(output) @ self.weights_of_mean
        return found

    def quantile(self, output: np.ndarray, p: float | np.ndarray) -> np.ndarray:
        values = self.values(output)
        z = np.broadcast_to(normal_quantile(_checked(p)), values.shape[:-1])
        low, high, left, right = self._line(values, np.searchsorted(self.z, z))
        found: np.ndarray = low + (high - low) * ((z - left) / (right - left))
        return found

    def residuals(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """z of the fraction of the distribution that lies below the target: for a Gaussian, the same as there."""
        values = self.values(output)
        low, high, left, right = self._line(values, (values < target[..., None]).sum(-1))
        found: np.ndarray = left + (target - low) / np.maximum(high - low, SMALLEST_SCALE) * (right - left)
        return found

    def _line(self, values: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, ...]:
        """The two quantiles on either side of a place, (N, C), and their z: values (N, C, size), how many are below."""
        right = np.clip(below, 1, self.size - 1)
        low, high = (np.take_along_axis(values, at[..., None], -1)[..., 0] for at in (right - 1, right))
        return low, high, self.z[right - 1], self.z[right]


DISTRIBUTIONS: dict[str, type[Distribution]] = {"gaussian": Gaussian, "student-t": StudentT, "quantiles": Quantiles}


def _scale(raw: np.ndarray) -> np.ndarray:
    """A positive number, 1 at 0, that grows with its argument and is never 0."""
    return softplus(raw + math.log(math.e - 1)) + SMALLEST_SCALE


def _checked(p: float | np.ndarray) -> np.ndarray:
    if not isinstance(p, np.ndarray) and not 0 < p < 1:
        fail("quantile", "p", "be more than 0 and less than 1", str(p))
    return np.asarray(p, np.float64)


def _weights_of_mean(z: Sequence[float]) -> list[float]:
    """The weight of each quantile in the mean of the distribution whose quantiles are lines over z between them."""
    normal = NormalDist()
    weights = [0.0] * len(z)
    for right in range(1, len(z)):
        left, width = right - 1, z[right] - z[right - 1]
        low = -math.inf if left == 0 else z[left]
        high = math.inf if right == len(z) - 1 else z[right]
        # Over a line a + b z the mean is a (P(high) - P(low)) - b (p(high) - p(low)).
        mass = (normal.cdf(high) if high < math.inf else 1.0) - (normal.cdf(low) if low > -math.inf else 0.0)
        moment = (normal.pdf(low) if low > -math.inf else 0.0) - (normal.pdf(high) if high < math.inf else 0.0)
        upper = (moment - z[left] * mass) / width
        weights[right] += upper
        weights[left] += mass - upper
    return weights
