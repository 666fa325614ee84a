"""Losses of distributions: likelihoods are whole, the quantiles that are decoded are learned, extremes stay finite."""

import numpy as np
import pytest
import torch
from scipy import stats

from elman.decoding.distributions import DISTRIBUTIONS, Gaussian, Quantiles
from elman.layers.distributions import QuantileLoss, loss_of

LIKELIHOODS = {name: DISTRIBUTIONS[name]() for name in ("gaussian", "student-t")}
ALL = {**LIKELIHOODS, "quantiles": Quantiles(), "quantiles-two": Quantiles([0.05, 0.7])}
each = pytest.mark.parametrize("distribution", ALL.values(), ids=ALL)
each_likelihood = pytest.mark.parametrize("distribution", LIKELIHOODS.values(), ids=LIKELIHOODS)


def outputs(distribution, rows=6, channels=2, spread=1.0, dtype=torch.float64):
    torch.manual_seed(3)
    return spread * torch.randn(rows, channels * distribution.size, dtype=dtype)


def as_scipy(distribution, output):
    """The same distributions by scipy, whose parameters are (N, C)."""
    location, raw, *rest = np.moveaxis(distribution.parameters(output.numpy()), -1, 0)
    scale = np.logaddexp(0, raw + np.log(np.e - 1)) + 1e-4
    if isinstance(distribution, Gaussian):
        return stats.norm(location, scale)
    return stats.t(2 * 50 ** (1 / (1 + np.exp(-rest[0]))), location, scale)


@each_likelihood
def test_the_loss_is_minus_the_logarithm_of_a_density_that_integrates_to_one(distribution):
    output = outputs(distribution, channels=1)
    # Over x = tan(u), so that the far tails of Student's t are in the sum too.
    angles = torch.linspace(-np.pi / 2, np.pi / 2, 200_003, dtype=torch.float64)[1:-1]
    x = angles.tan()
    density = (-loss_of(distribution)(output.repeat_interleave(len(x), 0), x.repeat(len(output))[:, None])).exp()
    whole = torch.trapezoid(density.view(len(output), -1) * (1 + x**2), angles)

    torch.testing.assert_close(whole, torch.ones_like(whole), rtol=0, atol=1e-6)


@each_likelihood
def test_losses_quantiles_and_means_are_those_of_scipy(distribution):
    output, target = outputs(distribution), torch.linspace(-30, 30, 12, dtype=torch.float64).view(6, 2)
    known, given = as_scipy(distribution, output), output.numpy()

    np.testing.assert_allclose(loss_of(distribution)(output, target), -known.logpdf(target), rtol=1e-10)
    np.testing.assert_allclose(distribution.mean(given), known.mean(), rtol=1e-12)
    for p in (1e-6, 0.01, 0.3, 0.5, 0.9, 0.999999):
        np.testing.assert_allclose(distribution.quantile(given, p), known.ppf(p), rtol=1e-6, atol=1e-9)


@each
def test_losses_of_channels_and_rows_are_taken_one_by_one(distribution):
    output, target = outputs(distribution, rows=4, channels=3), torch.randn(4, 3, dtype=torch.float64)
    loss, size = loss_of(distribution), distribution.size
    whole = loss(output, target)
    for row, channel in [(0, 0), (3, 1), (2, 2)]:
        alone = output[row : row + 1, channel * size : (channel + 1) * size]
        torch.testing.assert_close(loss(alone, target[row, channel].view(1, 1))[0, 0], whole[row, channel])
    assert loss(output[:0], target[:0]).shape == (0, 3)


@each
def test_gradients_are_those_of_finite_differences(distribution):
    output, target = outputs(distribution).requires_grad_(), torch.randn(6, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda o: loss_of(distribution)(o, target), output, atol=1e-6)


@each
@pytest.mark.parametrize("extreme", [-1e4, -200.0, 200.0, 1e4])
def test_losses_and_gradients_stay_finite_where_outputs_are_extreme(distribution, extreme):
    output = torch.full((1, distribution.size), extreme, requires_grad=True)
    loss = loss_of(distribution)(output, torch.zeros(1, 1))
    loss.sum().backward()
    assert loss.isfinite().all()
    assert output.grad.isfinite().all()


def test_the_quantiles_that_are_decoded_are_those_that_the_loss_moves():
    distribution = Quantiles([0.1, 0.5, 0.9])
    output, target = outputs(distribution, channels=1), torch.zeros(6, 1, dtype=torch.float64)
    values = distribution.values(output.numpy())[:, 0]
    pinball = sum(2 * np.maximum(p * -q, (p - 1) * -q) for p, q in zip((0.1, 0.5, 0.9), values.T, strict=True)) / 3

    np.testing.assert_allclose(QuantileLoss(distribution).values(output)[:, 0], values, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(loss_of(distribution)(output, target)[:, 0], pinball, rtol=1e-12)
    for p, q in zip((0.1, 0.5, 0.9), values.T, strict=True):
        np.testing.assert_allclose(distribution.quantile(output.numpy(), p)[:, 0], q, rtol=1e-12, atol=1e-12)


def test_quantiles_learn_those_of_what_they_see():
    torch.manual_seed(0)
    seen = torch.randn(4000, 1).exp()
    distribution, output = Quantiles([0.1, 0.5, 0.9]), torch.zeros(3, requires_grad=True)
    steps, loss = torch.optim.Adam([output], 0.05), loss_of(distribution)
    for _ in range(300):
        steps.zero_grad()
        loss(output.expand(4000, 3), seen).mean().backward()
        steps.step()
    found = distribution.values(output[None].detach().numpy())[0, 0]
    np.testing.assert_allclose(found, seen[:, 0].quantile(torch.tensor([0.1, 0.5, 0.9])), rtol=0.05)
