"""Forecasts as they are asked for: saved, sampled, backtested, refused, and on the command line."""

import numpy as np
import pytest

import elman
from elman.errors import ArgumentError, ConfigError, DataError
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import forecast
from tests.loads import HOURS, LOAD, SHOPS, TABLE, document, shops, trained, values


@pytest.fixture(scope="module")
def model():
    return trained(TABLE)


def test_a_model_that_was_saved_forecasts_the_same(model, tmp_path):
    model.save(tmp_path / "run")
    again = elman.load(tmp_path / "run")
    assert values(forecast(again, TABLE, paths=3)) == values(forecast(model, TABLE, paths=3))
    assert again.evaluate(TABLE) == model.evaluate(TABLE)
    assert again.predict(TABLE)[0] == model.predict(TABLE)[0]


def test_a_backtest_is_the_evaluation_of_each_step_and_of_all(model):
    rows = backtest(model, TABLE, every=1)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, "all"]
    scores = model.evaluate(TABLE)
    assert rows[-1]["forecasts"] == scores["rows"] == 240 - 12 - 4 + 1
    assert {name: rows[-1][name] for name in ("mse", "coverage")} == {
        name: scores["metrics"][name] for name in ("mse", "coverage")
    }
    assert np.mean([row["mae"] for row in rows[:-1]]) == pytest.approx(rows[-1]["mae"])
    assert backtest(model, TABLE)[-1]["forecasts"] == (240 - 12) // 4


def test_paths_have_the_steps_distributions_and_hang_together_as_the_past_did():
    steps = np.random.default_rng(5).choice([-1.0, 1.0], 60).repeat(4).cumsum()
    model = trained({"hour": HOURS.tolist(), "load": steps.tolist()}, train={"epochs": 1})
    table = {"hour": HOURS.tolist(), "load": steps.tolist()}
    (series,) = forecast(model, table, paths=2000)
    for level, step in [("p10", 0), ("p50", 2), ("p90", 3)]:
        share = (series.paths[:, step] <= series.quantiles[level][step]).mean()
        assert share == pytest.approx(float(level[1:]) / 100, abs=2e-3)
    rises = series.paths - series.paths.mean(0)
    assert np.corrcoef(rises[:, 2], rises[:, 3])[0, 1] > 0.7  # drawn apart they would not be alike
    again, other = forecast(model, table, paths=2000)[0].paths, forecast(model, table, paths=2000, seed=1)[0].paths
    assert (again == series.paths).all()
    assert (other != series.paths).any()


