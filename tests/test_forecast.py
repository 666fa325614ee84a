"""Forecasts: cut in order of time, never from the future, from each series' own level, with quantiles that mean it."""

import json

import numpy as np
import pytest
import torch
from test_cli import call

import elman
from elman.config import check_document
from elman.data import BadRows, Table, from_memory, timelines
from elman.errors import ArgumentError, ConfigError, DataError
from elman.fields import Forecast
from elman.fields.forecast import Told
from elman.forecasting import backtest, forecast
from elman.layers.level import level_of
from elman.parts import Tables, make_parts
from elman.training import METRICS, judge
from elman.types import Column
from elman.windows import all_windows

HOURS = np.arange(240)
LOAD = 10 + np.sin(HOURS * 2 * np.pi / 12) + np.random.default_rng(0).normal(0, 0.1, 240)
TABLE = {"hour": HOURS.tolist(), "load": LOAD.tolist()}
SHOPS = {
    "shop": ["a"] * 120 + ["b"] * 120,
    "day": [*range(120), *range(120)],
    "sales": [*(LOAD[:120]), *(LOAD[:120] + 500)],
}


def document(**sections):
    base = {
        "data": {"horizon": 4, "window": 12, "time": "hour"},
        "input": {"load": {}},
        "target": {"load": {}},
        "model": {"hidden": 4, "cell": "gru"},
        "train": {"epochs": 2},
    }
    return {name: {**base.get(name, {}), **sections.get(name, {})} for name in base}


def parts_of(table, tables=None, **sections):
    notes = []
    config = check_document(document(**sections))
    fields, parts = make_parts(config, tables or Tables(from_memory(table)), 0, BadRows(), notes.append)
    return fields, parts, notes


def trained(table, **sections):
    given = document(**sections)
    return elman.train(table, **given, quiet=True)


@pytest.fixture(scope="module")
def model():
    return trained(TABLE)


def values(outlooks):
    return [outlook.forecast for outlook in outlooks]


def test_no_forecast_sees_the_future(model):
    cut = 150
    other = {**TABLE, "load": [*LOAD[:cut], *np.random.default_rng(1).normal(99, 50, 240 - cut)]}
    examples = {}
    for name, table in {"one": TABLE, "other": other}.items():
        windows, _ = all_windows(model.config, model.fields, from_memory(table), BadRows())
        examples[name] = judge(model.network, windows)["load"].predictions
        origins = windows.origins
    before = origins <= cut
    assert before.sum() == cut - 12 + 1
    assert [row for row, is_so in zip(examples["one"], before, strict=True) if is_so] == [
        row for row, is_so in zip(examples["other"], before, strict=True) if is_so
    ]
    assert examples["one"][-1] != examples["other"][-1]


def test_what_is_learned_comes_from_the_training_rows_alone():
    later = {**TABLE, "load": [*LOAD[:192], *(LOAD[192:] * 50 - 7)]}  # validation and test
    (one, parts, _), (other, changed, _) = parts_of(TABLE), parts_of(later)
    assert one.learned() == other.learned()
    assert parts.train.digest() != changed.train.digest()  # one array holds all parts
    rows = np.arange(len(parts.train))
    for left, right in zip(parts.train.batch(rows).columns, changed.train.batch(rows).columns, strict=True):
        assert torch.equal(left.values, right.values)


def test_a_window_belongs_to_the_part_that_holds_all_it_forecasts():
    _, parts, _ = parts_of(TABLE)
    begins = [(12, 192), (192, 216), (216, 240)]
    for part, (begin, end) in zip(parts[:3], begins, strict=True):
        assert part.origins.tolist() == list(range(begin, end - 4 + 1))
    assert parts.valid.place(0) == "the table: row 193"


def test_the_past_of_a_given_part_is_the_end_of_the_part_before():
    names = [("train", 0, 100), ("valid", 100, 130), ("test", 130, 160)]
    given = Tables(*(Table({key: column[a:b] for key, column in TABLE.items()}, name) for name, a, b in names))
    fields, parts, _ = parts_of(None, given)
    column = parts.valid.batch(np.array([0])).inputs["series"].values[0, :, 0]
    np.testing.assert_array_equal(column, fields.inputs["series"].encode(LOAD[88:100, None])[:, 0])
    assert [len(part) for part in parts[:3]] == [85, 27, 27]
    assert parts.test.place(0) == "test: row 1"
    with pytest.raises(DataError, match=r"train: row 1: the time must be later than the part before, which ends with"):
        parts_of(None, Tables(given.valid, given.train, given.test))


