"""What a forecast predicts: from each series' own past, with quantiles that hold, on a scale that can be compared."""

import numpy as np
import pytest
import torch

import elman
from elman.config.configuration import check_document
from elman.data import from_memory
from elman.data.layouts import Tables
from elman.encoders import TensorColumn
from elman.errors import DataError
from elman.fields import Forecast
from elman.fields.forecast import GRID, ScaledForecast
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import forecast
from elman.heads import HEADS
from elman.inference import evaluate
from elman.layers.distributions import loss_of
from elman.layers.normalize import normalization_of
from elman.metrics import METRICS
from elman.training.prepare import prepare
from tests.loads import HOURS, LOAD, SHOPS, TABLE, document, shops, trained, values


def test_each_series_is_forecast_from_its_own_past():
    model = shops()
    small, large = forecast(model, SHOPS)
    assert (small.series, large.series) == ("a", "b")
    assert max(small.forecast) < 20
    assert min(large.forecast) > 490
    np.testing.assert_allclose(np.array(small.forecast) + 500, large.forecast, atol=0.02)  # the same shape


@pytest.mark.parametrize("normalize", ["last", "window", "seasonal-difference"])
def test_a_higher_history_has_a_forecast_as_much_higher(normalize):
    model = trained(TABLE, target={"load": {"normalize": normalize}})
    moved = {**TABLE, "load": (LOAD + 1000).tolist()}
    np.testing.assert_allclose(
        np.array(forecast(model, TABLE)[0].forecast) + 1000, forecast(model, moved)[0].forecast, rtol=1e-4
    )


