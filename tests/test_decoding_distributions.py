"""Distributions from arrays: means, quantiles, samples and residuals are those of torch, of scipy and of definition."""

from statistics import NormalDist

import numpy as np
import pytest
import torch
import torch_oracle
from scipy import special, stats

from elman.decoding import laplace
from elman.decoding.distributions import DECILES, DISTRIBUTIONS, Gaussian, Quantiles, StudentT
from elman.decoding.special import normal_quantile, sigmoid, softplus, t_quantile
from elman.errors import ArgumentError

PAIRS = {name: (kind(), torch_oracle.DISTRIBUTIONS[name]()) for name, kind in DISTRIBUTIONS.items()}
PAIRS["quantiles-two"] = (Quantiles([0.05, 0.7]), torch_oracle.Quantiles([0.05, 0.7]))
each = pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
EXTREME = (1e-6, 0.001, 0.025, 0.1, 0.13, 0.5, 0.7, 0.95, 0.999, 1 - 1e-6)


def outputs(distribution, rows=200, channels=3, spread=1.0):
    return spread * np.random.default_rng(3).standard_normal((rows, channels * distribution.size))


@each
@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0, 1e3])
def test_all_answers_are_those_of_torch_in_float64(ours, theirs, spread):
    output = outputs(ours, spread=spread)
    target = spread * np.random.default_rng(4).standard_normal((200, 3))
    uniform = np.random.default_rng(5).random((200, 3)).clip(1e-6, 1 - 1e-6)
    given = torch.from_numpy(output)

    np.testing.assert_allclose(ours.mean(output), theirs.mean(given), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        ours.residuals(output, target), theirs.residuals(given, torch.from_numpy(target)), rtol=1e-9, atol=1e-9
    )
    sampled = theirs.quantile(given, torch.from_numpy(uniform))
    np.testing.assert_allclose(ours.sample(output, uniform), sampled, rtol=1e-8, atol=1e-9 * spread)
    for p in EXTREME:
        np.testing.assert_allclose(ours.quantile(output, p), theirs.quantile(given, p), rtol=1e-8, atol=1e-9 * spread)


@each
@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_answers_to_float32_are_those_of_torch_in_float32(ours, theirs, spread):
    output = outputs(ours, spread=spread).astype(np.float32)
    given = torch.from_numpy(output)
    for p in EXTREME:
        expected = theirs.quantile(given, p).numpy()
        size = np.abs(output).max() + np.abs(expected)  # near 0, terms that are larger cancel
        assert (np.abs(ours.quantile(output, p) - expected) <= 1e-6 * size).all()
    size = 1 + np.abs(theirs.mean(given).numpy())
    assert (np.abs(ours.mean(output) - theirs.mean(given).numpy()) <= 2e-6 * size).all()


