"""Windows of series: cut in order of time, from the past alone, beside what is known ahead."""

import numpy as np
import pytest

import elman
from elman.config.configuration import check_document
from elman.data import BadRows, Table, from_memory, timelines
from elman.data.layouts import Tables
from elman.errors import DataError
from elman.forecasting.forecast import forecast
from elman.inference import evaluate
from elman.training.prepare import prepare
from tests.loads import HOURS, LOAD, SHOPS, TABLE, document, parts_of, plan_model, planned, shops, trained, values


@pytest.fixture(scope="module")
def model():
    return trained(TABLE)


PLANNED = {**TABLE, "plan": np.cos(HOURS).tolist()}
DOCUMENTS = {
    kind: document(target={"load": {"normalize": kind}}) for kind in ("none", "last", "window", "seasonal-difference")
}
DOCUMENTS |= {
    "lags": {**document(), "input": {"past": {"kind": "lags", "columns": ["load"]}}, "model": {}},
    "known": document(data={"known": ["plan"]}),
    "bidirectional": document(model={"bidirectional": True, "pooling": "mean"}),
    "many-to-many": document(model={"topology": "many-to-many"}),
    "calibrated": document(target={"load": {"calibrate": True}}),
}


@pytest.mark.parametrize("given", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_forecast_sees_the_future(given):
    cut = 150
    model, noise = elman.train(PLANNED, **given, quiet=True), np.random.default_rng(1).normal(99, 50, 240 - cut)
    # What is known ahead stays as it is; all else is changed after the cut.
    tables = [PLANNED, {**PLANNED, "load": [*LOAD[:cut], *noise]}]
    predicted = []
    for table in tables:
        windows = model.layout.examples(from_memory(table), BadRows())
        predicted.append(evaluate(model.network, windows)["load"].predictions)
    before = windows.origins <= cut
    assert before.sum() == cut - 12 + 1
    pairs = list(zip(*predicted, before, strict=True))
    assert all(one == other for one, other, is_so in pairs if is_so)
    assert not any(one == other for one, other, is_so in pairs if not is_so)


LEARNING = {
    "series": {"input": {"load": {}, "mode": {}}},
    "lags": {"input": {"past": {"kind": "lags", "columns": ["load"]}}, "model": {}},
    "known": {"data": {"known": ["plan"]}},
    "seasonal-difference": {"target": {"load": {"normalize": "seasonal-difference"}}},
    "next-step": {"data": {"horizon": None, "window": None}, "target": {}},
}


@pytest.mark.parametrize("sections", LEARNING.values(), ids=LEARNING)
def test_what_is_learned_comes_from_the_training_rows_alone(sections):
    modes = ["on" if hour % 3 else "off" for hour in HOURS]
    table, later = {**PLANNED, "mode": modes}, {**PLANNED, "mode": [*modes[:192], *["off"] * 48]}
    for name in ("load", "plan"):  # of validation and test
        later[name] = [*table[name][:192], *(np.asarray(table[name][192:]) * 50 - 7)]
    given = document(**sections) | {
        name: own for name, own in sections.items() if name in ("input", "model") or not own
    }
    before, after = (prepare(check_document(given), Tables(from_memory(some)), str) for some in (table, later))
    assert before.fields.learned() == after.fields.learned()
    assert before.splits.test.digest() != after.splits.test.digest()
    rows = np.arange(len(before.splits.train))
    batches = (prepared.splits.train.batch(rows).columns for prepared in (before, after))
    for left, right in zip(*batches, strict=True):
        np.testing.assert_array_equal(left.values, right.values)


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
    assert [len(part) for part in parts] == [85, 27, 27]
    assert parts.test.place(0) == "test: row 1"
    with pytest.raises(DataError, match=r"train: row 1: the time must be later than the split before, which ends with"):
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
    said = r"the table: row 101: column 'hour' must hold each time once, got 7 again; if the table has several series"
    with pytest.raises(DataError, match=said):
        forecast(model, twice)
    assert len(forecast(model, twice, bad_rows="skip")) == 1
    with pytest.raises(DataError, match=r"must hold each time once in the series 'b', got 3 again"):
        timelines(
            Table({**SHOPS, "day": [*range(120), 3, *range(1, 120)]}, "t"), ["sales"], {}, "shop", "day", BadRows()
        )


def test_a_series_too_short_to_learn_from_is_named_and_none_is_an_error():
    short = {
        key: [*column, *extra]
        for (key, column), extra in zip(SHOPS.items(), (["c"] * 9, range(9), range(9)), strict=True)
    }
    data = {"horizon": 4, "window": 12, "time": "day", "id": "shop"}
    sides = {"input": {"sales": {}}, "target": {"sales": {}}}
    config = check_document({**document(), "data": data, **sides})
    notes = []
    prepare(config, Tables(from_memory(short)), notes.append)
    assert notes == ["windows   1 of 3 series have fewer than 12 + 4 rows in the training split and teach nothing: c"]
    few = {key: column[:18] for key, column in TABLE.items()}
    with pytest.raises(
        DataError, match=r"a series must have 4 rows to forecast in the training split, and 12 before them"
    ):
        parts_of(few)
    given = document(data={"bad_rows": "skip"}) | {"input": {"past": {"kind": "series", "columns": ["load"]}}}
    with pytest.raises(DataError, match=r"in the training split, and 12 before them, got at most 0 in all"):
        elman.train({**TABLE, "load": ["n/x"] * 240}, **given, quiet=True)
    with pytest.raises(DataError, match="in the validation split"):
        parts_of({key: column[:30] for key, column in TABLE.items()})
    model = shops(train={"epochs": 1})
    with pytest.raises(DataError, match=r"there must be 12 rows before the forecast in the series 'c', got 9"):
        forecast(model, short)
    assert [series.series for series in forecast(model, short, bad_rows="skip")] == ["a", "b"]
    assert "in the series 'c'" in model.skipped


def test_a_class_that_training_does_not_have_is_a_bad_row_whatever_is_done_with_the_table():
    modes = ["on" if hour % 3 else "off" for hour in HOURS]
    table = {**TABLE, "mode": [*modes[:200], "new", *modes[201:]]}
    rest = {name: [*column[:200], *column[201:]] for name, column in table.items()}
    given = document(input={"load": {}, "mode": {"kind": "category"}})
    said = r"the table: row 201: column 'mode' must be one of the 2 classes .* got 'new'. Fix the row or pass"
    with pytest.raises(DataError, match=said):
        elman.train(table, **given, quiet=True)
    skipping = {**given, "data": {**given["data"], "bad_rows": "skip"}}
    model = elman.train(table, **skipping, quiet=True)
    assert "1 bad row skipped" in model.skipped
    parts = prepare(check_document(skipping), Tables(from_memory(table)), str).splits
    assert [part.origins[-1] + 4 for part in parts] == [192, 215, 239]
    assert parts.valid.place(8) == "the table: row 202"
    for ask in (model.evaluate, lambda *given: forecast(model, *given[:1], bad_rows=(*given, "refuse")[1])):
        with pytest.raises(DataError, match=said):
            ask(table)
        assert str(ask(table, "skip")) == str(ask(rest))


def test_what_is_known_ahead_is_used():
    blind, told = plan_model(), plan_model(known=["plan"])
    assert told.config.model["condition"] == "end"
    assert told.metrics["test"]["mse"] < 0.2 < 0.5 < blind.metrics["test"]["mse"]
    history = {name: column[:50] for name, column in planned().items()}
    open_end = {**history, "sales": [*history["sales"][:47], None, None, None]}
    (series,) = forecast(told, open_end)
    np.testing.assert_allclose(series.forecast, np.array(history["plan"][47:]) * 2, atol=1.2)
    assert series.times == [47, 48, 49]
    with pytest.raises(
        DataError, match=r"there must be 3 rows after the last value, which have the future covariates, got 0"
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


def test_rows_after_the_last_value_need_no_more_than_what_is_known_ahead():
    table = {**planned(), "mode": [f"m{row % 3}" for row in range(400)], "heat": np.sin(range(400)).tolist()}
    past = {"past": {"kind": "series", "columns": ["sales", "heat"], "missing": "refuse"}, "mode": {"kind": "category"}}
    data = {"horizon": 3, "window": 6, "time": "t", "known": ["plan"]}
    given = {"input": past, "target": {"sales": {}}, "model": {"hidden": 4}, "train": {"epochs": 1}}
    model = elman.train(table, **given, data=data, quiet=True)
    whole = {name: column[:50] for name, column in table.items()}
    whole["sales"] = [*whole["sales"][:47], None, None, None]
    bare = {**whole, "mode": [*whole["mode"][:47], None, "", "never seen"], "heat": [*whole["heat"][:47], *[None] * 3]}
    assert values(forecast(model, bare)) == values(forecast(model, whole))

    gap = {**bare, "mode": [*whole["mode"][:20], None, *bare["mode"][21:]]}
    with pytest.raises(DataError, match="the table: row 21: column 'mode' must"):
        forecast(model, gap)
    skipped = forecast(model, gap, bad_rows="skip")
    assert "row 21" in model.skipped
    assert values(skipped) == values(forecast(model, whole))


def test_a_single_value_is_that_of_the_last_step_that_is_read():
    table = {**TABLE, "mode": ["on" if hour % 3 else "off" for hour in HOURS]}
    fields, parts, _ = parts_of(table, input={"load": {}, "mode": {}})
    batch = parts.train.batch(np.arange(5))
    said = [fields.inputs["mode"].classes[index] for index in batch.inputs["mode"].values.tolist()]
    assert said == [table["mode"][origin - 1] for origin in parts.train.origins[:5]]


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
def test_times_continue_as_they_went(times, after):
    table = Table({"t": times, "x": list(range(len(times)))}, "t")
    (line,) = timelines(table, ["x"], {}, None, "t", BadRows()).values()
    assert line.times_after(len(times), 2) == after
    assert line.times_after(len(times) - 1, 2) == [times[-1], after[0]]


@pytest.mark.parametrize("missing", ["forward", "mean", "refuse"])
@pytest.mark.parametrize("kind", ["series", "lags"])
def test_a_gap_in_the_past_is_filled_as_the_option_says(kind, missing):
    table = {**TABLE, "load": [None if hour == 50 else value for hour, value in enumerate(LOAD)]}
    past = {"past": {"kind": kind, "columns": ["load"], "missing": missing}}
    given = document() | {"input": past} | ({"model": {}} if kind == "lags" else {})
    tables = Tables(from_memory(table))
    if missing == "refuse":
        with pytest.raises(DataError, match=r"row 51: column 'load' must hold a number, got nothing. Fill the cell"):
            prepare(check_document(given), tables, str)
        return
    parts = prepare(check_document(given), tables, str).splits
    encoded = parts.train.past["past"][:, 0]
    assert encoded[50] == (encoded[49] if missing == "forward" else 0)
    assert np.isnan(parts.train.answers["load"][50])
