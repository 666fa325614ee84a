"""A random order of any number of rows that takes no memory: where a row goes is calculated, not kept."""

from collections.abc import Callable
from math import isqrt

import numpy as np

ROUNDS = 6


class Permutation:
    """A keyed bijection of 0, ..., size - 1.

    A number is written with two digits (left, right) to the base b, the least with b * b >= size, and mixed in 6 rounds
    of a Feistel network, (left, right) -> (right, (left + f(right)) mod b) with another f each round. Of the b * b
    numbers at most 2 b are not below `size`; what comes out there is mixed again until it is inside.

    Source: Luby & Rackoff 1988, "How to construct pseudorandom permutations from pseudorandom functions"; Black &
    Rogaway 2002, "Ciphers with arbitrary finite domains" (other bases than 2, cycle walking). f is the finaliser of
    SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").

    Args:
        size: how many numbers, 0 to 2**60.
        key: whole numbers of at least 0 that choose the permutation.

    Example:
        >>> order = Permutation(5, 0, 1)
        >>> found = order(np.arange(5))
        >>> sorted(found.tolist()), order.inverse(found).tolist()
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])
    """

    def __init__(self, size: int, *key: int) -> None:
        self.size = size
        self.base = np.uint64(isqrt(max(size - 1, 0)) + 1)
        self.keys = np.random.SeedSequence(key).generate_state(ROUNDS, np.uint64)

    def __len__(self) -> int:
        return self.size

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Where these numbers go: (n,) integers below `size` -> (n,) int64."""
        return self._inside(positions, self._mixed)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """What goes there: the call undone."""
        return self._inside(values, self._unmixed)

    def _inside(self, numbers: np.ndarray, mix: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        found = mix(np.asarray(numbers).astype(np.uint64))
        outside = np.flatnonzero(found >= self.size)
        while len(outside):
            found[outside] = mix(found[outside])
            outside = outside[found[outside] >= self.size]
        return found.astype(np.int64)

    def _mixed(self, numbers: np.ndarray) -> np.ndarray:
        left, right = np.divmod(numbers, self.base)
        for key in self.keys:
            total = left + self._hashed(right, key)
            left, right = right, total - self.base * (total >= self.base)
        return left * self.base + right

    def _unmixed(self, numbers: np.ndarray) -> np.ndarray:
        left, right = np.divmod(numbers, self.base)
        for key in self.keys[::-1]:
            total = right + self.base - self._hashed(left, key)
            left, right = total - self.base * (total >= self.base), left
        return left * self.base + right

    def _hashed(self, digit: np.ndarray, key: np.uint64) -> np.ndarray:
        """A random digit for each; 32 random bits are brought below the base by a product, which is faster than mod."""
        mixed = digit + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashed: np.ndarray = ((mixed >> np.uint64(32)) * self.base) >> np.uint64(32)
        return hashed


class AsItStands(Permutation):
    """The permutation that changes nothing."""

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        return positions

    def inverse(self, values: np.ndarray) -> np.ndarray:
        return values
