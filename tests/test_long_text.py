"""One long text: read in chunks it is what it is read whole, trained, scored, stopped and continued."""

import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import CELLS, built
from test_resume import outcome, stop_at
from verbs import call

import elman
from elman.data import Batch, StreamExamples
from elman.errors import ConfigError, DataError
from elman.inference import evaluate
from elman.network import Carried
from elman.training import Reporter, TrainingOptions, TrainingRun, report, train_network
from elman.types import Column

RANDOM = np.random.default_rng(0)
LINES = [" ".join(RANDOM.choice(["the", "cat", "sat", "on", "a", "mat"], RANDOM.integers(3, 8))) for _ in range(60)]
IDS = RANDOM.integers(4, 12, 100)
INPUT = {"text": {"tokenizer": "character", "embedding": 8, "dropout": 0.0}}
SMALL = {"input": INPUT, "hidden": 8, "epochs": 3, "quiet": True}


def whole(ids: np.ndarray = IDS) -> Batch:
    column = Column(ids[None], np.array([len(ids)]))
    return Batch({}, {"text": column}, np.zeros(1, np.int64))


def chunks(size: int, ids: np.ndarray = IDS, lanes: int = 1) -> list[Batch]:
    return list(StreamExamples("text", ids, size, "a text").scored(lanes))


def gradients(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


def close(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], rtol: float = 1e-4) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=rtol, atol=1e-6, msg=lambda said, at=name: f"{at}: {said}")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("size", [1, 7, 63])
def test_chunks_have_the_values_and_losses_of_the_whole(size, cell):
    network = built("next-step", cell, layers=2)[0].network
    with torch.no_grad():
        features = network(whole())
        expected = network.loss(whole()).rows
        parts, total, carried = [], torch.zeros(1), None
        for chunk in chunks(size):
            carried = carried if chunk.follows else None
            batch = network.tensors(chunk)
            own = network(batch, carried)
            parts.append(own.steps)
            total += network.losses(own, batch.targets)["text"]
            carried = network.carried(own, batch)

    near = 1e-5 * max(1.0, float(features.steps.abs().max()))  # rnn-identity is bounded by nothing
    torch.testing.assert_close(torch.cat(parts, 1), features.steps, rtol=0, atol=near)
    torch.testing.assert_close(total, expected, rtol=1e-5, atol=0)
    for found, state in zip(carried.state, features.state, strict=True):
        torch.testing.assert_close(found, state, rtol=0, atol=near)


@pytest.mark.parametrize("cell", CELLS)
def test_two_chunks_whose_gradient_is_not_cut_have_that_of_the_whole(cell):
    network = built("next-step", cell)[0].network
    network.loss(whole()).part.backward()
    expected = gradients(network)
    network.zero_grad(set_to_none=True)
    first, second = map(network.tensors, chunks(50))
    totals = {"text": torch.tensor(len(IDS))}

    begun = network(first)
    rest = network(second, Carried(first.targets["text"].values[:, -1], begun.state))
    losses = [network.losses(own, batch.targets)["text"] for own, batch in ((begun, first), (rest, second))]
    (torch.cat(losses).sum() / len(IDS)).backward()

    close(gradients(network), expected)
    network.zero_grad(set_to_none=True)
    handed_on = network.loss(first, totals)
    (handed_on.part + network.loss(second, totals, handed_on.carried).part).backward()
    cut = gradients(network)
    differs = any(not torch.allclose(cut[name], gradient, rtol=1e-3, atol=1e-7) for name, gradient in expected.items())
    assert differs == (cell != "memoryless")


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_chunks_have_the_gradient_of_truncated_backpropagation_over_the_whole(cell):
    network = built("next-step", cell, bptt=30)[0].network.train()
    for module in network.modules():
        module.dropout = 0.0 if isinstance(getattr(module, "dropout", None), float) else getattr(module, "dropout", 0)
    network.loss(whole()).part.backward()
    expected = gradients(network)
    network.zero_grad(set_to_none=True)
    totals, carried = {"text": torch.tensor(len(IDS))}, None

    for batch in chunks(30):
        loss = network.loss(batch, totals, carried if batch.follows else None)
        loss.part.backward()
        carried = loss.carried

    close(gradients(network), expected)


