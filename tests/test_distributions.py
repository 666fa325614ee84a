"""Distributions of numbers: likelihoods are whole, quantiles are inverse to them and rise, extremes stay finite."""

import numpy as np
import pytest
import torch
from scipy import stats

from elman.errors import ArgumentError
from elman.layers.distributions import DISTRIBUTIONS, Gaussian, Quantiles, StudentT, t_quantile

LIKELIHOODS = {name: DISTRIBUTIONS[name]() for name in ("gaussian", "student-t")}
ALL = {**LIKELIHOODS, "quantiles": Quantiles(), "quantiles-two": Quantiles([0.05, 0.7])}
each = pytest.mark.parametrize("distribution", ALL.values(), ids=ALL)
each_likelihood = pytest.mark.parametrize("distribution", LIKELIHOODS.values(), ids=LIKELIHOODS)


def outputs(distribution, rows=6, channels=2, spread=1.0, dtype=torch.float64):
    torch.manual_seed(3)
    return spread * torch.randn(rows, channels * distribution.size, dtype=dtype)


def as_scipy(distribution, output):
    """The same distributions by scipy, whose parameters are (N, C)."""
    told = [part.numpy() for part in distribution.parameters(output).unbind(-1)]
    scale = np.logaddexp(0, told[1] + np.log(np.e - 1)) + 1e-4
    if isinstance(distribution, Gaussian):
        return stats.norm(told[0], scale)
    return stats.t(2 * 50 ** (1 / (1 + np.exp(-told[2]))), told[0], scale)


@each_likelihood
def test_the_loss_is_minus_the_logarithm_of_a_density_that_integrates_to_one(distribution):
    output = outputs(distribution, channels=1)
    # Over x = tan(u), so that the far tails of Student's t are in the sum too.
    angles = torch.linspace(-np.pi / 2, np.pi / 2, 200_003, dtype=torch.float64)[1:-1]
    x = angles.tan()
    density = (-distribution.loss(output.repeat_interleave(len(x), 0), x.repeat(len(output))[:, None])).exp()
    whole = torch.trapezoid(density.view(len(output), -1) * (1 + x**2), angles)

    torch.testing.assert_close(whole, torch.ones_like(whole), rtol=0, atol=1e-6)


@each_likelihood
def test_losses_quantiles_and_means_are_those_of_scipy(distribution):
    output, target = outputs(distribution), torch.linspace(-30, 30, 12, dtype=torch.float64).view(6, 2)
    known = as_scipy(distribution, output)

    np.testing.assert_allclose(distribution.loss(output, target), -known.logpdf(target), rtol=1e-10)
    np.testing.assert_allclose(distribution.mean(output), known.mean(), rtol=1e-12)
    for p in (1e-6, 0.01, 0.3, 0.5, 0.9, 0.999999):
        np.testing.assert_allclose(distribution.quantile(output, p), known.ppf(p), rtol=1e-6, atol=1e-9)


def test_quantiles_of_students_t_are_exact_for_every_freedom_and_far_out():
    p, freedom = np.meshgrid([1e-9, 1e-4, 0.2, 0.4999, 0.5001, 0.75, 1 - 1e-6], [1.0, 2.0, 2.1, 3.7, 30.0, 100.0])
    found = t_quantile(torch.tensor(p), torch.tensor(freedom))
    np.testing.assert_allclose(found, stats.t.ppf(p, freedom), rtol=1e-7, atol=1e-7)


@each
@pytest.mark.parametrize("spread", [0.1, 1, 30, 1e4])
def test_quantiles_never_cross(distribution, spread):
    output = outputs(distribution, rows=200, spread=spread, dtype=torch.float32)
    levels = (0.001, 0.1, 0.13, 0.2, 0.5, 0.7, 0.9, 0.95, 0.999)
    values = torch.stack([distribution.quantile(output, p) for p in levels])
    assert (values.diff(dim=0) >= 0).all()
    assert (values[-1] > values[0]).all() or spread > 30 or isinstance(distribution, Quantiles)


@each
def test_draws_are_quantiles_at_chances_and_have_the_mean(distribution):
    output = outputs(distribution, rows=3, channels=2)
    grid = (torch.arange(40_000, dtype=torch.float64) + 0.5) / 40_000
    drawn = distribution.draw(output.repeat(40_000, 1), grid.repeat_interleave(3)[:, None].expand(-1, 2))
    drawn = drawn.view(40_000, 3, 2)

    torch.testing.assert_close(drawn[400], distribution.quantile(output, float(grid[400])), rtol=0, atol=1e-14)
    torch.testing.assert_close(drawn.mean(0), distribution.mean(output), rtol=0, atol=0.02)
    assert not distribution.quantile(output.requires_grad_(), 0.3).requires_grad


