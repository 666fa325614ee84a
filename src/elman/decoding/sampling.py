"""Sampling of symbols: by temperature, top-k and top-p, reproducible row by row."""

import numpy as np

from elman.decoding.options import Decoding
from elman.decoding.selection import CHUNK, highest

BLOCK = 32  # symbols whose probabilities are summed before the sums are searched
TOP = 3  # only one in this many symbols, the most likely, is sorted for a nucleus at first
SPLITMIX = np.uint64(0x9E3779B97F4A7C15)  # the increment of SplitMix64
_TINY = float(np.finfo(np.float64).tiny)


class Sampler:
    """Samples symbols from softmax(scores / temperature), each group by a stream of uniform samples of its own.

    The streams are those of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"), so
    that a sample depends on the seed, the group's key and the step, and on nothing else in the batch.

    Args:
        keys: (G, 2) integers of at least 0, which tell the groups apart.
        decoding: temperature, top_k, top_p and seed.

    Example:
        >>> sampler = Sampler(np.array([[0, 0], [1, 0]]), Decoding(temperature=1.0, seed=3))
        >>> scores = np.log([[0.2, 0.8], [0.2, 0.8]])
        >>> [sampler.sample(scores, np.array([0, 1]), step).tolist() for step in range(3)]
        [[0, 1], [1, 1], [1, 1]]
    """

    def __init__(self, keys: np.ndarray, decoding: Decoding) -> None:
        seeds = [np.random.SeedSequence((decoding.seed, *key)).generate_state(1, np.uint64)[0] for key in keys.tolist()]
        self.seeds = np.array(seeds, np.uint64)
        self.temperature = 1.0 if decoding.temperature is None else decoding.temperature
        self.top_k = decoding.top_k
        self.top_p = None if decoding.top_p == 1 else decoding.top_p  # which leaves all symbols

    def sample(self, scores: np.ndarray, groups: np.ndarray, step: int) -> np.ndarray:
        """One symbol for each of the groups (N,), from scores (N, V), log-probabilities or logits -> (N,) int64."""
        uniform, symbols = self.uniform(groups, step), None
        if self.top_k is not None and self.top_k < scores.shape[1]:
            symbols = np.sort(highest(scores, self.top_k)[1], 1)
            scores = np.take_along_axis(scores, symbols, 1)
        rows, size = scores.shape
        chosen = np.empty(rows, np.int64)
        length = max(1, CHUNK // size)
        weights = np.zeros((min(length, rows), -(-size // BLOCK) * BLOCK))  # whole blocks, of which the rest weighs 0
        for begin in range(0, rows, length):
            part = slice(begin, begin + length)
            own = weights[: len(scores[part])]
            self._weigh(scores[part], own[:, :size])
            chosen[part] = _inverse(own, uniform[part])
        return chosen if symbols is None else symbols[np.arange(rows), chosen]

    def uniform(self, groups: np.ndarray, step: int | np.ndarray) -> np.ndarray:
        """Uniform samples in [0, 1), 52 bits, one for each group and step, in the shape to which both broadcast."""
        with np.errstate(over="ignore"):  # modulo 2^64 is meant
            mixed = self.seeds[groups] + np.asarray(step + 1, np.uint64) * SPLITMIX
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
        samples: np.ndarray = (mixed >> np.uint64(12)).astype(np.float64) * 2.0**-52
        return samples

    def _weigh(self, scores: np.ndarray, weights: np.ndarray) -> None:
        """Write exp((scores - the highest) / temperature), 0 outside the nucleus, into weights (N, V), float64."""
        # The highest is 0, and stays so however small the temperature: 0 / 0 and inf - inf would be NaN.
        shifted = scores - scores.max(1, keepdims=True)
        if self.temperature == 1:
            np.exp(shifted, out=weights, dtype=np.float64)
        else:
            with np.errstate(over="ignore"):
                np.divide(shifted, max(self.temperature, _TINY), out=weights, dtype=np.float64)
            np.exp(weights, out=weights)
        if self.top_p is not None:
            np.copyto(weights, 0, where=weights < _nucleus_limit(weights, self.top_p))


def _nucleus_limit(weights: np.ndarray, mass: float, part: int = TOP) -> np.ndarray:
    """The least of the largest weights (N, V) that together have the fraction `mass` of their sum, (N, 1).

    Only the largest, one in `part`, are sorted where these have the mass.
    """
    totals = np.einsum("nv->n", weights)
    outside = weights.shape[1] - max(1, weights.shape[1] // part)
    top = np.sort(np.partition(weights, outside, 1)[:, outside:] if part > 1 else weights, 1)
    sums = top.cumsum(1)
    # The smallest are left out as long as their sum is at most 1 - mass: those that are not sorted are left out first.
    left = (1 - mass) * totals - (totals - sums[:, -1] if part > 1 else 0)
    place = (sums > np.minimum(left, np.nextafter(sums[:, -1], 0))[:, None]).argmax(1)
    limit: np.ndarray = np.take_along_axis(top, place[:, None], 1)
    short = left < 0
    if part > 1 and short.any():
        limit[short] = _nucleus_limit(weights[short], mass, 1)
    return limit


def _inverse(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The inverse of the distribution function: weights (N, blocks BLOCK) and uniform samples (N,) -> columns (N,).

    First the block is found, then the column in it: sums over blocks take a fraction of the time of running sums.
    """
    rows = np.arange(len(weights))
    blocks = weights.reshape(len(weights), -1, BLOCK)
    sums = np.einsum("nbk->nb", blocks).cumsum(1)
    # A sample is below 1 by at least 2^-52, so that its product is below the sum. Where a weight is NaN, any will do.
    place = uniform * sums[:, -1]
    block = (sums > place[:, None]).argmax(1)
    within = blocks[rows, block].cumsum(1)
    place = place - np.where(block > 0, sums[rows, block - 1], 0)
    # Rounded sums may put the place at the end of the block: it then means the last column that has any weight.
    place = np.minimum(place, np.nextafter(within[:, -1], 0))
    columns: np.ndarray = block * BLOCK + (within > place[:, None]).argmax(1)
    return columns
