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
from elman.config import read_toml
from elman.errors import TrainingError
from elman.experiment import run
from elman.network import Network
from elman.training import METRICS, Reporter, Trainer
from elman.training import loop as loop_module
from elman.training.optimise import adamw, rate

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
    log = [json.loads(line) for line in model.keepsakes["log.jsonl"].splitlines()]
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
        losses = plain(self, *batch)
        return torch.cat([losses[:-1], losses[-1:] * math.nan]) if len(calls) == 2 else losses

    monkeypatch.setattr(Network, "loss", poisoned)
    message = r"the loss must be finite, got nan at step 2 \(epoch 1; rows: the table: row \d+\)\. .*lower train\.lr"
    with pytest.raises(TrainingError, match=message):
        small()


def test_what_was_best_before_a_divergence_is_written(tmp_path, monkeypatch):
    plain = loop_module.Run._step

    def explode(self, *batch):
        if self.history.step == 7:
            raise TrainingError("training: the loss must be finite, got nan at step 8.")
        return plain(self, *batch)

    monkeypatch.setattr(loop_module.Run, "_step", explode)
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
    plain = torch.nn.utils.clip_grad_norm_

    def watch(parameters, limit):
        parameters = list(parameters)
        found = plain(parameters, limit)
        norms.append(float(torch.cat([p.grad.flatten() for p in parameters]).norm()))
        return found

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watch)
    small(epochs=1, train={"clip": 0.01})
    assert max(norms) <= 0.01001


def test_schedules_rise_and_fall_as_described():
    cosine = [rate("cosine", step, 100, 0.1, 0) for step in range(100)]
    assert cosine[:10] == sorted(cosine[:10])
    assert cosine[10:] == sorted(cosine[10:], reverse=True)
    assert max(cosine) == 1
    assert cosine[-1] < 0.001
    assert rate("cosine", 55, 100, 0.1, 0) == pytest.approx(0.5)
    assert [rate("constant", step, 100, 0.0, 0) for step in (0, 99)] == [1, 1]
    assert [rate("plateau", 50, 100, 0.0, halvings) for halvings in (0, 1, 2)] == [1, 0.5, 0.25]


def test_the_plateau_schedule_halves_when_the_score_stands_still():
    model = small(epochs=60, train={"lr": 0.1, "schedule": "plateau", "warmup": 0.0, "patience": 0})
    log = [json.loads(line) for line in model.keepsakes["log.jsonl"].splitlines()]
    rates = [row["lr"] for row in log]
    assert rates[0] == 0.1
    assert rates[-1] < 0.1
    assert all(later in (earlier, earlier / 2) for earlier, later in itertools.pairwise(rates))


def test_only_matrices_decay():
    layer = elman.GRU(3, 4)
    groups = adamw(layer, 1e-3, 0.1).param_groups
    assert [(group["weight_decay"], {p.dim() for p in group["params"]}) for group in groups] == [(0.1, {2}), (0.0, {1})]


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
        Trainer(**{option: value})


def test_a_quiet_reporter_says_nothing(capsys):
    Reporter(quiet=True).note("something")
    assert capsys.readouterr() == ("", "")