def test_quantiles_are_those_of_scipy_far_out():
    output = outputs(Gaussian(), rows=50)
    told = Gaussian().parameters(output)
    scale = np.logaddexp(0, told[..., 1] + np.log(np.e - 1)) + 1e-4
    wide = outputs(StudentT(), rows=50)
    student = StudentT().parameters(wide)
    width = np.logaddexp(0, student[..., 1] + np.log(np.e - 1)) + 1e-4
    freedom = 2 * 50 ** (1 / (1 + np.exp(-student[..., 2])))
    for p in EXTREME:
        gaussian, t = stats.norm(told[..., 0], scale), stats.t(freedom, student[..., 0], width)
        np.testing.assert_allclose(Gaussian().quantile(output, p), gaussian.ppf(p), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(StudentT().quantile(wide, p), t.ppf(p), rtol=1e-6, atol=1e-9)


def test_quantiles_of_the_gaussian_are_accurate_to_the_last_digits():
    p = np.concatenate([np.logspace(-300, -1, 3000), np.linspace(1e-9, 1 - 1e-9, 3001), 1 - np.logspace(-15, -1, 300)])
    np.testing.assert_allclose(normal_quantile(p), special.ndtri(p), rtol=2e-15, atol=2e-15)
    np.testing.assert_allclose(normal_quantile(p), torch.special.ndtri(torch.from_numpy(p)), rtol=2e-14, atol=2e-15)
    # Wichura 1988: the test values of the paper.
    np.testing.assert_allclose(
        normal_quantile(np.array([0.25, 0.001, 1e-20])),
        [-0.6744897501960817, -3.090232306167814, -9.262340089798408],
        rtol=1e-15,
    )
    assert normal_quantile(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]
    assert np.isnan(normal_quantile(np.array([-0.1, 1.1, np.nan]))).all()
    assert normal_quantile(0.3).shape == ()


def test_quantiles_of_students_t_are_exact_for_every_freedom_and_far_out():
    p, freedom = np.meshgrid([1e-9, 1e-6, 1e-4, 0.2, 0.4999, 0.5001, 0.75, 1 - 1e-6], [1.0, 2.0, 2.1, 3.7, 30.0, 100.0])
    np.testing.assert_allclose(t_quantile(p, freedom), stats.t.ppf(p, freedom), rtol=1e-7, atol=1e-7)
    assert t_quantile(np.zeros((0, 3)), np.ones(3)).shape == (0, 3)
    with pytest.raises(ArgumentError, match="t_quantile: freedom must be at least 1"):
        t_quantile(np.array([0.3]), np.array([0.5]))


def test_sigmoid_and_softplus_are_exact_and_finite_everywhere():
    x = np.concatenate([np.linspace(-50, 50, 1001), [-1e4, 1e4]])
    np.testing.assert_allclose(sigmoid(x), special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(softplus(x), np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0), rtol=1e-14)


@each
@pytest.mark.parametrize("spread", [0.1, 1, 30, 1e4])
def test_quantiles_never_cross(ours, theirs, spread):
    output = outputs(ours, spread=spread).astype(np.float32)
    values = np.stack([ours.quantile(output, p) for p in EXTREME])
    assert (np.diff(values, axis=0) >= 0).all()


@each
def test_samples_are_quantiles_at_uniform_samples_and_have_the_mean(ours, theirs):
    output = outputs(ours, rows=3, channels=2)
    grid = (np.arange(20_000) + 0.5) / 20_000
    samples = ours.sample(np.tile(output, (20_000, 1)), np.repeat(grid, 3)[:, None].repeat(2, 1)).reshape(-1, 3, 2)

    np.testing.assert_allclose(samples[400], ours.quantile(output, float(grid[400])), rtol=1e-12)
    np.testing.assert_allclose(samples.mean(0), ours.mean(output), rtol=0, atol=0.02)


@each
def test_residuals_are_in_units_of_the_predicted_scale(ours, theirs):
    output = outputs(ours, rows=6, channels=1)
    for z in (-4.0, -0.3, 0.0, 1.0, 5.0):
        found = ours.residuals(output, ours.quantile(output, NormalDist().cdf(z)))
        if isinstance(ours, StudentT):  # in scales: further out in the heavier tail
            assert ((found * np.sign(z) >= abs(z) - 1e-6) | (z == 0)).all()
        else:
            np.testing.assert_allclose(found, np.full((6, 1), z), atol=1e-6)


@each
def test_zeros_are_nearly_the_standard_gaussian(ours, theirs):
    zeros = np.zeros((1, ours.size))
    for p in (0.05, 0.3, 0.5, 0.9):
        assert float(ours.quantile(zeros, p)[0, 0]) == pytest.approx(stats.norm.ppf(p), abs=0.15)
    assert float(ours.mean(zeros)[0, 0]) == pytest.approx(0, abs=1e-6)


@each
def test_channels_and_rows_are_predicted_one_by_one(ours, theirs):
    output = outputs(ours, rows=4, channels=3)
    for row, channel in [(0, 0), (3, 1), (2, 2)]:
        alone = output[row : row + 1, channel * ours.size : (channel + 1) * ours.size]
        assert ours.quantile(alone, 0.2)[0, 0] == ours.quantile(output, 0.2)[row, channel]
        assert ours.mean(alone)[0, 0] == pytest.approx(ours.mean(output)[row, channel], rel=1e-14)
    assert ours.quantile(output[:0], 0.5).shape == ours.mean(output[:0]).shape == (0, 3)
    # Steps before channels, as a series has them.
    np.testing.assert_array_equal(ours.mean(output[None]), ours.mean(output)[None])


@each
@pytest.mark.parametrize("extreme", [-1e4, -200.0, 200.0, 1e4])
def test_answers_stay_finite_where_outputs_are_extreme(ours, theirs, extreme):
    output = np.full((1, ours.size), extreme, np.float32)
    for found in (ours.mean(output), ours.quantile(output, 0.9), ours.residuals(output, np.zeros((1, 1)))):
        assert np.isfinite(found).all()


def test_quantiles_at_their_probabilities_are_the_values():
    distribution = Quantiles(DECILES)
    output = outputs(distribution, channels=1)
    for p, values in zip(DECILES, distribution.values(output)[:, 0].T, strict=True):
        np.testing.assert_allclose(distribution.quantile(output, p)[:, 0], values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_a_frame_of_sound_is_that_of_torch(temperature):
    random = np.random.default_rng(0)
    output, uniform = random.standard_normal((50, 9)), random.random((50, 4))
    given = torch.from_numpy(output)

    expected = torch_oracle.laplace_sample(given, torch.from_numpy(uniform), temperature)

    np.testing.assert_allclose(laplace.sample(output, uniform, temperature), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(laplace.median(output), output[:, :4])
    np.testing.assert_allclose(laplace.stop_probability(output), given[:, 4].sigmoid(), rtol=1e-14)
    np.testing.assert_allclose(laplace.sample(output, np.full((50, 4), 0.5)), laplace.median(output))


@pytest.mark.parametrize("given", [[], [0.5], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0], [float("nan"), 0.5]])
def test_probabilities_that_are_none_are_refused(given):
    with pytest.raises(ArgumentError, match=r"^Quantiles: quantiles must be (at least two that rise|more than 0)"):
        Quantiles(given)


@each
@pytest.mark.parametrize("p", [0.0, 1.0, -1.0, float("nan")])
def test_a_p_out_of_range_is_refused(ours, theirs, p):
    with pytest.raises(ArgumentError, match=r"^quantile: p must be more than 0 and less than 1, got"):
        ours.quantile(np.zeros((1, ours.size)), p)
