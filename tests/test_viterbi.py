"""The best paths and marginals of a CRF from arrays: those of brute force and of torch, in any batch."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch_oracle import DecodingCRF

from elman.decoding.viterbi import marginals, viterbi
from elman.errors import ArgumentError


def random_case(seed: int, dtype=np.float32):
    """Scores (B, T, K), lengths, and the start, transition and end scores; every third case is of whole numbers."""
    random = np.random.default_rng(seed)
    rows, steps, tags = (int(size) for size in random.integers((1, 1, 1), (6, 9, 7)))
    scale = (0.3, 1.0, 10.0)[seed % 3]
    arrays = [scale * random.standard_normal(shape) for shape in ((rows, steps, tags), (tags,), (tags, tags), (tags,))]
    if seed % 3 == 1:  # so that paths tie
        arrays = [array.round() for array in arrays]
    scores, start, transitions, end = (array.astype(dtype) for array in arrays)
    lengths = random.integers(0, steps + 1, rows)
    allowed = random.random((tags, tags)) < 0.7
    allowed[np.arange(tags), np.arange(tags)] = True  # no row is stuck
    first = random.random(tags) < 0.7
    first[random.integers(tags)] = True
    masks = (allowed, first) if seed % 2 else (None, None)
    return scores, lengths, start, transitions, end, *masks


def torch_crf(start, transitions, end, allowed=None, first=None) -> DecodingCRF:
    masks = [None if mask is None else torch.from_numpy(mask) for mask in (allowed, first)]
    crf = DecodingCRF(len(start), *masks).to(torch.from_numpy(start).dtype)
    with torch.no_grad():
        for parameter, array in zip((crf.start, crf.transitions, crf.end), (start, transitions, end), strict=True):
            parameter.copy_(torch.from_numpy(array))
    return crf


@pytest.mark.parametrize("block", range(10))
def test_paths_scores_and_marginals_are_those_of_the_crf_in_torch(block):
    for seed in range(300 * block, 300 * (block + 1)):
        scores, lengths, *rest = random_case(seed)
        crf = torch_crf(*rest)

        paths, best = viterbi(scores, lengths, *rest)
        shares = marginals(scores, lengths, *rest[:3])

        expected, totals = crf.viterbi(torch.from_numpy(scores), torch.from_numpy(lengths))
        assert paths == expected, seed
        np.testing.assert_allclose(best, totals, rtol=1e-5, atol=1e-5)
        exact = torch_crf(*(array.astype(np.float64) for array in rest[:3]))
        wanted = exact.marginals(torch.from_numpy(scores).double(), torch.from_numpy(lengths))
        np.testing.assert_allclose(shares, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 400.0])  # of scale 400, sums by products would lose terms that count
@pytest.mark.parametrize("seed", [0, 2, 3, 5, 7])
def test_paths_and_marginals_are_those_of_brute_force(seed, scale):
    scores, lengths, start, transitions, end, allowed, first = random_case(seed, np.float64)
    scores, lengths = scale * scores[:, :4, :4], np.minimum(lengths, 4)
    start, transitions, end = scale * start[:4], scale * transitions[:4, :4], scale * end[:4]
    masks = (None, None) if allowed is None else (allowed[:4, :4], np.ones_like(first[:4]))
    tags = len(start)

    paths, best = viterbi(scores, lengths, start, transitions, end, *masks)
    shares = marginals(scores, lengths, start, transitions, end)

    for row, length in enumerate(lengths.tolist()):
        totals = {
            path: (start[path[0]] + end[path[-1]] if path else 0.0)
            + sum(scores[row, t, tag] for t, tag in enumerate(path))
            + sum(transitions[a, b] for a, b in pairwise(path))
            for path in product(range(tags), repeat=length)
        }
        possible = {p: s for p, s in totals.items() if masks[0] is None or all(masks[0][a, b] for a, b in pairwise(p))}
        assert tuple(paths[row]) == max(possible, key=possible.get)
        assert best[row] == pytest.approx(max(possible.values()), abs=1e-9 * scale)
        top = max(totals.values())
        powers = {path: math.exp(total - top) for path, total in totals.items()}
        for t in range(length):
            for tag in range(tags):
                share = sum(power for path, power in powers.items() if path[t] == tag) / sum(powers.values())
                assert shares[row, t, tag] == pytest.approx(share, abs=1e-9)
        assert not shares[row, length:].any()


def test_a_long_row_loses_no_digits_and_its_marginals_add_up_to_one():
    random = np.random.default_rng(0)
    scores = 20 * random.standard_normal((2, 5000, 4)) + 300
    start, transitions, end = random.standard_normal(4), 5 * random.standard_normal((4, 4)), random.standard_normal(4)
    lengths = np.array([5000, 4000])

    shares = marginals(scores, lengths, start, transitions, end)
    expected = torch_crf(start, transitions, end).marginals(torch.from_numpy(scores), torch.from_numpy(lengths))

    np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(shares[0].sum(-1), 1, rtol=0, atol=1e-12)
    halved = [array.astype(np.float32) for array in (scores, start, transitions, end)]
    assert viterbi(halved[0], lengths, *halved[1:])[0] == viterbi(scores, lengths, start, transitions, end)[0]


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_poison_in_the_padding_changes_no_bit_and_a_row_answers_the_same_alone(poison):
    scores, lengths, start, transitions, end, *_ = random_case(11)
    paths, best = viterbi(scores, lengths, start, transitions, end)
    shares = marginals(scores, lengths, start, transitions, end)
    poisoned = scores.copy()
    for row, length in enumerate(lengths):
        poisoned[row, length:] = poison

    assert viterbi(poisoned, lengths, start, transitions, end)[0] == paths
    np.testing.assert_array_equal(marginals(poisoned, lengths, start, transitions, end), shares)
    for row, length in enumerate(lengths):
        one, own = poisoned[[row], :length], lengths[[row]]
        (alone,), total = viterbi(one, own, start, transitions, end)
        assert alone == paths[row]
        assert total[0] == pytest.approx(best[row], abs=1e-5)
        np.testing.assert_allclose(
            marginals(one, own, start, transitions, end)[0], shares[row, :length], rtol=0, atol=1e-12
        )


def test_no_rows_and_no_steps_have_empty_answers():
    zeros = np.zeros(3)
    for rows, steps in ((0, 4), (2, 0)):
        scores, lengths = np.zeros((rows, steps, 3)), np.zeros(rows, int)
        paths, best = viterbi(scores, lengths, zeros, np.zeros((3, 3)), zeros)
        assert paths == [[]] * rows
        assert best.tolist() == [0] * rows
        assert marginals(scores, lengths, zeros, np.zeros((3, 3)), zeros).shape == (rows, steps, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((1, 2, 4))}, r"CRF: scores must have shape \(B, T, K\) with K = 3, got"),
        ({"transitions": np.zeros((2, 3))}, r"CRF: transitions must have shape"),
        ({"end": np.zeros(4)}, r"CRF: end must have shape"),
        ({"allowed": np.ones((2, 2), bool)}, r"CRF: allowed must have shape"),
        ({"lengths": np.array([3])}, r"CRF: lengths must lie between 0 and T = 2, got \[3\]"),
        ({"lengths": np.array([-1])}, r"CRF: lengths must lie between 0 and T = 2"),
        ({"lengths": np.array([2.0])}, r"CRF: lengths must be integers, got float64"),
    ],
)
def test_shapes_and_lengths_that_do_not_fit_are_refused(change, message):
    given = {"scores": np.zeros((1, 2, 3)), "lengths": np.array([2]), "start": np.zeros(3)}
    given |= {"transitions": np.zeros((3, 3)), "end": np.zeros(3), **change}
    with pytest.raises(ArgumentError, match=message):
        viterbi(**given)
    if "allowed" not in change:
        with pytest.raises(ArgumentError, match=message):
            marginals(**given)
