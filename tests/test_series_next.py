"""Series that are continued: predicted, sampled, cut in time, in patches, and scaled by what trains alone."""

import numpy as np
import pytest
import torch

import elman
from elman.config.configuration import check_document
from elman.data import Table
from elman.data.layouts import Tables
from elman.encoders import ENCODERS
from elman.errors import ArgumentError, ConfigError, DataError
from elman.fields import Series
from elman.training.prepare import prepare
from tests.waves import DOCUMENT, shuffled, trained, waves


@pytest.fixture(scope="module")
def model() -> elman.Model:
    return trained()


def parts_of(table: dict, valid: dict | None = None, test: dict | None = None, **data: object):
    config = check_document({**DOCUMENT, "data": DOCUMENT["data"] | data})
    names = {"waves": table, "valid": valid, "test": test}
    tables = Tables(*(given and Table(given, name) for name, given in names.items()))
    prepared = prepare(config, tables, lambda _: None)
    return prepared.fields, prepared.splits


def hours(begin: int, end: int) -> dict:
    """These hours of the waves of 100 hours."""
    table = waves(steps=100)
    rows = [row for row, hour in enumerate(table["hour"]) if begin <= hour < end]
    return {name: [column[row] for row in rows] for name, column in table.items()}


def test_the_next_reading_is_predicted_better_than_by_what_a_memoryless_guess_knows(model):
    # -log p of the noise alone, 0.07 deviations a channel, is 2 (log 0.07 + 1.42) = -2.5; of no knowledge 2.8; of the
    # reading before alone, which the wave moves 0.5 deviations away from, 1.6.
    assert model.config.model["topology"] == "next-step"
    assert model.metrics["test"]["nats"] < -0.5


def test_series_are_cut_in_time_and_scaled_by_what_trains_alone():
    table = waves(steps=100)
    fields, parts = parts_of(table)
    later = {
        **table,
        "load": [v * 50 if hour >= 80 else v for v, hour in zip(table["load"], table["hour"], strict=True)],
    }
    others, _ = parts_of(later)

    field = fields.targets["series"]
    oldest = [v for v, hour in zip(table["load"], table["hour"], strict=True) if hour < 80]
    assert field.mean[0] == pytest.approx(np.mean(oldest))
    assert others.targets["series"].learned() == field.learned()
    lengths = [part.targets["series"].lengths.tolist() for part in parts]
    assert lengths == [[80, 80], [10, 10], [10, 10]]
    newest = field.unscaled(parts.test.targets["series"][0])
    np.testing.assert_allclose(newest[:, 0], table["load"][90:100], rtol=1e-5)


def test_what_trains_is_cut_into_pieces_and_nothing_is_lost():
    table = waves(steps=400)
    _, parts = parts_of(table)
    fields, cut = parts_of(table, test_fraction=0.0, valid_fraction=0.0)

    assert parts.train.targets["series"].lengths.tolist() == [128, 128, 64] * 2
    assert cut.valid is None
    assert cut.test is None
    whole = fields.targets["series"].unscaled(cut.train.targets["series"].values)
    np.testing.assert_allclose(whole[:, 0], table["load"], rtol=1e-5)


def test_without_an_id_all_rows_are_one_series_in_order_of_time():
    table = shuffled(waves(steps=50, machines=("m1",)))
    fields, parts = parts_of(table, id=None)
    values = fields.targets["series"].unscaled(parts.train.targets["series"].values)
    expected = [v for _, v in sorted(zip(table["hour"], table["load"], strict=True))][:40]
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-5)


def test_parts_that_are_given_must_follow_each_other_in_time():
    _, parts = parts_of(hours(0, 60), hours(60, 80), hours(80, 100))
    _, cut = parts_of(hours(0, 100), valid_fraction=0.2, test_fraction=0.2)
    for part, same in zip(parts[:3], cut[:3], strict=True):
        np.testing.assert_array_equal(part.targets["series"].values, same.targets["series"].values)
    assert parts.test.place(1) == "test: row 21"  # of the second machine
    late = r"valid: row 1: the time must be later than the split before, which ends with 59, got 50"
    with pytest.raises(DataError, match=late):
        parts_of(hours(0, 60), hours(50, 80), hours(80, 100))
    with pytest.raises(DataError, match=r"test: row 1: the time must be later than the split before"):
        parts_of(hours(0, 60), hours(60, 80), hours(79, 100))
    with pytest.raises(ConfigError, match=r"data.test_fraction must be 0 if data.valid is given, which is later"):
        parts_of(hours(0, 60), hours(60, 80))
    _, both = parts_of(hours(0, 60), hours(60, 80), test_fraction=0.0)
    assert both.test is None
    assert len(both.valid.targets["series"].values) == 40


