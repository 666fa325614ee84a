"""Functions of arrays that NumPy lacks: sigmoid, softmax, softplus, quantiles of the Gaussian and of Student's t."""

import math

import numpy as np

from elman.checks import check_range

NODES, NEWTON_STEPS = 32, 10  # of the integral and the search in `t_quantile`
SHIFT = 10  # how far up `_log_gamma_ratio` goes before it uses its series


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), of the shape of x, float64."""
    power = np.exp(-np.abs(np.asarray(x, np.float64)))
    found: np.ndarray = np.where(np.asarray(x) >= 0, 1, power) / (1 + power)
    return found


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(x_k) / sum of exp(x_j) over the last axis, float64.

    Example:
        >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
        [[0.5, 0.5], [1.0, 0.0]]
    """
    weights = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True, initial=-np.inf))
    found: np.ndarray = weights / weights.sum(-1, keepdims=True)
    return found


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithm of `softmax`, exact where that is next to 0, float64."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True, initial=-np.inf)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return found


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), of the shape of x, float64."""
    x = np.asarray(x, np.float64)
    found: np.ndarray = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # many times faster than `logaddexp`
    return found


def normal_quantile(p: float | np.ndarray) -> np.ndarray:
    """The quantiles of the standard Gaussian, float64 of the shape of p: the z below which a fraction p lies.

    Rational approximations of Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution",
    PPND16, accurate to about 1 part in 10^16. At 0 and 1 minus and plus infinity, beyond them NaN.

    Example:
        >>> normal_quantile(np.array([0.025, 0.5, 0.975])).round(6).tolist()
        [-1.959964, 0.0, 1.959964]
    """
    p = np.asarray(p, np.float64)
    q = np.atleast_1d(p - 0.5)
    found: np.ndarray = q * _ratio(0.180625 - q * q, _CENTRE)
    tails = ~(np.abs(q) <= 0.425)
    if tails.any():
        outer = np.atleast_1d(p)[tails]
        found[tails] = np.copysign(_tail_quantile(np.minimum(outer, 1 - outer)), q[tails])
    return found.reshape(p.shape)


def t_quantile(p: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """The quantiles of Student's t, float64, of the shape to which both broadcast.

    With t = sqrt(freedom) cot(a) the fraction above t is S(a) = integral from 0 to a of sin(s)^(freedom - 1) ds, over
    twice that to pi / 2. Its logarithm is concave in log a, so that Newton's steps from the middle, a = pi / 2, reach
    the angle of every p.

    Args:
        p: more than 0, less than 1.
        freedom: degrees of freedom, at least 1.

    Raises:
        ArgumentError: fewer degrees of freedom.

    Example:
        >>> t_quantile(np.array([0.025, 0.9]), np.array(5.0)).round(6).tolist()
        [-2.570582, 1.475884]
    """
    p, freedom = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(freedom, np.float64))
    check_range("t_quantile", "freedom", float(freedom.min(initial=math.inf)) if freedom.size else 1.0, low=1)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    nodes, weights = (nodes + 1) / 2, weights / 2
    power = freedom - 1
    whole = np.sqrt(np.pi) * np.exp(-_log_gamma_ratio(freedom / 2))
    target = np.log(np.minimum(p, 1 - p) * whole)
    angle = np.full(p.shape, np.pi / 2)
    for _ in range(NEWTON_STEPS):
        area = angle * (np.sin(angle[..., None] * nodes) ** power[..., None] @ weights)
        slope = angle * np.sin(angle) ** power / area  # of log area over log angle, never near 0
        step = (target - np.log(area)) / slope
        angle = angle * np.exp(step)
        if not step.size or np.abs(step).max() < 1e-14:
            break
    t = np.sqrt(freedom) / np.tan(angle)
    signed: np.ndarray = np.where(p < 0.5, -t, t)
    return signed


def _tail_quantile(p: np.ndarray) -> np.ndarray:
    """The distance from 0 beyond which a fraction p lies on one side, p at most 0.075."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.sqrt(-np.log(p))
        found = np.where(r <= 5, _ratio(r - 1.6, _MIDDLE), _ratio(r - 5, _FAR))
    return np.where(np.isinf(r), np.inf, found)


def _log_gamma_ratio(x: np.ndarray) -> np.ndarray:
    """log of Gamma(x + 1/2) / Gamma(x), x at least 1/2: Stirling's series, after x is raised by `SHIFT`."""
    raised = np.zeros_like(x)
    for step in range(SHIFT):
        raised += np.log1p(0.5 / (x + step))
    y = x + SHIFT
    inverse = 1 / (y * y)
    series = -1 / 8 + inverse * (1 / 192 + inverse * (-1 / 640 + inverse * (17 / 14336 - inverse * 31 / 18432)))
    found: np.ndarray = 0.5 * np.log(y) + series / y - raised
    return found


def _ratio(x: np.ndarray, coefficients: tuple[list[float], list[float]]) -> np.ndarray:
    """A polynomial over another by Horner's rule; coefficients of rising powers."""
    above, below = (np.full_like(x, part[-1]) for part in coefficients)
    for one, other in zip(reversed(coefficients[0][:-1]), reversed(coefficients[1][:-1]), strict=True):
        for polynomial, coefficient in ((above, one), (below, other)):
            polynomial *= x
            polynomial += coefficient
    above /= below
    return above


_CENTRE = (
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
)
_MIDDLE = (
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
)
_FAR = (
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
)