def test_windows_of_one_series_share_its_memory_and_are_its_steps():
    fields, parts, _ = parts_of(TABLE, data={"every": 3})
    train = parts.train
    assert np.shares_memory(train.past["series"], parts.test.past["series"])
    assert train.origins.tolist() == list(range(14, 189, 3))  # the newest is among them
    batch = train.batch(np.array([5, 0]))
    for row, origin in enumerate(train.origins[[5, 0]]):
        np.testing.assert_array_equal(
            batch.inputs["series"].values[row, :, 0],
            fields.inputs["series"].encode(LOAD[origin - 12 : origin, None])[:, 0],
        )
        np.testing.assert_array_equal(
            batch.targets["load"].values[row], fields.targets["load"].encode(LOAD[origin : origin + 4])
        )


def test_rows_are_put_in_order_of_time_and_gaps_are_passed_over(model):
    kept = [row for row in range(240) if row not in (40, 41, 200)]
    mixed = np.random.default_rng(2).permutation(kept).tolist()
    ordered, shuffled = (
        {key: [column[row] for row in rows] for key, column in TABLE.items()} for rows in (kept, mixed)
    )
    assert values(forecast(model, ordered)) == values(forecast(model, shuffled))


def test_a_time_that_comes_twice_is_one_clear_error(model):
    twice = {"hour": [*range(100), 7], "load": LOAD[:101].tolist()}
    said = r"the table: row 101: column 'hour' must hold each time once, got 7 again; name the column that tells series"
    with pytest.raises(DataError, match=said):
        forecast(model, twice)
    assert len(forecast(model, twice, bad_rows="skip")) == 1
    with pytest.raises(DataError, match=r"must hold each time once in the series 'b', got 3 again"):
        timelines(
            Table({**SHOPS, "day": [*range(120), 3, *range(1, 120)]}, "t"), ["sales"], {}, "shop", "day", BadRows()
        )


def shops(**sections):
    data = {"horizon": 4, "window": 12, "time": "day", "id": "shop"}
    fields = {"input": {"sales": {}}, "target": {"sales": {}}, "train": {"epochs": 3}}
    return elman.train(SHOPS, **{**document(), **fields, "data": data, **sections}, quiet=True)


def test_each_series_is_forecast_from_its_own_level():
    model = shops()
    small, large = forecast(model, SHOPS)
    assert (small.series, large.series) == ("a", "b")
    assert max(small.forecast) < 20
    assert min(large.forecast) > 490
    np.testing.assert_allclose(np.array(small.forecast) + 500, large.forecast, atol=0.02)  # the same shape


@pytest.mark.parametrize("level", ["last", "window", "swing"])
def test_a_higher_history_has_a_forecast_as_much_higher(level):
    model = trained(TABLE, target={"load": {"level": level}})
    moved = {**TABLE, "load": (LOAD + 1000).tolist()}
    np.testing.assert_allclose(
        np.array(forecast(model, TABLE)[0].forecast) + 1000, forecast(model, moved)[0].forecast, rtol=1e-4
    )


