"""Samples are reproducible: the uniform ones are those of SplitMix64, the symbols lie where the sums reach them."""

import numpy as np
import pytest

from elman.decoding import Decoding
from elman.decoding.sampling import Sampler

KEYS = np.array([[0, 0], [0, 1], [7, 0]])
GROUPS = np.arange(3)
UNIFORM = [0.09925582924152887, 0.9931398681901662, 0.4876812406369002]
SAMPLES = [  # of four steps, one symbol a group
    ({"temperature": 1.0}, [[12, 39, 27], [23, 27, 36], [35, 32, 24], [28, 8, 23]]),
    ({"temperature": 0.5, "top_k": 9}, [[32, 39, 35], [34, 35, 38], [38, 37, 34], [36, 31, 34]]),
    ({"top_p": 0.4}, [[31, 39, 35], [33, 34, 38], [38, 36, 34], [35, 30, 33]]),
]


def test_the_uniform_samples_of_a_seed_never_change():
    sampler = Sampler(KEYS, Decoding(temperature=1.0, seed=3))

    np.testing.assert_array_equal(sampler.uniform(GROUPS, 0), UNIFORM)
    np.testing.assert_array_equal(sampler.uniform(GROUPS[:, None], np.arange(5))[:, 0], UNIFORM)


@pytest.mark.parametrize(("options", "expected"), SAMPLES)
def test_the_samples_of_a_seed_never_change(options, expected):
    scores = np.log(np.arange(1, 41, dtype=np.float32) / 820)[None].repeat(3, 0)
    sampler = Sampler(KEYS, Decoding(seed=3, **options))

    assert [sampler.sample(scores, GROUPS, step).tolist() for step in range(4)] == expected


@pytest.mark.parametrize("size", [1, 31, 32, 100, 5000])
@pytest.mark.parametrize(
    "options", [{"temperature": 1.0}, {"temperature": 0.3}, {"top_k": 20}, {"top_p": 0.6}], ids=str
)
def test_a_sample_is_the_first_symbol_whose_running_sum_exceeds_the_uniform_sample(options, size):
    random = np.random.default_rng(size)
    scores = 2 * random.standard_normal((50, size))
    scores[::3, random.integers(0, size, max(1, size // 3))] = -np.inf  # ruled out
    scores[:, -1] = 0
    sampler = Sampler(np.stack([np.arange(50), np.zeros(50, int)], 1), Decoding(**options))

    found = sampler.sample(scores, np.arange(50), 4)

    for row, uniform in enumerate(sampler.uniform(np.arange(50), 4)):
        weights = np.exp(scores[row] / options.get("temperature", 1.0))
        falling = np.sort(weights)[::-1]
        if "top_k" in options:
            weights[weights < falling[: options["top_k"]][-1]] = 0
        if "top_p" in options:
            kept = int((falling.cumsum() < options["top_p"] * falling.sum()).sum()) + 1
            weights[weights < falling[:kept][-1]] = 0
        assert found[row] == int((weights.cumsum() <= uniform * weights.sum()).sum())
        assert weights[found[row]] > 0


def test_no_symbol_that_is_ruled_out_is_sampled_whatever_the_rounding():
    size = 3000
    scores = np.full((4000, size), -np.inf, np.float32)
    scores[:, 40], scores[:, 41], scores[:, 2000] = 0, -36, -36  # sums at which small weights are lost
    sampler = Sampler(np.stack([np.arange(4000), np.zeros(4000, int)], 1), Decoding(temperature=1.0))
    sampler.uniform = lambda groups, step: np.where(groups % 2, 1 - 2.0**-52, sampler_of(groups))

    assert set(sampler.sample(scores, np.arange(4000), 0).tolist()) <= {40, 41, 2000}


def sampler_of(groups: np.ndarray) -> np.ndarray:
    """Uniform samples near the places at which the sums of the test above jump."""
    return np.clip((1 - 3e-16) + (groups - 2000) * 2.0**-54, 0, 1 - 2.0**-52)
