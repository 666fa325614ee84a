"""The digamma function, the derivative of log gamma."""

import numpy as np

# Of the asymptotic series psi(x) = log x - 1 / (2 x) - sum of c_k / x^(2 k), k from 1: Bernoulli numbers B_2k / (2 k).
SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
LARGE = 10.0  # from here on the series has all digits of a float64


def digamma(x: np.ndarray) -> np.ndarray:
    """psi(x) of positive numbers: by psi(x) = psi(x + 1) - 1 / x up to where the asymptotic series is exact.

    Source: Abramowitz & Stegun 1964, 6.3.5 and 6.3.18.

    Example:
        >>> digamma(np.array([1.0, 100.0])).round(12).tolist()
        [-0.577215664902, 4.600161852738]
    """
    large, lower = np.array(x, np.float64), np.zeros(np.shape(x))
    while (small := large < LARGE).any():
        lower[small] -= 1 / large[small]
        large[small] += 1
    square, series = 1 / large**2, np.zeros_like(large)
    for coefficient in reversed(SERIES):
        series = square * (coefficient + series)
    found: np.ndarray = lower + np.log(large) - 0.5 / large - series
    return found