def test_too_few_steps_and_a_split_by_value_are_refused():
    with pytest.raises(DataError, match="have enough steps for every split"):
        parts_of(waves(steps=3))
    gaps = {"series": {"kind": "series", "columns": ["load"], "missing": "refuse"}}
    with pytest.raises(DataError, match="have enough steps for every split, got 0 steps in 0 series"):
        elman.train({"t": [1, 2, 3], "load": [1, None, 3]}, input=gaps, time="t", bad_rows="skip", quiet=True)
    with pytest.raises(ConfigError, match=r"data\.time must go without a split by value"):
        parts_of(waves(steps=30), split_group="machine")
    with pytest.raises(DataError, match="column 'text' must be a number, got 'a b'"):  # a row is a step
        elman.train({"t": [1, 2], "text": ["a b", "c d"]}, input="text", time="t", quiet=True)


@pytest.mark.parametrize("distribution", ["gaussian", "student-t", "quantiles"])
def test_every_distribution_is_trained_sampled_and_kept(distribution, tmp_path):
    options = {"kind": "series", "columns": ["load", "heat"], "distribution": distribution}
    trained_model = elman.train(
        waves(steps=200),
        input={"series": options},
        id="machine",
        time="hour",
        model=DOCUMENT["model"],
        train={"epochs": 2, "lr": 0.01, "batch": 4},
        quiet=True,
        out=tmp_path / "run",
    )
    again = elman.load(tmp_path / "run")
    [[drawn]] = trained_model.generate(max_length=7, seed=3, temperature=1.0)
    [[once_more]] = again.generate(max_length=7, seed=3, temperature=1.0)
    [[other]] = trained_model.generate(max_length=7, seed=4, temperature=1.0)
    assert drawn.shape == (7, 2)
    assert drawn.tolist() == once_more.tolist()
    assert drawn.tolist() != other.tolist()
    assert set(trained_model.metrics["test"]) == {"loss", "pinball" if distribution == "quantiles" else "nats"}


def test_the_likeliest_continues_the_wave_that_stands_before_it(model):
    table = waves(steps=60, seed=5, machines=("m1",))
    before = np.stack([table["load"], table["heat"]], 1)
    [[goes_on]] = model.generate([before.tolist()], beam=1, max_length=12)
    truth = 100 + 10 * np.sin(2 * np.pi * np.arange(60, 72) / 12)
    assert np.abs(goes_on[60:, 0] - truth).max() < 4
    assert model.target.names() == ["load", "heat"]


def test_quantiles_go_with_their_distribution_and_options_of_a_target_are_none_of_an_input():
    with pytest.raises(ArgumentError, match="quantiles must go with distribution"):
        Series("x", quantiles=[0.1, 0.9])
    assert Series("x", distribution="quantiles", quantiles=[0.1, 0.9]).distribution.size == 2
    with pytest.raises(ArgumentError, match="quantiles must be at least two that rise"):
        Series("x", distribution="quantiles", quantiles=[])
    inputs = {"s": {"kind": "series", "distribution": "student-t"}}
    with pytest.raises(ConfigError, match="distribution"):
        elman.train({"s": [[1, 2]] * 9, "y": ["a", "b", "a"] * 3}, input=inputs, target="y", quiet=True)


def test_patches_lay_readings_side_by_side_and_fill_up_the_last():
    field = Series("s", patch=4, hop=2)
    values = field.parse([[0, 10], [1, 11], [2, 12], [3, 13], [4, 14]])
    field.fit([values])
    steps = field.encode(values) * np.tile(field.standard_deviation, 4) + np.tile(field.mean, 4)
    assert steps[:, ::2].round(4).tolist() == [[0, 1, 2, 3], [2, 3, 4, 4]]
    assert steps[1, 1::2].round(4).tolist() == [12, 13, 14, 14]
    assert field.step_names(values) == ["0 10 .. 3 13", "2 12 .. 4 14"]
    assert ENCODERS["series"](field).output_size == 8
    for length in range(1, 9):  # every reading is in a patch, and a shorter series has one
        row = Series("s", patch=4, hop=3)
        row.fit([np.arange(9.0)[:, None]])
        at = row.encode(np.arange(float(length))[:, None]) * row.standard_deviation + row.mean
        assert set(at.round().ravel().tolist()) == set(range(length))
    with pytest.raises(ArgumentError, match=r"hop must lie between 1 and 4, got 5"):
        Series("s", patch=4, hop=5)


def test_noise_is_of_training_alone_and_has_its_standard_deviation():
    field = Series("s", noise=0.5)
    field.fit([np.arange(9.0)[:, None]])
    encoder, x = ENCODERS["series"](field), torch.zeros(50, 40, 1)
    assert torch.equal(encoder.eval()(x), x)
    torch.manual_seed(0)
    assert float(encoder.train()(x).std()) == pytest.approx(0.5, rel=0.05)
