"""A network that predicts the next step forecasts: it reads a history and continues by its own samples."""

import numpy as np
import pytest
import torch

import elman
from elman.errors import ArgumentError, DataError
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import forecast
from elman.inference.rollout import sample_paths
from elman.layers.arrays import as_array
from elman.topologies import Encoded
from tests.waves import DOCUMENT, trained, waves

STEPS = 30


@pytest.fixture(scope="module")
def model() -> elman.Model:
    return trained()


def history(**columns: object) -> dict:
    return {**waves(steps=120, seed=7), **columns}


def rows_of(table: dict, wanted) -> dict:
    rows = [row for row in range(len(table["hour"])) if wanted(table["machine"][row], table["hour"][row])]
    return {name: [column[row] for row in rows] for name, column in table.items()}


def told(forecasts) -> list:
    return [(one.series, one.column, one.forecast, one.quantiles, one.paths.tolist()) for one in forecasts]


def test_a_wave_continues_within_the_quantiles(model):
    forecasts = forecast(model, history(), horizon=STEPS)
    later = waves(steps=120 + STEPS, seed=7)
    assert [(one.series, one.column) for one in forecasts] == [
        (machine, column) for machine in ("m1", "m2") for column in ("load", "heat")
    ]
    inside = []
    for one in forecasts:
        came = np.array(rows_of(later, lambda machine, hour, of=one.series: machine == of and hour >= 120)[one.column])
        wave = 10 if one.column == "load" else 1
        assert np.abs(np.array(one.forecast) - came).max() < 0.6 * wave
        inside.append((one.quantiles["p10"] <= came) & (came <= one.quantiles["p90"]))
        assert list(one.quantiles) == [f"p{level}" for level in range(10, 100, 10)]
        assert one.times == list(range(120, 120 + STEPS))
    assert np.mean(inside) > 0.6


def test_each_sample_is_of_what_the_network_predicts_after_the_samples_before_it(model):
    readings = np.stack([history()["load"][:50], history()["heat"][:50]], 1)
    uniform = np.random.default_rng(0).uniform(0.01, 0.99, (6, 4, 2))
    paths = sample_paths(model.network, readings, uniform)
    field, network = model.target, model.network
    for row, path in enumerate(paths):
        whole = torch.from_numpy(field.encode(np.concatenate([readings, path])))[None]
        steps = network.topology.teacher_forced(Encoded(), network.feed(whole[:, :-1]), None).steps[0, 49:]
        sampled = field.distribution.quantile(as_array(network.heads[0](steps)), uniform[:, row])
        np.testing.assert_allclose(field.unscaled(sampled), path, rtol=1e-4)


def test_a_seed_and_a_name_decide_what_is_sampled_whoever_else_is_there(model):
    table, alone = history(), rows_of(history(), lambda machine, _: machine == "m2")
    both = told(forecast(model, table, horizon=5, paths=3))
    assert both == told(forecast(model, table, horizon=5, paths=3))
    assert both[2:] == told(forecast(model, alone, horizon=5, paths=3))
    other = told(forecast(model, table, horizon=5, paths=3, seed=1))
    assert all(one[4] != again[4] for one, again in zip(both, other, strict=True))
    longer = told(forecast(model, table, horizon=9, paths=3))
    assert [row[:5] for row in longer[0][4]] == both[0][4]
    assert forecast(model, table, horizon=5)[0].quantiles == both[0][3]
    assert forecast(model, table, horizon=5, paths=300)[0].paths.shape == (300, 5)


def test_quantiles_are_those_of_the_paths(model):
    one = forecast(model, history(), horizon=3, paths=200)[1]
    np.testing.assert_allclose(one.forecast, one.paths.mean(0))
    np.testing.assert_allclose(one.quantiles["p30"], np.quantile(one.paths, 0.3, axis=0))
    assert one.paths.std(0).min() > 0


def test_a_history_ends_with_its_last_reading(model):
    table = rows_of(history(), lambda machine, _: machine == "m1")
    later = {name: [*column, *end] for (name, column), end in zip(
        table.items(), [["m1"] * 2, [200, 300], [None] * 2, [None] * 2], strict=True
    )}  # fmt: skip
    one, open_end = forecast(model, table, horizon=3), forecast(model, later, horizon=3)
    assert [row[2:] for row in told(one)] == [row[2:] for row in told(open_end)]
    assert open_end[0].times == [200, 300, 301]
    assert len(one[0].history) == len(open_end[0].history) == 120


@pytest.mark.parametrize("distribution", ["student-t", "quantiles"])
@pytest.mark.parametrize("missing", ["forward", "mean"])
def test_every_distribution_continues_and_gaps_are_filled(distribution, missing, tmp_path):
    series = {"kind": "series", "columns": ["load", "heat"], "distribution": distribution, "missing": missing}
    given = {**DOCUMENT, "input": {"series": series}, "train": {"epochs": 1}}
    written = elman.train(waves(steps=100), **given, quiet=True, out=tmp_path / "run")
    table = history(load=[*history()["load"][:-1], None])
    forecasts = forecast(written, table, horizon=4, paths=2)
    assert all(np.isfinite(one.forecast).all() and np.isfinite(one.paths).all() for one in forecasts)
    assert told(forecasts) == told(forecast(elman.load(tmp_path / "run"), table, horizon=4, paths=2))


def test_what_cannot_continue_is_refused(model):
    with pytest.raises(ArgumentError, match="horizon must be given for a model that predicts the next step"):
        forecast(model, history())
    with pytest.raises(ArgumentError, match="horizon must be at least 1, got 0"):
        forecast(model, history(), horizon=0)
    with pytest.raises(ArgumentError, match="backtest: the model must have been trained to forecast"):
        backtest(model, history())
    with pytest.raises(DataError, match="column 'load' must be a number, got 'n/x'"):
        forecast(model, history(load=["n/x"] * 240), horizon=2)
    empty = history(load=[None] * 120 + [1.0] * 120, heat=[None] * 120 + [1.0] * 120)
    with pytest.raises(DataError, match=r"row 1: column 'series' must have at least one step"):
        forecast(model, empty, horizon=2)
    assert {one.series for one in forecast(model, empty, horizon=2, bad_rows="skip")} == {"m2"}
    assert "row 1" in model.skipped
    cells = elman.train({"s": [[1.0, 2.0, 3.0]] * 20}, input="s", hidden=2, epochs=1, quiet=True)
    with pytest.raises(ArgumentError, match="the model must read a series whose rows are steps"):
        forecast(cells, {"s": [[1.0]]}, horizon=2)
