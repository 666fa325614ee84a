"""Faults are found by a network that saw none: thresholds keep their rate, and scores are the same however read."""

import csv
import io
import json
import sys
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import elman
from elman.data import BadRows, plain
from elman.errors import ArgumentError, DataError
from elman.forecasting.anomalies import NORMAL_SCORES, AnomalyDetector, ScoredSeries, highest_scores, thresholds
from elman.inference.one_step_ahead import OneStepAhead, SeriesState, predict_readings
from elman.insight import anomalies as picture
from elman.metrics import auc
from elman.recipes.baselines.rolling import DAY, FAULTS, rolling_z, score_of_days, with_faults
from tests.verbs import call
from tests.waves import DOCUMENT, trained, waves


@pytest.fixture(scope="module")
def model() -> elman.Model:
    return trained()


def spiked() -> dict:
    table = waves(steps=300, seed=9)
    table["heat"][300 + 137] += 1.5
    return table


def test_an_injected_spike_is_found_and_little_else(model):
    found = AnomalyDetector(model, 0.01).table(spiked())
    anomalies = [one for series in found for one in series.anomalies()]
    best = max(anomalies, key=lambda one: one["score"])
    assert (best["id"], best["time"], best["channel"]) == ("m2", 137, "heat")
    assert best["value"] == pytest.approx(best["expected"] + 1.5, abs=0.5)
    assert best["score"] > 3 * best["threshold"]
    detector = AnomalyDetector(model, 0.01)
    clean = [one for series in detector.table(waves(steps=300, seed=9)) for one in series.anomalies()]
    assert len(clean) < 0.03 * 2 * 2 * 300
    assert not any(one["score"] > 2 * one["threshold"] for one in clean)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5])
def test_of_the_clean_readings_just_the_stated_fraction_is_above_the_threshold(rate):
    scores = np.random.default_rng(0).gamma(2.0, size=(1000, 3))
    limits = thresholds(highest_scores(scores), rate)
    assert (scores > limits).mean(0).round(9).tolist() == [rate] * 3
    assert ((scores > limits - 2e-6).mean(0) > rate).all()


def test_the_model_keeps_the_scores_of_its_validation_part(model, tmp_path):
    model.save(tmp_path / "run")
    again = elman.load(tmp_path / "run")
    kept = json.loads(again.artifacts[NORMAL_SCORES])
    assert kept["readings"] == [180, 180]  # a tenth of two machines' 900 steps
    assert AnomalyDetector(again, 0.05).thresholds.tolist() == AnomalyDetector(model, 0.05).thresholds.tolist()
    valid = [np.array([waves()[name][begin : begin + 90] for name in ("load", "heat")]).T for begin in (720, 1620)]
    scores = np.concatenate([predict_readings(model.network, readings)[0].scores for readings in valid])
    assert ((scores > AnomalyDetector(model, 0.05).thresholds).sum(0) == 9).all()


@pytest.mark.parametrize("cuts", [[1, 2, 3], [7], [63, 64], list(range(1, 200))])
def test_scores_are_the_same_whole_in_pieces_and_step_by_step_with_gaps(model, cuts):
    table = waves(steps=200, seed=2, machines=("m1",))
    readings = np.stack([table["load"], table["heat"]], 1)
    readings[[0, 63, 64, 65, 199], [0, 1, 1, 0, 0]] = np.nan
    whole, end = predict_readings(model.network, readings)
    parts, state = [], None
    for piece in np.split(readings, cuts):
        part, state = predict_readings(model.network, piece, state)
        parts.append(part)

    for name in whole._fields:
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=2e-5, atol=2e-5)
    assert np.isnan(whole.scores).sum() == 5
    assert isinstance(state, SeriesState)
    assert np.array_equal(state.last, end.last)


def test_what_comes_later_changes_no_expectation(model):
    table = waves(steps=100, seed=2, machines=("m1",))
    readings = np.stack([table["load"], table["heat"]], 1)
    other = readings.copy()
    other[60:] += 17
    before, after = predict_readings(model.network, readings)[0], predict_readings(model.network, other)[0]
    assert np.array_equal(before.expected[:61], after.expected[:61])
    assert not np.array_equal(before.expected[61:], after.expected[61:])