@each
def test_deviations_say_how_far_out_in_the_spread_that_was_told(distribution):
    output = outputs(distribution, channels=1)
    for z in (-4.0, -0.3, 0.0, 1.0, 5.0):
        found = distribution.deviations(output, distribution.quantile(output, stats.norm.cdf(z)))
        if isinstance(distribution, StudentT):  # in scales: further out in the heavier tail
            assert ((found * np.sign(z) >= abs(z) - 1e-6) | (z == 0)).all()
        else:
            np.testing.assert_allclose(found, np.full((6, 1), z), atol=1e-6)


@each
def test_zeros_are_nearly_the_standard_gaussian(distribution):
    zeros = torch.zeros(1, distribution.size)
    for p in (0.05, 0.3, 0.5, 0.9):
        assert float(distribution.quantile(zeros, p)) == pytest.approx(stats.norm.ppf(p), abs=0.15)
    assert float(distribution.mean(zeros)) == pytest.approx(0, abs=1e-6)


@each
def test_channels_and_rows_are_told_one_by_one(distribution):
    output, target = outputs(distribution, rows=4, channels=3), torch.randn(4, 3, dtype=torch.float64)
    whole = distribution.loss(output, target)
    size = distribution.size
    for row, channel in [(0, 0), (3, 1), (2, 2)]:
        alone = output[row : row + 1, channel * size : (channel + 1) * size]
        torch.testing.assert_close(distribution.loss(alone, target[row, channel].view(1, 1))[0, 0], whole[row, channel])
        assert distribution.quantile(alone, 0.2)[0, 0] == distribution.quantile(output, 0.2)[row, channel]
    assert distribution.loss(output[:0], target[:0]).shape == distribution.quantile(output[:0], 0.5).shape == (0, 3)


@each
def test_gradients_are_those_of_finite_differences(distribution):
    output, target = outputs(distribution).requires_grad_(), torch.randn(6, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda o: distribution.loss(o, target), output, atol=1e-6)
    assert torch.autograd.gradcheck(distribution.mean, output, atol=1e-6)


@each
@pytest.mark.parametrize("extreme", [-1e4, -200.0, 200.0, 1e4])
def test_losses_and_gradients_stay_finite_where_outputs_are_extreme(distribution, extreme):
    output = torch.full((1, distribution.size), extreme, requires_grad=True)
    loss = distribution.loss(output, torch.zeros(1, 1))
    loss.sum().backward()
    assert loss.isfinite().all()
    assert output.grad.isfinite().all()
    assert distribution.quantile(output, 0.9).isfinite().all()


def test_quantiles_at_their_levels_are_those_that_the_loss_moves():
    distribution = Quantiles([0.1, 0.5, 0.9])
    output, target = outputs(distribution, channels=1), torch.zeros(6, 1, dtype=torch.float64)
    values = distribution.values(output)[:, 0]
    pinball = sum(2 * torch.maximum(p * -q, (p - 1) * -q) for p, q in zip((0.1, 0.5, 0.9), values.T, strict=True)) / 3

    torch.testing.assert_close(distribution.loss(output, target)[:, 0], pinball)
    for p, q in zip((0.1, 0.5, 0.9), values.T, strict=True):
        torch.testing.assert_close(distribution.quantile(output, p)[:, 0], q, rtol=1e-12, atol=1e-12)


def test_quantiles_learn_those_of_what_they_see():
    torch.manual_seed(0)
    seen = torch.randn(4000, 1).exp()
    distribution, output = Quantiles([0.1, 0.5, 0.9]), torch.zeros(3, requires_grad=True)
    steps = torch.optim.Adam([output], 0.05)
    for _ in range(300):
        steps.zero_grad()
        distribution.loss(output.expand(4000, 3), seen).mean().backward()
        steps.step()
    found = distribution.values(output[None])[0, 0]
    torch.testing.assert_close(found, seen[:, 0].quantile(torch.tensor([0.1, 0.5, 0.9])), rtol=0.05, atol=0)


@pytest.mark.parametrize("levels", [[], [0.5], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0], [float("nan"), 0.5]])
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(ArgumentError, match=r"^Quantiles: levels must be (at least two that rise|more than 0)"):
        Quantiles(levels)


@pytest.mark.parametrize("p", [0.0, 1.0, -1.0, float("nan")])
def test_a_chance_that_is_none_is_refused(p):
    with pytest.raises(ArgumentError, match=r"^quantile: p must be more than 0 and less than 1, got"):
        StudentT().quantile(torch.zeros(1, 3), p)
