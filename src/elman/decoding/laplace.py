"""Frames of sound from the output of their head: a Laplace distribution of each number, and whether it is the last.

An output (N, 2 C + 1) holds C medians, the logit of the stop, and C logarithms of scales.
"""

import numpy as np

from elman.decoding.special import sigmoid


def median(output: np.ndarray) -> np.ndarray:
    """The most likely frame of each row, (N, 2 C + 1) -> (N, C), in the output's own type."""
    return output[:, : _size(output)]


def stop_probability(output: np.ndarray) -> np.ndarray:
    """The probability of each row that its frame is the last, (N, 2 C + 1) -> (N,), float64."""
    return sigmoid(output[:, _size(output)])


def sample(output: np.ndarray, uniform: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """A frame of each row by the inverse of the distribution function, its scale times `temperature`:

        x = median - temperature * scale * sign(u) log(1 - 2 |u|),   u = uniform - 1/2

    Args:
        output: (N, 2 C + 1).
        uniform: (N, C) uniform samples in (0, 1).
        temperature: at least 0; at 0 the answer is the median.

    Returns: (N, C) float64.

    Example:
        >>> sample(np.array([[2.0, 0.0, 0.0]]), np.array([[0.75]])).round(4).tolist()
        [[2.6931]]
    """
    size = _size(output)
    u = np.asarray(uniform, np.float64) - 0.5
    scale = temperature * np.exp(output[:, size + 1 :].astype(np.float64))
    frames: np.ndarray = output[:, :size] - scale * np.sign(u) * np.log1p(-2 * np.abs(u))
    return frames


def _size(output: np.ndarray) -> int:
    """C."""
    width: int = output.shape[1]
    return (width - 1) // 2
