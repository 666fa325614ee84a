"""Forecasts by an encoder-decoder: the past is read whole, each step ahead is predicted beside what is known of it."""

import numpy as np
import pytest
import torch

import elman
from elman.data import BadRows, from_memory
from elman.errors import ArgumentError, ConfigError
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import forecast
from elman.inference import evaluate
from elman.network import own_state
from elman.topologies import Encoded, EncoderDecoderAhead
from elman.training.loop import TrainingRun
from tests.loads import HOURS, LOAD, TABLE, document, values

PLAN = np.random.default_rng(0).choice([-1.0, 1.0], 900)
LATE = {  # what is sold is as planned, or the reverse after a day with a low plan
    "day": list(range(900)),
    "plan": PLAN.tolist(),
    "sales": (PLAN * np.roll(PLAN, 1) + np.random.default_rng(1).normal(0, 0.1, 900)).tolist(),
}
PLANNED = {**TABLE, "plan": np.cos(HOURS).tolist()}
AHEAD = {"topology": "encoder-decoder"}


def sold(**model):
    data = {"horizon": 4, "window": 8, "time": "day", "known": ["plan"]}
    sides = {"input": ["sales", "plan"], "target": {"sales": {"head": "mse"}}}
    body = {"hidden": 12, "dropout": 0.0, **model}
    return elman.train(LATE, **sides, data=data, model=body, train={"epochs": 8, "lr": 0.02}, quiet=True)


def planned(**sections):
    given = document(data={"known": ["plan"]}, **{"model": AHEAD, **sections})
    return elman.train(PLANNED, **given, quiet=True)


@pytest.fixture(scope="module")
def model():
    return planned()


def weights(model):
    return {name: tensor.tolist() for name, tensor in own_state(model.network).items()}


def test_an_effect_that_comes_a_step_late_is_learned_which_a_network_without_memory_cannot():
    late, blind = sold(cell="gru", topology="encoder-decoder"), sold(cell="memoryless", topology="many-to-one")
    assert late.config.model["topology"] == late.info()["topology"] == "encoder-decoder-ahead"
    assert late.metrics["test"]["mse"] < 0.1 < 0.8 < blind.metrics["test"]["mse"]


def test_where_nothing_is_known_ahead_the_steps_are_distinguished():
    wave = {"hour": HOURS.tolist(), "load": np.sin(HOURS * np.pi / 6).tolist()}
    given = document(target={"load": {"head": "mse"}}, model={**AHEAD, "hidden": 12, "dropout": 0.0})
    model = elman.train(wave, **{**given, "train": {"epochs": 30, "lr": 0.02}}, quiet=True)
    assert model.metrics["test"]["mse"] < 0.05  # the last value alone is 0.9 off
    numbers = model.network.topology._numbers(torch.zeros(2, 5, 1))
    assert numbers[1, :, 0].tolist() == [0.25, 0.5, 0.75, 1.0]


def test_all_steps_share_one_head_and_one_step_of_the_decoder(model):
    linear, field = model.network.heads[0].linear, model.fields.targets["load"]
    assert tuple(linear.weight.shape) == (field.distribution.size, 4)
    assert model.network.topology.output_size == field.horizon * 4


def test_a_step_ahead_sees_what_is_known_until_it_and_no_further(model):
    shown = {**PLANNED, "load": [*LOAD[:200], *[None] * 40]}
    changed = {**shown, "plan": [*shown["plan"][:202], 9.0, *shown["plan"][203:]]}
    (one,), (other,) = values(forecast(model, shown)), values(forecast(model, changed))
    assert one[:2] == other[:2]
    assert one[2] != other[2]
    assert one[3] != other[3]  # by the decoder's memory