def test_the_verb_gives_the_same_anomalies_of_a_file_and_of_a_stream(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    file = written_csv(tmp_path / "new.csv", spiked())
    whole = found_by_verb(capsys, tmp_path / "run", file, "--plot", tmp_path / "anomalies.png")
    monkeypatch.setattr(sys, "stdin", io.StringIO(file.read_text()))
    streamed = found_by_verb(capsys, tmp_path / "run", "-")

    assert {(one["id"], one["channel"], str(one["time"])) for one in whole} == {
        (one["id"], one["channel"], one["time"]) for one in streamed
    }
    assert [one["score"] for one in whole] == pytest.approx([one["score"] for one in streamed], rel=1e-3)
    assert any(one["time"] == "137" for one in streamed)
    assert (tmp_path / "anomalies.png").read_bytes().startswith(b"\x89PNG")


def test_every_reading_has_its_score_and_whether_it_is_an_anomaly(model):
    table = spiked()
    table["load"][3] = None
    for series in AnomalyDetector(model, 0.01).table(table):
        rows = series.rows()
        assert [(row["time"], row["channel"]) for row in rows] == [(h, c) for h in range(300) for c in ("load", "heat")]
        assert all(row["anomaly"] == (row["score"] is not None and row["score"] > row["threshold"]) for row in rows)
        assert [
            {k: v for k, v in row.items() if k != "anomaly"} for row in rows if row["anomaly"]
        ] == series.anomalies()
        missing = [row["time"] for row in rows if row["value"] is None]
        assert missing == [row["time"] for row in rows if row["score"] is None] == ([3] if series.id == "m1" else [])


def test_the_verb_prints_every_reading_where_all_are_asked_for(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    file = written_csv(tmp_path / "new.csv", waves(steps=20, machines=("m1",)))
    whole = list(csv.DictReader(io.StringIO(call(capsys, "detect", tmp_path / "run", file, *ALL_CSV)[0])))
    monkeypatch.setattr(sys, "stdin", io.StringIO(file.read_text()))
    streamed = list(csv.DictReader(io.StringIO(call(capsys, "detect", tmp_path / "run", "-", *ALL_CSV)[0])))

    assert [row["time"] for row in whole] == [row["time"] for row in streamed] == [str(at // 2) for at in range(40)]
    assert list(whole[0]) == ["id", "time", "channel", "value", "expected", "score", "threshold", "anomaly"]
    scores = [[float(row["score"]) for row in rows] for rows in (whole, streamed)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


ALL_CSV = "--all", "--format", "csv"


def written_csv(file, table):
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return file


def found_by_verb(capsys, *arguments):
    out, _ = call(capsys, "detect", *arguments, "--format", "jsonl")
    return [json.loads(line) for line in out.splitlines()]


WRONG_ROWS = {
    "m1,2,1": "the row must have 4 cells, as the first line, got 3",
    "m1,2,1,2,3": "the row must have 4 cells, as the first line, got 5",
    "m1,2,hot,2": "column 'load' must be a number, got 'hot'",
    "m1,,1,2": "column 'hour' must be a number or a date",
    ",2,1,2": "column 'machine' must hold a value, got ''",
    "m1,0,1,2": "column 'hour' must be no earlier than in the row before of 'm1', got '0'",
    "m1,2,1,\udcff": r"column 'heat' must be UTF-8, got b'\xff'",
}


@pytest.mark.parametrize("row", WRONG_ROWS)
def test_a_wrong_row_of_standard_input_is_refused_by_its_line_or_skipped(row, model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    good = ["machine,hour,load,heat", "m1,1,100,20", "", "m1,2,100,20", "m1,3,500,20"]
    lines = [*good[:3], row, *good[3:]]

    def detect(lines, *options, code=0):
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
        return call(capsys, "detect", tmp_path / "run", "-", "--format", "jsonl", "--all", *options, code=code)

    out, error = detect(lines, code=2)
    assert f"error: standard input:4: {WRONG_ROWS[row]}" in error
    assert len(out.splitlines()) == 2  # what came before is answered
    out, error = detect(lines, "--bad-rows", "skip")
    assert f"1 bad row skipped:\n  standard input:4: {WRONG_ROWS[row]}" in error
    assert out == detect(good)[0]


def test_standard_input_must_name_its_columns(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    for text, says in [
        ("", "standard input: the file must name its columns in the first line, got an empty file"),
        ("load,load\n", "standard input:1: a column's name must be unique, got 'load' twice"),
        ("load,h\udce4t\n", r"standard input:1: the names of the columns must be UTF-8, got b'load,h\xe4t'"),
    ]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert says in call(capsys, "detect", tmp_path / "run", "-", code=2)[1]


def test_a_byte_order_mark_before_standard_input_is_no_part_of_a_name(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    coming = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfmachine,hour,load,heat\nm1,1,100,20\n"), "ascii")
    monkeypatch.setattr(sys, "stdin", coming)
    assert len(found_by_verb(capsys, tmp_path / "run", "-", "--all")) == 2


def dated(steps=40) -> dict:
    table = waves(steps=steps, machines=("m1",))
    return table | {"hour": [datetime(2026, 11, 23) + timedelta(hours=hour) for hour in table["hour"]]}


def test_anomalies_at_dates_are_printed_and_drawn_as_dates(model, tmp_path, capsys, monkeypatch):
    model.save(tmp_path / "run")
    pq.write_table(pa.table(dated()), tmp_path / "new.parquet")
    drawn = []
    monkeypatch.setattr(picture, "show_dates", drawn.append)
    plot = tmp_path / "anomalies.png"
    found = found_by_verb(capsys, tmp_path / "run", tmp_path / "new.parquet", "--false-alarms", 0.5, "--plot", plot)
    assert {one["time"] for one in found} <= {
        f"2026-11-{day} {hour:02}:00:00" for day in (23, 24) for hour in range(24)
    }
    assert len(drawn) == 1


def seen(channels, times, thresholds):
    """Two scored readings a channel, all figures of which are 1."""
    one = np.ones((2, len(channels)))
    return ScoredSeries(None, times, channels, one, OneStepAhead(one, one, one, one), thresholds)


@pytest.mark.parametrize(
    ("times", "are"),
    [
        ([datetime(2026, 11, 23), datetime(2026, 11, 24)], True),
        (["2026-11-23", "2026-11-24 12:00"], True),
        ([20261123, 20261124], False),
        (["20261123", "20261124"], False),
        ([3.5, 4.5], False),
        (["3", "4"], False),
        (range(1, 3), False),
    ],
    ids=str,
)
def test_dates_stand_on_an_axis_of_dates_and_numbers_are_counted_as_steps(times, are, monkeypatch):
    drawn = []
    monkeypatch.setattr(picture, "show_dates", drawn.append)
    picture.draw_anomalies("two", seen(["load"], times, np.array([2.0])))
    assert len(drawn) == are


def test_the_picture_says_where_it_leaves_channels_out_and_keeps_names_as_they_are(monkeypatch):
    drawn = []
    monkeypatch.setattr(picture, "png", lambda figure, dpi: drawn.append(figure) or b"")
    for count in (4, 5):
        names = [f"$c_{at}$" for at in range(count)]
        picture.draw_anomalies("m $1", seen(names, [1, 2], np.linspace(0.9, 2, count)))
    titles = [figure.axes[0].get_title() for figure in drawn]
    assert titles == ["m $1", "m $1; the 4 of 5 channels with the highest scores"]
    assert [axes.get_ylabel() for axes in drawn[1].axes[::2]] == ["$c_0$", "$c_1$", "$c_2$", "$c_3$"]
    [legend] = drawn[1].legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == ["90 % prediction interval", "predicted", "actual", "anomalies", "score", "threshold"]


def test_names_of_series_and_times_of_any_kind_are_plain_json():
    for value in (np.int64(3), np.float64(2.5), datetime(2026, 11, 23), datetime(2026, 11, 23).date(), "a", None):
        json.dumps(plain(value))
    assert plain(np.int64(3)) == 3


@pytest.fixture(scope="module")
def strict() -> elman.Model:
    options = {"kind": "series", "columns": ["load", "heat"], "missing": "refuse"}
    training = DOCUMENT["train"] | {"epochs": 1}
    model = DOCUMENT["model"]
    table = waves(steps=100)
    return elman.train(table, input={"s": options}, id="machine", time="hour", model=model, train=training, quiet=True)


def test_a_gap_is_refused_where_training_refused_gaps_or_its_row_is_skipped(strict):
    table = waves(steps=9, machines=("m1",))
    rest = {name: column[:4] + column[5:] for name, column in table.items()}
    table["heat"][4] = float("nan")
    detector, bad = AnomalyDetector(strict), BadRows(skip=True)

    with pytest.raises(DataError, match="the table: row 5: column 'heat' must hold a number, got nothing"):
        detector.table(table)
    [skipped], [expected] = detector.table(table, bad), detector.table(rest)
    assert bad.messages == ["the table: row 5: column 'heat' must hold a number, got nothing"]
    assert skipped.rows() == expected.rows()
    with pytest.raises(DataError, match="the table must have a row that can be used, got none"):
        detector.table({name: column[4:5] for name, column in table.items()}, BadRows(skip=True))


def test_a_gap_in_a_step_is_refused_where_training_refused_gaps_and_the_series_continues(strict):
    detector, other = AnomalyDetector(strict), AnomalyDetector(strict)
    good = {"machine": "m1", "hour": 1, "load": 100, "heat": 20}
    for gap in (None, "", float("nan"), "n/a"):
        with pytest.raises(DataError, match="detect: column 'heat' must hold a number, got nothing"):
            detector.step(good | {"heat": gap})
    assert detector.follow(good | {"heat": None}, BadRows(skip=True)) is None
    assert detector.follow(good).rows() == other.follow(good).rows()


def test_whole_series_keep_their_numbers_where_one_is_skipped():
    lists = [np.sin(np.arange(30) / 3 + at).tolist() for at in range(40)]
    options = {"s": {"kind": "series", "missing": "refuse"}}
    whole = elman.train({"s": lists}, input=options, model=DOCUMENT["model"], epochs=1, quiet=True)
    gappy = {"s": [lists[0], [1.0, None], lists[2]]}
    found = AnomalyDetector(whole, 0.5).table(gappy, BadRows(skip=True))
    assert [series.id for series in found] == [1, 3]


def test_a_model_or_a_rate_that_does_not_fit_is_refused(model):
    for rate in (0.0, 1.0, float("nan")):
        with pytest.raises(ArgumentError, match="false_alarms must be more than 0 and less than 1"):
            AnomalyDetector(model, rate)
    kept = highest_scores(np.random.default_rng(0).random((20_000, 1)))
    with pytest.raises(ArgumentError, match=r"false_alarms must be less than 0\.5, for the run keeps no more"):
        thresholds(kept, 0.6)
    with pytest.raises(DataError, match="the table must have the column 'heat', got machine, hour, load"):
        AnomalyDetector(model).step({"machine": "m1", "hour": 1, "load": 3})
    with pytest.raises(DataError, match="a row must have the column 'hour', got machine, load"):
        AnomalyDetector(model).step({"machine": "m1", "load": 3})
    with pytest.raises(DataError, match="column 'heat' must be a number, got 'hot'"):
        AnomalyDetector(model).step({"machine": "m1", "hour": 1, "load": 3, "heat": "hot"})
    answers = elman.train({"x": ["a", "b"] * 20, "y": ["c", "d"] * 20}, input="x", target="y", epochs=1, quiet=True)
    with pytest.raises(ArgumentError, match="the model must predict the next step of a series, got one-to-one"):
        AnomalyDetector(answers)


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_stand_in_one_day_of_four_and_nowhere_else(kind):
    clean = np.random.default_rng(0).normal(size=(40 * DAY + 5, 3)).cumsum(0)
    faulty = with_faults(clean, kind, np.ones(3), seed=1)
    changed = (faulty.readings != clean).any(1)[: 40 * DAY].reshape(40, DAY).any(1)
    assert changed.tolist() == faulty.days.tolist()
    assert faulty.days.sum() == 10
    assert not (faulty.readings != clean)[40 * DAY :].any()
    assert np.array_equal(with_faults(clean, kind, np.ones(3), seed=1).readings, faulty.readings)
    assert not np.array_equal(with_faults(clean, kind, np.ones(3), seed=2).readings, faulty.readings)


def test_a_rolling_score_looks_back_only_and_days_have_their_highest():
    readings = np.random.default_rng(0).normal(size=(60, 2))
    scores = rolling_z(readings, 10)
    assert np.isnan(scores[:10]).all()
    before = readings[20:30, 1]
    assert scores[30, 1] == pytest.approx(abs(readings[30, 1] - before.mean()) / before.std())
    assert score_of_days(scores).tolist() == [np.nanmax(scores[:24]), scores[24:48].max()]


def test_auc_is_the_fraction_of_pairs_in_the_right_order():
    random = np.random.default_rng(0)
    scores, true = random.integers(0, 6, 50), random.random(50) < 0.4
    pairs = [(h > low) + 0.5 * (h == low) for h in scores[true] for low in scores[~true]]
    assert auc(scores.tolist(), true.tolist()) == pytest.approx(np.mean(pairs))
    assert np.isnan(auc([1.0], [True]))
