"""The highest ranks are found by blocks as by sorting all of them, and of several as high the first."""

import math

import pytest
import torch

from elman.decoding.sampling import highest, likeliest


@pytest.mark.parametrize("symbols", [5, 250, 300, 1000, 1037])
def test_the_highest_are_found_by_blocks_as_by_sorting_all(symbols):
    torch.manual_seed(symbols)
    ranks = torch.randn(20, symbols)
    ranks[0] = ranks[0].sort().values  # all in the last block, or after it
    ranks[1, 3] = math.nan  # stands above all numbers
    ranks[2, 2:] = -math.inf
    for most in (1, 2, 5):
        found, at = highest(ranks, most)
        expected, where = ranks.sort(dim=1, descending=True, stable=True)
        torch.testing.assert_close(found, expected[:, :most], rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(ranks.gather(1, at), found, rtol=0, atol=0, equal_nan=True)
        finite = found.isfinite()
        assert torch.equal(at[finite], where[:, :most][finite])
        assert highest(ranks[:0], most)[0].shape == (0, most)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_of_several_as_high_the_first_is_the_likeliest_and_a_beam_of_one_agrees(dtype):
    ranks = torch.randn(200, 1037, generator=torch.Generator().manual_seed(0)).mul(2).round().to(dtype)
    ranks[0] = 0
    assert torch.equal(likeliest(ranks), (ranks == ranks.amax(1, keepdim=True)).float().argmax(1))
    assert torch.equal(highest(ranks, 1)[1][:, 0], likeliest(ranks))