@pytest.mark.parametrize(("steps", "lanes"), [(100, 1), (99, 4), (33 * 3 - 1, 32), (5, 32), (64 * 3, 32)])
def test_every_step_is_scored_once_however_many_lanes_there_are(steps, lanes):
    network = built("next-step")[0].network
    ids = RANDOM.integers(4, 12, steps)
    examples = StreamExamples("text", ids, 3, "a text")
    batches = chunks(3, ids, lanes)

    assert sum(int(batch.targets["text"].lengths.sum()) for batch in batches) == steps
    found = evaluate(network, examples, answers=False)["text"]

    assert found.steps.sum() == steps
    assert (found.steps == examples.lengths).all()
    assert (found.losses > 0).all()


def trained(ids: np.ndarray, **train: object) -> dict[str, torch.Tensor]:
    """The weights after two epochs without noise."""
    network = built("next-step", dropout=0.0)[0].network
    network.feedback.dropout = 0.0
    examples = StreamExamples("text", ids, 4, "a text")
    train_network(TrainingOptions(epochs=2, clip=0.0, **train), network, examples, None, Reporter(quiet=True))
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


@pytest.mark.parametrize("pieces", [1, 3, 5])
def test_micro_batches_of_a_stream_change_nothing_beyond_rounding(pieces):
    ids = RANDOM.integers(4, 12, 75)  # 19 chunks in 8 lanes, of which the last have nothing to read
    expected = trained(ids, batch=8)

    close(trained(ids, batch=8, micro_batch=pieces), expected, rtol=1e-3)


def test_lanes_continue_from_batch_to_batch_and_begin_anew_with_an_epoch():
    examples = StreamExamples("text", IDS, 5, "a text")
    first, second = (list(examples.batches(4, seed=0, epoch=epoch)) for epoch in (0, 1))

    lanes = np.concatenate([batch.targets["text"].values for batch in first], 1)

    np.testing.assert_array_equal(lanes.flatten(), IDS)
    assert [batch.follows for batch in first] == [False, True, True, True, True]
    assert sorted(np.concatenate([batch.targets["text"].values for batch in second], 1).flatten().tolist()) == sorted(
        IDS
    )
    assert not np.array_equal(second[0].targets["text"].values, first[0].targets["text"].values)
    later = list(examples.batches(4, seed=0, epoch=1, begin=3))
    assert [
        np.array_equal(a.targets["text"].values, b.targets["text"].values)
        for a, b in zip(later, second[3:], strict=True)
    ]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_text("\n".join(LINES) + "\n")
    return path


HOW = {
    "gru": {"cell": "gru", "train": {"batch": 4}, "model": {"bptt": 16}},
    "tied, mean of the weights": {
        "cell": "lstm", "train": {"batch": 4, "average": "ema"}, "model": {"bptt": 16},
        "input": {"text": INPUT["text"] | {"tied": True, "dropout": 0.2}},
    },
    "pieces, low memory": {"cell": "lstm", "train": {"batch": 6, "micro_batch": 4},
                           "model": {"bptt": 16, "memory": "low", "initial_state": "learned"}},
    "bfloat16": {"cell": "gru", "train": {"batch": 4, "precision": "bfloat16"}, "model": {"bptt": 16}},
}  # fmt: skip


def options(how: str, every: int) -> dict:
    given = SMALL | HOW[how]
    return given | {"train": {"checkpoint_steps": every, "patience": 0, **given["train"]}}


@pytest.mark.parametrize("how", HOW)
def test_a_stream_that_is_stopped_ends_as_if_it_had_not_been(how, text, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None)  # no picture of the curves
    model = elman.train(text, out=tmp_path / "whole", **options(how, 100))
    expected, steps = outcome(tmp_path / "whole"), model.metrics["training"]["steps"]
    with monkeypatch.context() as patch:
        stop_at(patch, steps // 2 + 1)
        elman.train(text, out=tmp_path / "run", **options(how, 100))
    assert elman.load(tmp_path / "run").metrics["training"]["ended"] == "interrupted"

    elman.resume(tmp_path / "run")

    assert outcome(tmp_path / "run") == expected


def killed_at(folder: Path, text: Path, step: int) -> None:
    """Train until before this step, where the process kills itself."""
    report.find_spec = lambda name: None
    plain = TrainingRun._step

    def dying(self, *batch):
        if self.history.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, *batch)

    TrainingRun._step = dying
    torch.set_num_threads(1)
    elman.train(text, out=folder, **options("gru", 3))


