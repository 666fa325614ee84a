"""The highest scores are found by blocks as by sorting all of them, and of several as high the first."""

import math

import numpy as np
import pytest

from elman.decoding.selection import highest, log_sum_exp


@pytest.mark.parametrize("symbols", [5, 40, 250, 300, 1000, 1037])
def test_the_highest_are_found_by_blocks_as_by_sorting_all(symbols):
    scores = np.random.default_rng(symbols).standard_normal((20, symbols)).astype(np.float32)
    scores[0].sort()  # the highest lie together at the end
    scores[1, 3] = math.nan  # stands above all numbers
    scores[2, 2:] = -math.inf
    expected_at = np.argsort(np.where(np.isnan(scores), -np.inf, -scores), 1, kind="stable")
    for k in (1, 2, 5):
        found, at = highest(scores, k)
        np.testing.assert_array_equal(found, np.take_along_axis(scores, expected_at, 1)[:, :k])
        np.testing.assert_array_equal(found, np.take_along_axis(scores, at, 1))
        finite = np.isfinite(found)
        np.testing.assert_array_equal(at[finite], expected_at[:, :k][finite])
        assert highest(scores[:0], k)[0].shape == (0, k)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_of_several_as_high_the_first_is_the_best_and_a_beam_of_one_agrees(dtype):
    scores = (2 * np.random.default_rng(0).standard_normal((200, 1037))).round().astype(dtype)
    scores[0] = 0
    first = (scores == scores.max(1, keepdims=True)).argmax(1)
    np.testing.assert_array_equal(highest(scores, 1)[1][:, 0], first)
    # Of more than one, those as high as the last may be any of them, but they are in order.
    found, at = highest(scores, 4)
    assert ((np.diff(found, axis=1) < 0) | (np.diff(at, axis=1) > 0)).all()


@pytest.mark.parametrize("size", [1, 7, 3000])
@pytest.mark.parametrize("shift", [0.0, -1e4, 39.0, 200.0])
def test_the_logarithm_of_a_sum_of_powers_is_exact_however_large_the_logits(shift, size):
    logits = np.random.default_rng(0).standard_normal((100, size)) + shift
    expected = np.logaddexp.reduce(logits, 1)
    np.testing.assert_allclose(log_sum_exp(logits), expected, rtol=1e-13)
    np.testing.assert_allclose(log_sum_exp(logits.astype(np.float32)), expected, rtol=1e-6, atol=1e-6)
    assert log_sum_exp(logits[:0]).shape == (0,)


def test_the_sum_of_a_row_is_the_same_to_the_bit_in_any_batch():
    logits = np.random.default_rng(0).standard_normal((40, 5000)).astype(np.float32)
    logits[::2] += 100  # rows whose powers are shifted, among rows whose powers are not
    together = log_sum_exp(logits)
    for row in range(40):
        assert log_sum_exp(logits[[row]])[0] == together[row]