@pytest.mark.parametrize("kind", ["last", "window", "swing"])
def test_a_level_is_that_of_the_real_steps(kind):
    past = torch.tensor([[1.0, 2.0, 6.0, 0.0], [4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    lengths = torch.tensor([3, 1, 0])
    poisoned = past.clone()
    poisoned[0, 3:], poisoned[1, 1:], poisoned[2] = torch.nan, torch.inf, torch.nan
    level = level_of(kind, poisoned, lengths)
    assert torch.equal(level, level_of(kind, past, lengths))
    assert torch.equal(level[2], torch.tensor([0.0, 1.0]))
    alone = level_of(kind, torch.tensor([[1.0, 2.0, 6.0]]))
    assert torch.equal(level[:1], alone)
    wanted = {"last": [6, 1], "window": [3, np.sqrt(14 / 3 + 1e-5)], "swing": [6, np.sqrt((1 + 16) / 2 + 1e-5)]}[kind]
    np.testing.assert_allclose(alone[0], wanted, rtol=1e-6)


def test_a_restless_past_is_forecast_within_ranges_as_much_wider():
    model = trained(TABLE, target={"load": {"level": "swing"}})
    (calm,), (wild,) = forecast(model, TABLE), forecast(model, {**TABLE, "load": ((LOAD - LOAD[-1]) * 10).tolist()})
    widths = [np.array(told.quantiles["p90"]) - told.quantiles["p10"] for told in (calm, wild)]
    np.testing.assert_allclose(widths[1], 10 * widths[0], rtol=1e-2)


@pytest.mark.parametrize("head", ["quantiles", "gaussian"])
def test_calibrated_quantiles_hold_on_the_validation_split(head, tmp_path):
    options = {"load": {"head": head, "calibrate": True}}
    given = {**document(target=options), "data": {**document()["data"], "valid_fraction": 0.4}}
    model = elman.train(TABLE, **given, quiet=True)
    _, parts = make_parts(check_document(given), Tables(from_memory(TABLE)), 0, BadRows(), str)
    field, judged = model.fields.targets["load"], judge(model.network, parts.valid)["load"]
    true = np.stack(field.compared(judged.truth))[..., None]
    plain = elman.train(TABLE, **{**given, "target": {"load": {"head": head}}}, quiet=True)
    apart = []
    for predictions in (judged.predictions, judge(plain.network, parts.valid)["load"].predictions):
        told = np.stack([row.quantiles for row in field.compared(predictions)])
        apart.append(np.abs((true <= told).mean((0, 1)) - field.levels).max())
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


@pytest.mark.parametrize("head", ["quantiles", "gaussian", "student-t"])
def test_quantiles_never_cross(head):
    field = Forecast("x", head=head, level="window", levels=[0.05, 0.3, 0.31, 0.5, 0.99])
    field.horizon = 3
    field.fit([LOAD])
    output = 30 * torch.randn(200, 3 * field.told.size, generator=torch.Generator().manual_seed(0))
    level = torch.tensor([[5.0, 0.01]]).expand(200, 2)
    for row in field.decode(torch.cat([output, level], 1)):
        told = np.array(list(row["quantiles"].values()))
        assert (np.diff(told, axis=0) >= 0).all()
        assert list(row["quantiles"]) == ["p5", "p30", "p31", "p50", "p99"]


@pytest.mark.parametrize("head", ["gaussian", "student-t"])
def test_a_likelihood_is_a_density_on_the_scale_of_the_training_split(head):
    field = Forecast("x", head=head, level="window")
    field.horizon = 1
    field.fit([LOAD])
    z = torch.linspace(-400, 400, 400_001)[:, None]
    output = torch.cat([torch.tensor([[0.3, -0.5, 9.0]])[:, : field.told.size], torch.tensor([[5.0, 2.5]])], 1)
    density = (-field.loss(output.expand(len(z), -1), z)).exp()
    assert torch.trapezoid(density, z[:, 0]).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("head", ["mse", "mae", "quantiles", "gaussian", "student-t"])
def test_the_loss_of_a_point_is_its_error_on_the_scale_of_the_training_split(head):
    field = Forecast("x", head=head, level="window")
    field.horizon = 2
    field.fit([LOAD])
    shift, scale = 1.5, 0.25
    output = torch.zeros(1, 2 * field.told.size)
    row = torch.cat([output, torch.tensor([[shift, scale]])], 1)
    target = torch.tensor([[2.0, torch.nan]])  # what is not known is scored nowhere
    apart = (torch.tensor([[2.0, 0.0]]) - shift) / scale
    own = field.told.loss(output, apart)[0, 0].item()
    expected = {"mse": own * scale**2, "mae": own * scale, "quantiles": own * scale}.get(head, own + np.log(scale))
    assert field.loss(row, target).item() == pytest.approx(expected, rel=1e-5)
    assert field.counted(Column(target, None)).tolist() == [1]


def test_metrics_are_on_the_scale_of_the_training_split():
    field = Forecast("x", season=2)
    field.horizon = 2
    field.fit([np.array([0.0, 0.0, 4.0, 4.0, 0.0, 0.0])])
    naive, deviation = 4 / np.std([0, 0, 4, 4, 0, 0]), np.std([0, 0, 4, 4, 0, 0])
    said = [{"forecast": [1.0, 2.0], "quantiles": {"p10": [0.0, 0.0], "p90": [3.0, 3.0]}}] * 2
    told, true = field.compared(said), field.compared([[3.0, float("nan")], [5.0, 2.0]])
    score = {name: METRICS[name].score(told, true) for name in ("mse", "mae", "mase", "coverage")}
    assert score["mse"] == pytest.approx((4 + 16 + 0) / 3 / deviation**2)
    assert score["mae"] == pytest.approx((2 + 4 + 0) / 3 / deviation)
    assert score["mase"] == pytest.approx((2 + 4 + 0) / 3 / deviation / naive)
    assert score["coverage"] == pytest.approx(2 / 3)
    assert isinstance(told[0], Told)


def test_a_series_too_short_to_learn_from_is_named_and_none_is_an_error():
    short = {
        key: [*column, *extra]
        for (key, column), extra in zip(SHOPS.items(), (["c"] * 9, range(9), range(9)), strict=True)
    }
    data = {"horizon": 4, "window": 12, "time": "day", "id": "shop"}
    sides = {"input": {"sales": {}}, "target": {"sales": {}}}
    config = check_document({**document(), "data": data, **sides})
    notes = []
    make_parts(config, Tables(from_memory(short)), 0, BadRows(), notes.append)
    assert notes == ["windows   1 of 3 series have fewer than 12 + 4 rows in the training part and teach nothing: c"]
    few = {key: column[:18] for key, column in TABLE.items()}
    with pytest.raises(
        DataError, match=r"a series must have 4 rows to forecast in the training part, and 12 before them"
    ):
        parts_of(few)
    with pytest.raises(DataError, match="in the validation part"):
        parts_of({key: column[:30] for key, column in TABLE.items()})
    model = shops(train={"epochs": 1})
    with pytest.raises(DataError, match=r"there must be 12 rows before the forecast in the series 'c', got 9"):
        forecast(model, short)
    assert [outlook.series for outlook in forecast(model, short, bad_rows="skip")] == ["a", "b"]
    assert "in the series 'c'" in model.skipped


def planned():
    random = np.random.default_rng(3)
    plan = random.normal(size=400)
    return {"t": list(range(400)), "sales": (plan * 2 + random.normal(0, 0.1, 400)).tolist(), "plan": plan.tolist()}


def plan_model(**given):
    sides = {"input": {"sales": {}}, "target": {"sales": {"head": "mse"}}, "model": {"hidden": 4}}
    data = {"horizon": 3, "window": 6, "time": "t", **given}
    return elman.train(planned(), **sides, data=data, train={"epochs": 12, "lr": 0.02}, quiet=True)


def test_what_is_known_ahead_is_used():
    blind, told = plan_model(), plan_model(known=["plan"])
    assert told.config.model["condition"] == "end"
    assert told.metrics["test"]["mse"] < 0.2 < 0.5 < blind.metrics["test"]["mse"]
    history = {name: column[:50] for name, column in planned().items()}
    open_end = {**history, "sales": [*history["sales"][:47], None, None, None]}
    (outlook,) = forecast(told, open_end)
    np.testing.assert_allclose(outlook.forecast, np.array(history["plan"][47:]) * 2, atol=1.2)
    assert outlook.times == [47, 48, 49]
    with pytest.raises(
        DataError, match=r"there must be 3 rows after the last value, which say what is known ahead, got 0"
    ):
        forecast(told, history)
    gap = {**open_end, "plan": [*history["plan"][:49], None]}
    with pytest.raises(DataError, match=r"the table: row 50: column 'plan' must hold a number, got nothing"):
        forecast(told, gap)


def test_what_is_known_ahead_is_not_what_comes_after():
    model = plan_model(known=["plan"])
    table = planned()
    shown = {**table, "sales": [*table["sales"][:100], *[None] * 300]}
    moved = {**shown, "plan": [*table["plan"][:103], *[9.0] * 297]}
    assert values(forecast(model, shown)) == values(forecast(model, moved))


def test_a_single_value_is_that_of_the_last_step_that_is_read():
    table = {**TABLE, "mode": ["on" if hour % 3 else "off" for hour in HOURS]}
    fields, parts, _ = parts_of(table, input={"load": {}, "mode": {}})
    batch = parts.train.batch(np.arange(5))
    said = [fields.inputs["mode"].classes[index] for index in batch.inputs["mode"].values.tolist()]
    assert said == [table["mode"][origin - 1] for origin in parts.train.origins[:5]]


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
    (outlook,) = forecast(model, table, paths=2000)
    for level, step in [("p10", 0), ("p50", 2), ("p90", 3)]:
        share = (outlook.paths[:, step] <= outlook.quantiles[level][step]).mean()
        assert share == pytest.approx(float(level[1:]) / 100, abs=2e-3)
    rises = outlook.paths - outlook.paths.mean(0)
    assert np.corrcoef(rises[:, 2], rises[:, 3])[0, 1] > 0.7  # drawn apart they would not be alike
    again, other = forecast(model, table, paths=2000)[0].paths, forecast(model, table, paths=2000, seed=1)[0].paths
    assert (again == outlook.paths).all()
    assert (other != outlook.paths).any()


@pytest.mark.parametrize(
    ("times", "after"),
    [
        ([1, 2, 3], [4, 5]),
        ([0.5, 1.0, 1.5], [2, 2.5]),
        (["2026-01-30", "2026-01-31", "2026-02-01"], ["2026-02-02", "2026-02-03"]),
        (["2026-11-01", "2026-12-01", "2027-01-01"], ["2027-02-01", "2027-03-01"]),
        (["2026-01-01 22:00:00", "2026-01-01 23:00:00"], ["2026-01-02 00:00:00", "2026-01-02 01:00:00"]),
        (["2026-01-01T22:30", "2026-01-01T23:00"], ["2026-01-01T23:30:00", "2026-01-02T00:00:00"]),
    ],
)
def test_times_go_on_as_they_went(times, after):
    table = Table({"t": times, "x": list(range(len(times)))}, "t")
    (line,) = timelines(table, ["x"], {}, None, "t", BadRows()).values()
    assert line.times_after(len(times), 2) == after
    assert line.times_after(len(times) - 1, 2) == [times[-1], after[0]]


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        ({"data": {"window": 5}, "input": {"hour": {}}}, ConfigError, "data.window must go with data.horizon"),
        ({"data": {"known": ["x"]}, "input": {"hour": {}}}, ConfigError, "data.known must go with data.horizon"),
        ({"data": {"horizon": 4, "split_group": "x"}}, ConfigError, "data.split_group must be left out where"),
        ({"data": {"horizon": 4}, "target": {"load": {"kind": "number"}}}, ConfigError, "kind must be forecast where"),
        ({"data": {"horizon": 4}, "target": {}}, ConfigError, "target must name a column, got none"),
        ({"data": {"horizon": 4}, "model": {"topology": "next-step"}}, ConfigError, "model.topology must be one of"),
        (
            {"data": {"horizon": 4}, "input": {"hour": {}}, "target": {"load": {"level": "last"}}},
            ConfigError,
            "level must be none",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"head": "mse", "levels": [0.5]}}},
            ArgumentError,
            "levels must be left out",
        ),
        ({"data": {"horizon": 4}, "target": {"load": {"levels": [0.5, 0.1]}}}, ArgumentError, "at least two that rise"),
        (
            {"data": {"horizon": 4}, "input": {"x": {"kind": "series", "columns": ["load"], "patch": 2}}},
            ConfigError,
            "patch must be 1 where",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"head": "mse", "calibrate": True}}},
            ArgumentError,
            "calibrate must be left out",
        ),
        (
            {"data": {"horizon": 4, "valid_fraction": 0.0}, "target": {"load": {"calibrate": True}}},
            ConfigError,
            "calibrate must have a validation part",
        ),
        ({"data": {"horizon": 4}, "target": {"load": {"season": 0}}}, ArgumentError, "season must be at least 1"),
        (
            {"data": {}, "target": {"load": {"kind": "forecast"}}, "input": {"hour": {}}},
            ConfigError,
            "kind must go with data.horizon",
        ),
        (
            {"data": {"horizon": 4}, "target": {"load": {"level": "swing", "season": 16}}},
            ConfigError,
            "less than the window",
        ),
        ({"data": {"horizon": 4, "known": ["x"]}}, DataError, "the column must be one of"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(sections, error, said):
    given = {**document(), **sections}
    with pytest.raises(error, match=said):
        elman.train(TABLE, **given, quiet=True)


def test_what_cannot_be_forecast_is_refused(model):
    with pytest.raises(ArgumentError, match="horizon must lie between 1 and 4, got 5"):
        forecast(model, TABLE, horizon=5)
    with pytest.raises(ArgumentError, match="must have been trained to forecast"):
        forecast(
            elman.train({"x": ["a", "b"] * 20, "y": [1, 0] * 20}, input="x", target="y", epochs=1, quiet=True), TABLE
        )
    point = trained(TABLE, target={"load": {"head": "mae"}}, train={"epochs": 1})
    with pytest.raises(ArgumentError, match="paths must be drawn of a head that tells a distribution"):
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
    ("target", {"load": {"level": "none"}}),
    ("target", {"load": {"level": "window"}}),
    ("target", {"load": {"level": "swing"}}),
    ("target", {"load": {"season": 12}}),
    ("target", {"load": {"levels": [0.1, 0.9]}}),
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


@pytest.mark.parametrize("missing", ["forward", "mean", "refuse"])
@pytest.mark.parametrize("kind", ["series", "lags"])
def test_a_gap_in_the_past_is_filled_as_the_option_says(kind, missing):
    table = {**TABLE, "load": [None if hour == 50 else value for hour, value in enumerate(LOAD)]}
    past = {"past": {"kind": kind, "columns": ["load"], "missing": missing}}
    given = {**document(), "input": past}
    tables = Tables(from_memory(table))
    if missing == "refuse":
        with pytest.raises(DataError, match=r"row 51: column 'load' must hold a number, got nothing. Fill the cell"):
            make_parts(check_document(given), tables, 0, BadRows(), str)
        return
    _, parts = make_parts(check_document(given), tables, 0, BadRows(), str)
    encoded = parts.train.past["past"][:, 0]
    assert encoded[50] == (encoded[49] if missing == "forward" else 0)
    assert np.isnan(parts.train.answers["load"][50])


def test_the_command_line_forecasts_draws_and_looks_back(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"2026-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00,{value:.3f}" for hour, value in enumerate(LOAD)]
    (tmp_path / "load.csv").write_text("\n".join(["time,load", *rows]) + "\n")
    train = ["train", "load.csv", "--input", "load", "--target", "load", "--time", "time", "--horizon", "4"]
    call(capsys, *train, "--window", "12", "--hidden", "4", "--epochs", "1")
    asked = ["predict", "runs/load", "load.csv"]
    out, err = call(capsys, *asked, "--horizon", "3", "--paths", "2", "--format", "json", "--plot", "fan.png")
    told = json.loads(out)
    assert "written to fan.png" in err
    assert [row["step"] for row in told] == [1, 2, 3]
    assert told[0]["time"] == "2026-01-11 00:00:00"
    assert list(told[0]["quantiles"]) == [f"p{level}" for level in range(10, 100, 10)]
    assert len(told[0]["paths"]) == 2
    assert (tmp_path / "fan.png").read_bytes()[:4] == b"\x89PNG"
    head = call(capsys, *asked)[0].split("\n─")[0].split("\n ─")[0]
    assert head.split() == ["step", "time", "prediction", *told[0]["quantiles"]]
    assert (
        json.loads(call(capsys, "backtest", "runs/load", "load.csv", "--every", "10", "--format", "json")[0])[-1][
            "forecasts"
        ]
        == 23
    )
    assert "horizon must lie between 1 and 4, got 5" in call(capsys, *asked, "--horizon", "5", code=2)[1]
    assert json.loads(call(capsys, "evaluate", "runs/load", "load.csv", "--format", "json")[0])["rows"] == 225