@pytest.mark.parametrize("attention", ["none", "dot"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_no_forecast_sees_the_future(bidirectional, attention):
    model, cut = planned(model={**AHEAD, "bidirectional": bidirectional, "attention": attention}), 150
    other = {**PLANNED, "load": [*LOAD[:cut], *np.random.default_rng(1).normal(99, 50, 240 - cut)]}
    predicted = []
    for table in (PLANNED, other):
        windows = model.layout.examples(from_memory(table), BadRows())
        predicted.append(evaluate(model.network, windows)["load"].predictions)
    for one, changed, origin in zip(*predicted, windows.origins, strict=True):
        assert (one == changed) == (origin <= cut)


@pytest.mark.parametrize("attention", ["none", "dot", "additive"])
def test_what_stands_in_the_padding_and_who_is_in_the_batch_change_nothing(attention):
    torch.manual_seed(0)
    topology = EncoderDecoderAhead(3, 2, 1, 4, cell="lstm", hidden=5, bidirectional=True, attention=attention).eval()
    steps, lengths = torch.randn(3, 6, 3), torch.tensor([6, 1, 4])
    single, ahead = torch.randn(3, 2), torch.randn(3, 4, 1)
    poisoned = steps.clone()
    poisoned[1, 1:], poisoned[2, 4:] = torch.nan, torch.inf
    predicted = topology(Encoded(steps, lengths, single, ahead)).single
    assert torch.equal(predicted, topology(Encoded(poisoned, lengths, single, ahead)).single)
    for row, length in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        alone = topology(Encoded(steps[own, :length], lengths[own], single[own], ahead[own])).single
        torch.testing.assert_close(alone, predicted[own], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("normalize", ["none", "last", "window", "seasonal-difference"])
@pytest.mark.parametrize("head", ["mae", "quantiles", "student-t"])
def test_it_is_saved_sampled_from_and_backtested_as_other_forecasts(head, normalize, tmp_path):
    options = {"head": head, "normalize": normalize, "calibrate": head != "mae"}
    model = planned(target={"load": options}, train={"epochs": 1})
    model.save(tmp_path / "run")
    again, history = elman.load(tmp_path / "run"), {**PLANNED, "load": [*LOAD[:236], *[None] * 4]}
    paths = 0 if head == "mae" else 3
    (one,), (other,) = forecast(model, history, paths=paths), forecast(again, history, paths=paths)
    assert (one.forecast, one.quantiles, one.paths.tolist()) == (other.forecast, other.quantiles, other.paths.tolist())
    assert one.paths.shape == (paths, 4)
    assert again.evaluate(PLANNED) == model.evaluate(PLANNED)
    assert backtest(again, PLANNED) == backtest(model, PLANNED)


def test_a_training_that_was_cut_off_ends_with_the_same_bits(tmp_path, monkeypatch):
    options = {**document(data={"known": ["plan"]}, model=AHEAD, train={"checkpoint_steps": 1}), "quiet": True}
    whole = elman.train(PLANNED, **options)
    steps, plain = [], TrainingRun._step

    def step(self, batch):
        steps.append(batch)
        if len(steps) == 4:
            raise SystemExit
        return plain(self, batch)

    monkeypatch.setattr(TrainingRun, "_step", step)
    with pytest.raises(SystemExit):
        elman.train(PLANNED, out=tmp_path / "run", **options)
    monkeypatch.undo()
    assert weights(elman.resume(tmp_path / "run", PLANNED)) == weights(whole)


CHANGES = [
    {"cell": "lstm"},
    {"hidden": 5},
    {"layers": 2},
    {"bidirectional": True},
    {"attention": "dot"},
    {"attention": "additive"},
    {"dropout": 0.0},
    {"recurrent_dropout": 0.3},
    {"weight_drop": 0.3},
    {"zoneout": 0.3},
]


@pytest.mark.parametrize("options", CHANGES, ids=str)
def test_an_option_changes_what_is_trained(options, model):
    assert weights(planned(model={**AHEAD, **options})) != weights(model)


def test_the_backend_and_the_memory_are_those_that_were_named():
    bodies = EncoderDecoderAhead(3, 0, 1, 4, backend="reference", memory="low").bodies
    for body in (bodies.encoder, bodies.decoder.body):
        assert (body.backend, body.memory) == ("reference", "low")


def test_a_locked_mask_changes_what_is_trained():
    deep = {**AHEAD, "layers": 2}
    assert weights(planned(model=deep)) != weights(planned(model={**deep, "locked": True}))


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        ({"model": {"cell": "memoryless"}}, ArgumentError, "cell must read the state where the past comes in by it"),
        ({"model": {"attention": "cosine"}}, ArgumentError, "attention must be one of none, additive, dot"),
        ({"model": {"condition": "end"}}, ConfigError, "condition"),
        ({"model": {"pooling": "mean"}}, ConfigError, "pooling"),
        ({"model": {"scheduled_sampling": 0.1}}, ConfigError, "scheduled_sampling"),
        ({"input": {"past": {"kind": "lags", "columns": ["load"]}}}, ConfigError, "must be one of one-to-one for what"),
        (
            {"data": {}, "target": {"plan": {}}, "model": {"topology": "encoder-decoder-ahead"}},
            ConfigError,
            "model.topology must go with data.horizon, the steps ahead",
        ),
        (
            {"data": {"horizon": 4}, "model": {"topology": "one-to-many"}},
            ConfigError,
            "must be one of encoder-decoder, many-to-many, many-to-one, one-to-one for what is read",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(sections, error, said):
    given = {**document(), **sections, "model": {**AHEAD, **sections.get("model", {})}}
    with pytest.raises(error, match=said):
        elman.train(PLANNED, **given, quiet=True)