def test_a_stream_that_is_killed_ends_as_if_it_had_not_been(text, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    elman.train(text, out=tmp_path / "whole", **options("gru", 3))
    process = multiprocessing.get_context("fork").Process(target=killed_at, args=(tmp_path / "run", text, 29))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    elman.resume(tmp_path / "run")

    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


@pytest.fixture(scope="module")
def poet(tmp_path_factory) -> elman.Model:
    folder = tmp_path_factory.mktemp("poet")
    (folder / "poem.txt").write_text("\n".join(LINES[:50]) + "\n")
    (folder / "rest.txt").write_text("\n".join(LINES[50:]) + "\n")
    model = elman.train(folder / "poem.txt", data={"test": str(folder / "rest.txt")}, **options("gru", 100))
    return model.save(folder / "run")


def test_one_long_text_is_scored_as_one_after_training_too(poet, tmp_path):
    for name, lines in (("rest.txt", LINES[50:]), ("rest.md", LINES[50:])):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        found = elman.load(poet.path).evaluate(tmp_path / name)
        assert found["metrics"] == {name: poet.metrics["test"][name] for name in ("nats", "bits")}
    assert poet.evaluate([line + "\n" for line in LINES[50:]])["metrics"] == found["metrics"]


def test_one_long_text_is_one_row_of_all_its_symbols(poet, capsys):
    path = poet.path.parent / "rest.txt"

    found = json.loads(call(capsys, "evaluate", poet.path, path, "--format", "json")[0])

    assert (found["rows"], found["symbols"]) == (1, len(path.read_text()))
    assert call(capsys, "evaluate", poet.path, path)[0].split()[:2] == ["rows", "symbols"]


def test_the_symbols_of_texts_that_are_generated_count_with_their_ends():
    pairs = {"x": ["a b", "b"] * 10, "y": ["one two", "three"] * 10}
    kinds = {"input": {"x": {"kind": "text"}}, "target": {"y": {"kind": "text", "tokenizer": "word"}}}
    model = elman.train(pairs, **kinds, hidden=4, epochs=1, quiet=True)

    found = model.evaluate(pairs)

    assert (found["rows"], found["symbols"]) == (20, 10 * (2 + 1) + 10 * (1 + 1))


def test_no_answers_are_looked_for_where_the_loss_is_all_that_is_scored(poet, tmp_path, monkeypatch):
    monkeypatch.setattr(elman.inference.batches, "answer", lambda *_: pytest.fail("an answer was looked for"))

    assert poet.evaluate(LINES)["metrics"]["nats"] > 0


def test_the_end_of_the_text_is_the_test_and_nothing_is_learned_of_it(text):
    text.write_text("\n".join([*LINES, "Q"] * 3) + "\nZebras\n")
    model = elman.train(text, **options("gru", 100))

    assert "Q" in model.target.symbols()
    assert "Z" not in model.target.symbols()


@pytest.mark.parametrize(("content", "more", "error", "says"), [
    ("a\n", {}, DataError, "poem.txt must have enough text for every split, got 2 characters"),
    ("", {}, DataError, "poem.txt: a table must have at least one row"),
    ("\n", {"input": "text", "data": {"valid_fraction": 0.0, "test_fraction": 0.0}}, DataError, "got none"),
    ("a b c\n" * 99, {"data": {"split_group": "text"}}, ConfigError, "data.stream must go without a split by value"),
    ("a b c\n" * 99, {"target": "text", "data": {"stream": True}}, ConfigError, "another name than the input"),
])  # fmt: skip
def test_what_does_not_go_with_one_long_text_is_said(content, more, error, says, text):
    text.write_text(content)
    with pytest.raises(error, match=says):
        elman.train(text, **SMALL | more)


def test_a_stream_of_what_is_no_text_is_refused():
    with pytest.raises(DataError, match="row 2: column 'text' must be text, got 3"):
        elman.train({"text": ["one", 3] * 30}, input={"text": {"kind": "text"}}, data={"stream": True}, quiet=True)
