"""Training keeps its promises: same seed same bits, the best weights kept, nothing lost when it is cut short."""

import itertools
import json
import math
import signal
import threading
import time

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

import elman
from elman.config.configuration import read_toml
from elman.errors import TrainingError
from elman.metrics import METRICS
from elman.network import Network
from elman.training import Reporter, TrainingOptions
from elman.training import loop as loop_module
from elman.training.averaging import WeightAverage
from elman.training.optimizer import AdamW, add_noise, learning_rate_factor
from elman.training.train import run

WORDS = ["good", "bad", "fine", "poor", "great", "dull"]


def table(rows: int = 120) -> dict[str, list]:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, random.integers(2, 7))) for _ in range(rows)]
    return {"text": texts, "label": ["yes" if "good" in text.split() else "no" for text in texts]}


def small(**options):
    given = {"input": "text", "target": "label", "cell": "gru", "hidden": 8, "epochs": 3, "quiet": True} | options
    return elman.train(table(), **given)


def weights(model) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def equal(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a).values(), weights(b).values(), strict=True))


def test_same_seed_same_bits_and_another_seed_others(threads):
    options = {"bidirectional": True, "model": {"dropout": 0.5, "initial_state": "random"}}
    first = small(**options)
    torch.rand(7)  # what the caller draws in between must not matter
    assert equal(first, small(**options))
    assert not equal(first, small(**options, seed=1))


def test_training_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    small()
    assert torch.equal(torch.rand(1), expected)


def test_the_configuration_in_the_run_directory_repeats_the_run(tmp_path):
    csv = tmp_path / "data.csv"
    rows = table()
    csv.write_text("text,label\n" + "\n".join(f"{t},{y}" for t, y in zip(*rows.values(), strict=True)))
    first = elman.train(csv, input="text", target="label", hidden=8, epochs=2, out=tmp_path / "run", quiet=True)

    again = run(read_toml(tmp_path / "run" / "run.toml"))

    assert equal(first, again)
    assert first.config == again.config


