"""A random order of any number of rows that needs no memory: positions are computed, not stored."""

from collections.abc import Callable
from math import isqrt

import numpy as np

ROUNDS = 6


class Permutation:
    """A keyed bijection of 0, ..., size - 1.

    A number is split into two digits (left, right) in base b, the smallest with b * b >= size, and mixed in 6 rounds of
    a Feistel network, (left, right) -> (right, (left + f(right)) mod b) with another f each round. Of the b * b numbers
    at most 2 b are not below `size`; a result outside is mixed again until it is inside.

    Source: Luby & Rackoff 1988, "How to construct pseudorandom permutations from pseudorandom functions"; Black &
    Rogaway 2002, "Ciphers with arbitrary finite domains" (other bases than 2, cycle walking). f is the finaliser of
    MurmurHash3 (Appleby 2011), with a key.

    Args:
        size: number of elements, 0 to 2**60.
        key: whole numbers of at least 0 that select the permutation.

    Example:
        >>> order = Permutation(5, 0, 1)
        >>> found = order(np.arange(5))
        >>> sorted(found.tolist()), order.inverse(found).tolist()
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])
    """

    def __init__(self, size: int, *key: int) -> None:
        self.size = size
        self.base = np.uint32(isqrt(max(size - 1, 0)) + 1)
        self.keys = np.random.SeedSequence(key).generate_state(ROUNDS, np.uint32)

    def __len__(self) -> int:
        return self.size

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """The images of the given numbers: (n,) integers below `size` -> (n,) int64."""
        return self._inside(positions, self._mixed)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """The inverse of the permutation."""
        return self._inside(values, self._unmixed)

    def _inside(self, numbers: np.ndarray, mix: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        found = mix(np.asarray(numbers).astype(np.uint64))
        outside = np.flatnonzero(found >= self.size)
        while len(outside):
            found[outside] = mix(found[outside])
            outside = outside[found[outside] >= self.size]
        return found.astype(np.int64)

    def _mixed(self, numbers: np.ndarray) -> np.ndarray:
        left, right = self._digits(numbers)
        for key in self.keys:
            total = left + self._hashed(right, key)
            total -= self.base * (total >= self.base)
            left, right = right, total
        return self._number(left, right)

    def _unmixed(self, numbers: np.ndarray) -> np.ndarray:
        left, right = self._digits(numbers)
        for key in self.keys[::-1]:
            total = right + self.base - self._hashed(left, key)
            total -= self.base * (total >= self.base)
            left, right = total, left
        return self._number(left, right)

    def _number(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        found: np.ndarray = left.astype(np.uint64) * np.uint64(self.base) + right
        return found

    def _digits(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both digits, in 32 bits, of which processors multiply at least twice as many at once."""
        left = numbers // np.uint64(self.base)
        return left.astype(np.uint32), (numbers - left * np.uint64(self.base)).astype(np.uint32)

    def _hashed(self, digit: np.ndarray, key: np.uint32) -> np.ndarray:
        """A random digit for each; 32 random bits are reduced below the base by a product, which is faster than mod."""
        mixed = digit ^ key
        mixed ^= mixed >> np.uint32(16)
        mixed *= np.uint32(0x85EBCA6B)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(0xC2B2AE35)
        mixed ^= mixed >> np.uint32(16)
        hashed: np.ndarray = ((mixed.astype(np.uint64) * np.uint64(self.base)) >> np.uint64(32)).astype(np.uint32)
        return hashed


class IdentityPermutation(Permutation):
    """The identity."""

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        return positions

    def inverse(self, values: np.ndarray) -> np.ndarray:
        return values