def test_paths_of_a_series_are_the_same_whatever_other_series_are_there():
    model = shops(train={"epochs": 1})
    alone = {name: column[120:] for name, column in SHOPS.items()}
    (one,), (_, other) = forecast(model, alone, paths=3), forecast(model, SHOPS, paths=3)
    assert one.paths.tolist() == other.paths.tolist()


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        ({"data": {"window": 5}, "input": {"hour": {}}}, ConfigError, "data.window must go with data.horizon"),
        ({"data": {"known": ["x"]}, "input": {"hour": {}}}, ConfigError, "data.known must go with data.horizon"),
        ({"data": {"horizon": 4, "split_group": "x"}}, ConfigError, "data.split_group must be left out where"),
        ({"data": {"horizon": 4, "split_time": "hour"}}, ConfigError, "data.split_time must be left out where"),
        ({"data": {"horizon": 4, "stream": True}}, ConfigError, "data.stream must be left out where"),
        ({"data": {"horizon": 4}, "target": {"load": {"kind": "number"}}}, ConfigError, "kind must be forecast where"),
        ({"data": {"horizon": 4}, "target": {}}, ConfigError, "target must name a column, got none"),
        ({"data": {"horizon": 4}, "model": {"topology": "next-step"}}, ConfigError, "model.topology must be one of"),
        (
            {"data": {"horizon": 4}, "input": {"hour": {}}, "target": {"load": {"normalize": "last"}}},
            ConfigError,
            "normalize must be none",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"head": "mse", "quantiles": [0.5]}}},
            ArgumentError,
            "quantiles must be left out",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"quantiles": [0.5, 0.1]}}},
            ArgumentError,
            "at least two that rise",
        ),
        (
            {"data": {"horizon": 4}, "input": {"x": {"kind": "series", "columns": ["load"], "patch": 2}}},
            ConfigError,
            "patch must be 1 where",
        ),
        ({"data": {"horizon": 4}, "target": {"load": {"quantiles": []}}}, ArgumentError, "at least two that rise"),
        (
            {"data": {"horizon": 4}, "target": {"load": {"head": "mse", "calibrate": True}}},
            ArgumentError,
            "calibrate must be left out",
        ),
        (
            {"data": {"horizon": 4, "valid_fraction": 0.0}, "target": {"load": {"calibrate": True}}},
            ConfigError,
            "calibrate must have a validation split",
        ),
        ({"data": {"horizon": 4}, "target": {"load": {"season": 0}}}, ArgumentError, "season must be at least 1"),
        (
            {"data": {}, "target": {"load": {"kind": "forecast"}}, "input": {"hour": {}}},
            ConfigError,
            "kind must go with data.horizon",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"normalize": "seasonal-difference", "season": 16}}},
            ConfigError,
            "less than the window",
        ),
        ({"data": {"horizon": 4, "known": ["x"]}}, DataError, "the table must have the column 'x'"),
        (
            {"data": {"horizon": 4, "known": ["load"]}},
            ConfigError,
            "input.known.columns must name no target, whose values nobody knows before they come, got 'load'",
        ),
        (
            {"data": {"horizon": 4}, "input": {"load": {}, "plan": {"kind": "known", "columns": ["hour", "load"]}}},
            ConfigError,
            "input.plan.columns must name no target",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(sections, error, said):
    given = {**document(), **sections}
    with pytest.raises(error, match=said):
        elman.train(TABLE, **given, quiet=True)


def test_what_cannot_be_forecast_is_refused(model):
    with pytest.raises(ArgumentError, match="horizon must lie between 1 and 4, got 5"):
        forecast(model, TABLE, horizon=5)
    for name, value in {"horizon": 2.5, "paths": 2.5, "seed": 0.5}.items():
        with pytest.raises(ArgumentError, match=f"forecast: {name} must be a whole number, got {value}"):
            forecast(model, TABLE, **{name: value})
    with pytest.raises(ArgumentError, match="every must be a whole number, got True"):
        backtest(model, TABLE, every=True)
    with pytest.raises(ArgumentError, match="must have been trained to forecast"):
        forecast(
            elman.train({"x": ["a", "b"] * 20, "y": [1, 0] * 20}, input="x", target="y", epochs=1, quiet=True), TABLE
        )
    with pytest.raises(ArgumentError, match="paths must lie between 0 and 10000, got 10001"):
        forecast(model, TABLE, paths=10_001)
    point = trained(TABLE, target={"load": {"head": "mae"}}, train={"epochs": 1})
    with pytest.raises(ArgumentError, match="paths must be sampled from a head that predicts a distribution"):
        forecast(point, TABLE, paths=2)
    with pytest.raises(ArgumentError, match="be an answer to one row"):
        model.trace("x")
    with pytest.raises(DataError, match=r"column 'load' must be a number, got 'n/x'"):
        forecast(model, {**TABLE, "load": [*LOAD[:239], "n/x"]})


CHANGES = [
    ("data", {"horizon": 3}),
    ("data", {"window": 6}),
    ("data", {"every": 2}),
    ("data", {"known": ["hour"]}),
    ("target", {"load": {"normalize": "none"}}),
    ("target", {"load": {"normalize": "window"}}),
    ("target", {"load": {"normalize": "seasonal-difference"}}),
    ("target", {"load": {"season": 12}}),
    ("target", {"load": {"quantiles": [0.1, 0.9]}}),
    ("target", {"load": {"head": "mse"}}),
    ("target", {"load": {"head": "mae"}}),
    ("target", {"load": {"head": "gaussian"}}),
    ("target", {"load": {"head": "student-t"}}),
]


@pytest.mark.parametrize(("section", "options"), CHANGES, ids=lambda value: str(value).replace(" ", ""))
def test_an_option_changes_what_is_trained(section, options, model):
    other = trained(TABLE, **{section: options})
    weights = {name: tensor.tolist() for name, tensor in other.network.state_dict().items()}
    same = weights == {name: tensor.tolist() for name, tensor in model.network.state_dict().items()}
    assert not (same and other.metrics["test"] == model.metrics["test"])