def test_validation_and_test_files_serve_a_table_in_memory_too(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("text,label\n" + "good,yes\ndull,no\n" * 4)
    model = small(data={"valid": str(other), "test": str(other)})
    assert model.metrics["valid"] == pytest.approx(model.metrics["test"])
    assert model.evaluate(other)["rows"] == 8


def test_the_weights_that_were_best_on_the_validation_split_are_kept():
    model = small(epochs=12, train={"lr": 0.05, "patience": 0})
    log = [json.loads(line) for line in model.artifacts["log.jsonl"].splitlines()]
    best = max(log, key=lambda row: (row["valid_accuracy"], -row["valid_loss"]))  # of equal scores the lower loss
    assert len(log) == 12
    assert model.metrics["valid"]["accuracy"] == best["valid_accuracy"]
    assert model.metrics["training"]["best_epoch"] == best["epoch"]


def test_patience_ends_a_training_that_stands_still():
    model = small(epochs=50, train={"lr": 0.1, "schedule": "constant", "patience": 3})
    training = model.metrics["training"]
    assert training["ended"] == "patience"
    assert training["epochs"] == training["best_epoch"] + 3


def test_minutes_end_a_training():
    model = small(epochs=10_000, minutes=0.02, train={"patience": 0})
    training = model.metrics["training"]
    assert training["ended"] == "minutes"
    assert training["epochs"] > 1
    assert training["minutes"] == pytest.approx(0.02, abs=0.02)


def test_every_evaluation_is_logged_and_drawn(tmp_path):
    small(train={"evaluations": 2}, out=tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [round(step / 3, 4) for step in (2, 3, 5, 6, 8, 9)]
    assert {"step", "lr", "train_loss", "valid_loss", "valid_accuracy", "sequences_per_second"} <= set(rows[0])
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_row(monkeypatch):
    plain, calls = Network.loss, []

    def poisoned(self, *batch):
        calls.append(batch)
        loss = plain(self, *batch)
        poison = torch.cat([torch.ones(len(loss.rows) - 1), torch.tensor([math.nan])])
        return loss._replace(part=loss.part * math.nan, rows=loss.rows * poison) if len(calls) == 2 else loss

    monkeypatch.setattr(Network, "loss", poisoned)
    message = r"the loss must be finite, got nan at step 2 \(rows: the table: row \d+\)\. .*lower train\.lr"
    with pytest.raises(TrainingError, match=message):
        small()


def test_what_was_best_before_a_divergence_is_written(tmp_path, monkeypatch):
    plain = loop_module.TrainingRun._step

    def explode(self, *batch):
        if self.history.step == 7:
            raise TrainingError("training: the loss must be finite, got nan at step 8.")
        return plain(self, *batch)

    monkeypatch.setattr(loop_module.TrainingRun, "_step", explode)
    with pytest.raises(TrainingError, match=r"step 8\. The best weights before it \(epoch \d"):
        small(out=tmp_path / "run")
    assert elman.load(tmp_path / "run").metrics["training"]["ended"] == "diverged"


def test_an_interrupt_keeps_the_best_so_far():
    before = signal.getsignal(signal.SIGINT)
    interrupt = threading.Thread(target=lambda: (time.sleep(1.5), signal.raise_signal(signal.SIGINT)))
    interrupt.start()
    model = small(epochs=100_000, train={"patience": 0})
    interrupt.join()
    assert model.metrics["training"]["ended"] == "interrupted"
    assert len(model.predict(["good"])) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_the_gradient_is_clipped_to_its_norm(monkeypatch):
    norms = []
    plain = AdamW.step

    def watch(optimizer):
        norms.append(float(torch.cat([p.grad.flatten() for p in optimizer.parameters]).norm()))
        plain(optimizer)

    monkeypatch.setattr(AdamW, "step", watch)
    small(epochs=1, train={"clip": 0.01})
    assert 0.0099 < max(norms) <= 0.01001


def without_noise(**train):
    data = {"text": {"dropout": 0.0, "word_dropout": 0.0}}
    return small(input=data, model={"dropout": 0.0}, epochs=2, train=train)


@pytest.mark.parametrize("size", [1, 5, 31])
def test_the_rows_in_memory_at_once_change_nothing_beyond_rounding(size):
    whole, pieces = without_noise(), without_noise(micro_batch=size)
    for name, expected in weights(whole).items():
        torch.testing.assert_close(weights(pieces)[name], expected, rtol=1e-4, atol=1e-5)


def rows_in(batch) -> int:
    return len(batch.inputs["text"].values)


def test_out_of_memory_halves_the_rows_at_once_and_says_so(monkeypatch, capsys):
    plain, sizes = Network.loss, []

    def loss(self, batch, *rest):
        sizes.append(rows_in(batch))
        if rows_in(batch) > 9:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return plain(self, batch, *rest)

    expected = without_noise()
    monkeypatch.setattr(Network, "loss", loss)
    model = without_noise()
    for name, value in weights(expected).items():
        torch.testing.assert_close(weights(model)[name], value, rtol=1e-4, atol=1e-5)
    assert sizes[:3] == [32, 16, 8]
    small(quiet=False, epochs=1)
    said = capsys.readouterr().err
    assert "needs     more memory than available" in said
    assert "out of memory with 32 rows at once: from here on 16" in said


def test_scoring_too_is_cut_to_what_fits_in_memory(monkeypatch):
    expected = without_noise()
    plain, sizes = Network.forward, []

    def forward(self, batch, carried=None):
        sizes.append(rows_in(batch))
        if rows_in(batch) > 5:
            raise torch.OutOfMemoryError
        return plain(self, batch, carried)

    monkeypatch.setattr(Network, "forward", forward)
    model = without_noise(micro_batch=5)
    assert model.metrics["valid"]["loss"] == pytest.approx(expected.metrics["valid"]["loss"], rel=1e-4)
    sizes.clear()
    assert len(model.predict(["good fun"] * 40)) == 40
    assert sizes == [40, 20, 10, *[5] * 8]


def test_long_rows_are_scored_a_few_at_a_time(monkeypatch):
    from elman.inference import batches as evaluate

    model, sizes = without_noise(), []
    plain = Network.forward
    monkeypatch.setattr(evaluate, "MOST_STEPS", 50)

    def forward(self, batch, carried=None):
        sizes.append(batch.inputs["text"].values.shape)
        return plain(self, batch, carried)

    monkeypatch.setattr(Network, "forward", forward)
    texts = ["good " * (1 + row % 10) for row in range(40)]
    assert model.predict(texts).tolist() == [model.predict([text])[0] for text in texts]
    assert 1 < max(rows for rows, _ in sizes) < 40
    assert max(rows * steps for rows, steps in sizes if rows > 1) <= 50


def test_memory_that_one_row_does_not_fit_in_is_one_clear_error(monkeypatch):
    def loss(*_):
        raise MemoryError

    monkeypatch.setattr(Network, "loss", loss)
    with pytest.raises(TrainingError, match=r"a step must fit in memory, got none for one row of \d steps"):
        small()


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_the_mean_of_the_weights_is_what_its_equation_says(kind):
    layer = torch.nn.Linear(1, 1)
    average = WeightAverage(layer, kind, decay=0.9)
    path, mean, total = torch.randn(12), layer.weight.item(), 12
    for step, value in enumerate(path.tolist(), 1):
        torch.nn.init.constant_(layer.weight, value)
        average.update(layer, step, total)
        keep = min(0.9, (1 + step) / (10 + step))
        mean = keep * mean + (1 - keep) * value
    expected = mean if kind == "ema" else path[9:].mean().item()
    assert average.mean["weight"].item() == pytest.approx(expected, abs=1e-6)


def test_what_is_scored_and_kept_is_the_mean_of_the_weights(monkeypatch):
    means = []
    plain = WeightAverage.update

    def update(self, *given):
        plain(self, *given)
        means.append({name: tensor.clone() for name, tensor in self.mean.items()})

    monkeypatch.setattr(WeightAverage, "update", update)
    model = small(epochs=2, train={"average": "ema"})
    best = round(model.metrics["training"]["best_epoch"] * 3)
    assert all(torch.equal(weights(model)[name], value) for name, value in means[best - 1].items())


def test_gradient_noise_has_the_variance_of_its_equation():
    layer = torch.nn.Linear(400, 400)
    for step, eta in ((0, 0.3), (50, 0.3), (50, 1.0)):
        layer.weight.grad = torch.full_like(layer.weight, 7.0)
        add_noise(layer.parameters(), eta, step)
        noise = layer.weight.grad - 7
        assert float(noise.mean()) == pytest.approx(0, abs=0.01)
        assert float(noise.var()) == pytest.approx(eta / (1 + step) ** 0.55, rel=0.02)  # 160,000 numbers: 5 deviations


def test_waiting_for_data_is_said_where_it_takes_long(monkeypatch, capsys):
    from elman.data import Examples

    plain = Examples.batch
    monkeypatch.setattr(Examples, "batch", lambda self, rows: time.sleep(0.05) or plain(self, rows))
    model = small(epochs=1, quiet=False)
    assert model.metrics["training"]["waiting"] > 0.3
    assert "of the steps' time went into making batches" in capsys.readouterr().err


def test_schedules_rise_and_fall_as_described():
    cosine = [learning_rate_factor("cosine", step, 100, 0.1, 0) for step in range(100)]
    assert cosine[:10] == sorted(cosine[:10])
    assert cosine[10:] == sorted(cosine[10:], reverse=True)
    assert max(cosine) == 1
    assert cosine[-1] < 0.001
    assert learning_rate_factor("cosine", 55, 100, 0.1, 0) == pytest.approx(0.5)
    assert [learning_rate_factor("constant", step, 100, 0.0, 0) for step in (0, 99)] == [1, 1]
    assert [learning_rate_factor("plateau", 50, 100, 0.0, halvings) for halvings in (0, 1, 2)] == [1, 0.5, 0.25]


def test_the_plateau_schedule_halves_when_the_score_stands_still():
    model = small(epochs=60, train={"lr": 0.1, "schedule": "plateau", "warmup": 0.0, "patience": 0})
    log = [json.loads(line) for line in model.artifacts["log.jsonl"].splitlines()]
    rates = [row["lr"] for row in log]
    assert rates[0] == 0.1
    assert rates[-1] < 0.1
    assert all(later in (earlier, earlier / 2) for earlier, later in itertools.pairwise(rates))


def test_metrics_are_those_of_scikit_learn_and_the_textbook():
    random = np.random.default_rng(0)
    true, said = random.choice(list("abc"), 200).tolist(), random.choice(list("abcd"), 200).tolist()
    assert METRICS["macro_f1"].score(said, true) == pytest.approx(100 * f1_score(true, said, average="macro"))
    assert METRICS["accuracy"].score(said, true) == np.mean(np.array(said) == np.array(true))
    assert METRICS["mse"].score([1.0, 2.0], [1.0, 4.0]) == 2.0
    assert METRICS["mae"].score([1.0, 2.0], [1.0, 4.0]) == 1.0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", 0),
        ("batch", 0),
        ("lr", -1.0),
        ("lr", math.nan),
        ("warmup", 2.0),
        ("patience", -1),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_a_training_option_out_of_range_is_named(option, value):
    with pytest.raises(elman.ElmanError, match=f"train: {option} must .*, got {value}"):
        TrainingOptions(**{option: value})


def test_a_quiet_reporter_says_nothing(capsys):
    Reporter(quiet=True).note("something")
    assert capsys.readouterr() == ("", "")