@pytest.mark.parametrize("kind", ["last", "window", "seasonal-difference"])
def test_a_normalization_is_that_of_the_real_steps(kind):
    past = torch.tensor([[1.0, 2.0, 6.0, 0.0], [4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    lengths = torch.tensor([3, 1, 0])
    poisoned = past.clone()
    poisoned[0, 3:], poisoned[1, 1:], poisoned[2] = torch.nan, torch.inf, torch.nan
    found = normalization_of(kind, poisoned, lengths)
    assert torch.equal(found, normalization_of(kind, past, lengths))
    assert torch.equal(found[2], torch.tensor([0.0, 1.0]))
    alone = normalization_of(kind, torch.tensor([[1.0, 2.0, 6.0]]))
    assert torch.equal(found[:1], alone)
    wanted = {
        "last": [6, 1],
        "window": [3, np.sqrt(14 / 3 + 1e-5)],
        "seasonal-difference": [6, np.sqrt((1 + 16) / 2 + 1e-5)],
    }[kind]
    np.testing.assert_allclose(alone[0], wanted, rtol=1e-6)


PERIODIC = {**TABLE, "load": (HOURS % 4).astype(float).tolist()}


@pytest.mark.parametrize("normalize", ["none", "last", "window"])
def test_a_season_that_always_repeats_leaves_mase_undefined(normalize, tmp_path):
    model = trained(PERIODIC, target={"load": {"normalize": normalize, "season": 4}}, train={"epochs": 30, "lr": 0.02})
    assert model.metrics["test"]["mase"] is None
    assert model.metrics["test"]["mae"] < 0.5
    assert model.evaluate(PERIODIC)["metrics"]["mase"] is None
    assert {row["mase"] for row in backtest(model, PERIODIC)} == {None}
    model.save(tmp_path / "run")
    assert values(forecast(elman.load(tmp_path / "run"), PERIODIC)) == values(forecast(model, PERIODIC))


def test_a_column_that_cannot_be_learned_from_is_refused_with_what_it_lacks():
    def fitted(column, season=1, horizon=2, normalize="last"):
        field = Forecast("load", horizon, season=season, normalize=normalize)
        field.fit([np.asarray(column, float)])

    with pytest.raises(DataError, match=r"the season must be less than .* in the training split, 20, got 24"):
        fitted(LOAD[:20], season=24)
    with pytest.raises(DataError, match=r"the horizon must be less than .* in the training split, 20, got 20"):
        fitted(LOAD[:20], horizon=20)
    with pytest.raises(DataError, match="a forecast must vary in the training split, got one value only"):
        fitted([3.7] * 9)
    with pytest.raises(
        DataError, match=r"the season must be one after which .* differ where normalize is seasonal-difference, got 4"
    ):
        fitted(HOURS % 4, season=4, normalize="seasonal-difference")


@pytest.mark.parametrize("season", [3, 4, 5, 9])
def test_a_past_without_two_values_a_season_apart_has_the_scale_1(season):
    found = normalization_of("seasonal-difference", torch.tensor([[1.0, 2.0, 6.0]]), season=season)
    assert torch.equal(found, torch.tensor([[6.0, 1.0]]))


def test_a_restless_past_is_forecast_within_intervals_as_much_wider():
    model = trained(TABLE, target={"load": {"normalize": "seasonal-difference"}})
    (calm,), (wild,) = forecast(model, TABLE), forecast(model, {**TABLE, "load": ((LOAD - LOAD[-1]) * 10).tolist()})
    widths = [np.array(one.quantiles["p90"]) - one.quantiles["p10"] for one in (calm, wild)]
    np.testing.assert_allclose(widths[1], 10 * widths[0], rtol=1e-2)


@pytest.mark.parametrize("head", ["quantiles", "gaussian"])
def test_calibrated_quantiles_hold_on_the_validation_split(head, tmp_path):
    options = {"load": {"head": head, "calibrate": True}}
    given = {**document(target=options), "data": {**document()["data"], "valid_fraction": 0.4}}
    model = elman.train(TABLE, **given, quiet=True)
    parts = prepare(check_document(given), Tables(from_memory(TABLE)), str).splits
    field, judged = model.fields.targets["load"], evaluate(model.network, parts.valid)["load"]
    true = np.stack(field.compared(judged.truth))[..., None]
    plain = elman.train(TABLE, **{**given, "target": {"load": {"head": head}}}, quiet=True)
    apart = []
    for predictions in (judged.predictions, evaluate(plain.network, parts.valid)["load"].predictions):
        predicted = np.stack([row.quantiles for row in field.compared(predictions)])
        apart.append(np.abs((true <= predicted).mean((0, 1)) - field.quantiles).max())
    assert apart[0] < 0.012 < 0.03 < apart[1]
    model.save(tmp_path / "run")
    assert forecast(elman.load(tmp_path / "run"), TABLE)[0].quantiles == forecast(model, TABLE)[0].quantiles


def test_a_linear_map_of_lags_is_the_published_one():
    given = {"past": {"kind": "lags", "columns": ["load"]}}
    model = elman.train(
        TABLE, **{**document(target={"load": {"head": "mse"}}), "input": given, "model": {}}, quiet=True
    )
    assert model.config.model["topology"] == "one-to-one"
    linear, field = model.network.heads[0].linear, model.fields.targets["load"]
    z = (LOAD[-12:] - LOAD[:192].mean()) / LOAD[:192].std()
    u = linear.weight.detach().double().numpy() @ (z - z[-1]) + linear.bias.detach().double().numpy()
    expected = (u * field.spread + z[-1]) * LOAD[:192].std() + LOAD[:192].mean()
    np.testing.assert_allclose(forecast(model, TABLE)[0].forecast, expected, rtol=1e-5)


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("head", ["quantiles", "gaussian", "student-t"])
def test_quantiles_never_cross(head, calibrate):
    quantiles = [0.05, 0.3, 0.31, 0.5, 0.99]
    field = Forecast("x", 3, head=head, normalize="window", quantiles=quantiles, calibrate=calibrate)
    field.fit([LOAD])
    random = np.random.default_rng(0)
    if calibrate:  # fractions that hold at many probabilities alike, and jump
        field.take_calibration(np.sort(random.choice([0, 10, 20, 90, 100], len(GRID))), 100)
    output = 30 * random.standard_normal((200, 3 * field.distribution.size))
    for row in field.decode(np.concatenate([output, np.tile([[5.0, 0.01]], (200, 1))], 1)):
        quantiles = np.array(list(row["quantiles"].values()))
        assert (np.diff(quantiles, axis=0) >= 0).all()
        assert list(row["quantiles"]) == ["p5", "p30", "p31", "p50", "p99"]


@pytest.mark.parametrize("head", ["gaussian", "student-t"])
def test_a_likelihood_is_a_density_on_the_scale_of_the_training_split(head):
    field = Forecast("x", 1, head=head, normalize="window")
    field.fit([LOAD])
    z = torch.linspace(-400, 400, 400_001)[:, None]
    output = torch.cat([torch.tensor([[0.3, -0.5, 9.0]])[:, : field.distribution.size], torch.tensor([[5.0, 2.5]])], 1)
    density = (-HEADS["forecast"](field, 5).loss(output.expand(len(z), -1), z)).exp()
    assert torch.trapezoid(density, z[:, 0]).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("head", ["mse", "mae", "quantiles", "gaussian", "student-t"])
def test_the_loss_of_a_point_is_its_error_on_the_scale_of_the_training_split(head):
    field = Forecast("x", 2, head=head, normalize="window")
    field.fit([LOAD])
    network_head, shift, scale = HEADS["forecast"](field, 5), 1.5, 0.25
    output = torch.zeros(1, 2 * (1 if field.distribution is None else field.distribution.size))
    row = torch.cat([output, torch.tensor([[shift, scale]])], 1)
    target = torch.tensor([[2.0, torch.nan]])  # what is not known is scored nowhere
    apart = (torch.tensor([[2.0, 0.0]]) - shift) / scale
    points = {
        "mse": lambda output, target: (output - target) ** 2,
        "mae": lambda output, target: (output - target).abs(),
    }
    own = (points.get(head) or loss_of(field.distribution))(output, apart)[0, 0].item()
    expected = {"mse": own * scale**2, "mae": own * scale, "quantiles": own * scale}.get(head, own + np.log(scale))
    assert network_head.loss(row, target).item() == pytest.approx(expected, rel=1e-5)
    assert network_head.counted(TensorColumn(target, None)).tolist() == [1]


def test_metrics_are_on_the_scale_of_the_training_split():
    field = Forecast("x", 2, season=2)
    field.fit([np.array([0.0, 0.0, 4.0, 4.0, 0.0, 0.0])])
    naive, spread = 4 / np.std([0, 0, 4, 4, 0, 0]), np.std([0, 0, 4, 4, 0, 0])
    answers = [{"forecast": [1.0, 2.0], "quantiles": {"p10": [0.0, 0.0], "p90": [3.0, 3.0]}}] * 2
    predicted, true = field.compared(answers), field.compared([[3.0, float("nan")], [5.0, 2.0]])
    score = {name: METRICS[name].score(predicted, true) for name in ("mse", "mae", "mase", "coverage")}
    assert score["mse"] == pytest.approx((4 + 16 + 0) / 3 / spread**2)
    assert score["mae"] == pytest.approx((2 + 4 + 0) / 3 / spread)
    assert score["mase"] == pytest.approx((2 + 4 + 0) / 3 / spread / naive)
    assert score["coverage"] == pytest.approx(2 / 3)
    assert isinstance(predicted[0], ScaledForecast)
