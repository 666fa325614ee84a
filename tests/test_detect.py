"""Faults are found by a network that saw none: thresholds keep their rate, and scores are the same however read."""

import csv
import io
import json
import sys

import numpy as np
import pytest

import elman
from elman import cli
from elman.anomalies import CLEAN, Watcher, highest_scores, thresholds
from elman.errors import ArgumentError, DataError
from elman.inference.watching import Watch, watch
from elman.recipes.injected import DAY, FAULTS, rolling_z, score_of_days, with_faults
from elman.training.metrics import auc
from tests.waves import trained, waves


@pytest.fixture(scope="module")
def model() -> elman.Model:
    return trained()


def spiked() -> dict:
    table = waves(steps=300, seed=9)
    table["heat"][300 + 137] += 1.5
    return table


def test_an_injected_spike_is_found_and_little_else(model):
    found = Watcher(model, 0.01).table(spiked())
    hits = [hit for series in found for hit in series.hits()]
    best = max(hits, key=lambda hit: hit["score"])
    assert (best["id"], best["time"], best["channel"]) == ("m2", 137, "heat")
    assert best["value"] == pytest.approx(best["expected"] + 1.5, abs=0.5)
    assert best["score"] > 3 * best["threshold"]
    clean = [hit for series in Watcher(model, 0.01).table(waves(steps=300, seed=9)) for hit in series.hits()]
    assert len(clean) < 0.03 * 2 * 2 * 300
    assert not any(hit["score"] > 2 * hit["threshold"] for hit in clean)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5])
def test_of_the_clean_readings_just_the_stated_share_is_above_the_threshold(rate):
    scores = np.random.default_rng(0).gamma(2.0, size=(1000, 3))
    limits = thresholds(highest_scores(scores), rate)
    assert (scores > limits).mean(0).round(9).tolist() == [rate] * 3
    assert ((scores > limits - 2e-6).mean(0) > rate).all()


def test_the_model_keeps_the_scores_of_its_validation_part(model, tmp_path):
    model.save(tmp_path / "run")
    again = elman.load(tmp_path / "run")
    kept = json.loads(again.keepsakes[CLEAN])
    assert kept["readings"] == [180, 180]  # a tenth of two machines' 900 steps
    assert Watcher(again, 0.05).thresholds.tolist() == Watcher(model, 0.05).thresholds.tolist()
    valid = [np.array([waves()[name][begin : begin + 90] for name in ("load", "heat")]).T for begin in (720, 1620)]
    scores = np.concatenate([watch(model.network, readings)[0].scores for readings in valid])
    assert ((scores > Watcher(model, 0.05).thresholds).sum(0) == 9).all()


@pytest.mark.parametrize("cuts", [[1, 2, 3], [7], [63, 64], list(range(1, 200))])
def test_scores_are_the_same_whole_in_pieces_and_step_by_step_with_gaps(model, cuts):
    table = waves(steps=200, seed=2, machines=("m1",))
    readings = np.stack([table["load"], table["heat"]], 1)
    readings[[0, 63, 64, 65, 199], [0, 1, 1, 0, 0]] = np.nan
    whole, end = watch(model.network, readings)
    parts, state = [], None
    for piece in np.split(readings, cuts):
        part, state = watch(model.network, piece, state)
        parts.append(part)

    for name in whole._fields:
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=2e-5, atol=2e-5)
    assert np.isnan(whole.scores).sum() == 5
    assert isinstance(state, Watch)
    assert np.array_equal(state.last, end.last)


def test_what_comes_later_changes_no_expectation(model):
    table = waves(steps=100, seed=2, machines=("m1",))
    readings = np.stack([table["load"], table["heat"]], 1)
    other = readings.copy()
    other[60:] += 17
    before, after = watch(model.network, readings)[0], watch(model.network, other)[0]
    assert np.array_equal(before.expected[:61], after.expected[:61])
    assert not np.array_equal(before.expected[61:], after.expected[61:])


def test_the_verb_gives_the_same_hits_of_a_file_and_of_a_stream(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "run")
    table, file = spiked(), tmp_path / "new.csv"
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    whole = run_verb(monkeypatch, capsys, tmp_path / "run", str(file), "--plot", str(tmp_path / "hits.png"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(file.read_text()))
    streamed = run_verb(monkeypatch, capsys, tmp_path / "run", "-")

    assert {(hit["id"], hit["channel"], str(hit["time"])) for hit in whole} == {
        (hit["id"], hit["channel"], hit["time"]) for hit in streamed
    }
    assert [hit["score"] for hit in whole] == pytest.approx([hit["score"] for hit in streamed], rel=1e-3)
    assert any(hit["time"] == "137" for hit in streamed)
    assert (tmp_path / "hits.png").read_bytes().startswith(b"\x89PNG")


def run_verb(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["elman", "detect", *map(str, arguments), "--format", "jsonl"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, error = capsys.readouterr()
    assert not ended.value.code, error
    return [json.loads(line) for line in out.splitlines()]


def test_a_model_or_a_rate_that_does_not_fit_is_refused(model):
    for rate in (0.0, 1.0, float("nan")):
        with pytest.raises(ArgumentError, match="false_alarms must be more than 0 and less than 1"):
            Watcher(model, rate)
    kept = highest_scores(np.random.default_rng(0).random((20_000, 1)))
    with pytest.raises(ArgumentError, match=r"false_alarms must be less than 0\.5, for the run keeps no more"):
        thresholds(kept, 0.6)
    with pytest.raises(DataError, match="the column must be one of machine, hour, load, got 'heat'"):
        Watcher(model).step({"machine": "m1", "hour": 1, "load": 3})
    with pytest.raises(DataError, match="a row must have the column 'hour', got machine, load"):
        Watcher(model).step({"machine": "m1", "load": 3})
    with pytest.raises(DataError, match="column 'heat' must be a number, got 'hot'"):
        Watcher(model).step({"machine": "m1", "hour": 1, "load": 3, "heat": "hot"})
    answers = elman.train({"x": ["a", "b"] * 20, "y": ["c", "d"] * 20}, input="x", target="y", epochs=1, quiet=True)
    with pytest.raises(ArgumentError, match="the model must tell the next step of a series, got one-to-one"):
        Watcher(answers)


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


def test_auc_is_the_share_of_pairs_in_the_right_order():
    random = np.random.default_rng(0)
    scores, true = random.integers(0, 6, 50), random.random(50) < 0.4
    pairs = [(h > low) + 0.5 * (h == low) for h in scores[true] for low in scores[~true]]
    assert auc(scores.tolist(), true.tolist()) == pytest.approx(np.mean(pairs))
    assert np.isnan(auc([1.0], [True]))
