"""Several inputs and several targets: joined step by step, conditioned, weighted, and the same from a large source."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import BACK, GENERATING, LETTERS, LOAD, TABLE, TEXT, built

import elman
from elman.errors import DataError
from elman.metrics.scores import leading_metric
from elman.training.evaluate import score

QUICK = {"cell": "gru", "hidden": 16, "quiet": True}
KIND = {"kind": {"kind": "category", "embedding": 3}}


def test_sequences_are_joined_step_by_step_in_the_order_of_their_names():
    model, examples = built("many-to-many")
    network, batch = model.network, examples.batch(np.arange(7))

    inputs = network.tensors(batch).inputs

    encoded = network.encode(inputs)
    text, load = (encoder(inputs[name].values) for name, encoder in zip(TEXT | LOAD, network.encoders, strict=True))

    assert torch.equal(encoded.steps, torch.cat([text, load], -1))
    assert torch.equal(encoded.lengths, inputs["text"].lengths)
    assert encoded.single is None


@pytest.mark.parametrize("condition", ["step", "state", "end"])
@pytest.mark.parametrize("topology", ["many-to-one", "many-to-many"])
def test_single_values_condition_what_a_sequence_is_answered(topology, condition):
    kinds = [["x", "y"][at % 2] for at in range(300)]
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["a", "b"], random.integers(2, 5))) for _ in kinds]
    sums = [text.count("a") + 5.0 * (kind == "y") for text, kind in zip(texts, kinds, strict=True)]
    plain = {"kind": "text", "dropout": 0.0, "embedding": 8}

    model = elman.train(
        {"text": texts, "kind": kinds, "sum": sums}, input={"text": plain} | KIND,
        target={"sum": {"kind": "number"}}, topology=topology, epochs=20 if condition == "end" else 12,
        model={"condition": condition, "dropout": 0.0}, train={"lr": 1e-2}, **QUICK,
    )  # fmt: skip

    assert model.metrics["test"]["mae"] < 0.4  # 2.5 where the kind is not known, 0.7 where the text is not
    rows = [{"text": "a a a", "kind": kind} for kind in "xy"]
    few, many = model.predict(rows)
    assert 4 < many - few < 6


def test_a_state_that_single_values_give_is_that_of_the_first_step_only():
    model, examples = built("many-to-many, crf")
    topology, batch = model.network.topology, examples.batch(np.arange(3))
    encoded = model.network.encode(model.network.tensors(batch).inputs)

    steps, lengths, state = topology.conditioned(encoded)

    assert torch.equal(steps, encoded.steps)
    outputs, _ = topology.body(steps, topology.begin(encoded.single), lengths)
    torch.testing.assert_close(topology(encoded).steps, outputs, rtol=0, atol=0)
    assert not torch.allclose(state[0], torch.zeros_like(state[0]))


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.5, 2.0), (0.0, 1.0)])
def test_targets_share_the_body_and_their_losses_are_added_up_by_weight(weights):
    model, examples = built("many-to-many")
    network = model.network
    batch = network.tensors(examples.batch(np.arange(9)))
    steps = batch.targets["tags"].lengths.sum()
    losses = network.losses(network(batch), batch.targets)
    means = losses["tags"].sum() / steps, losses["label"].mean()
    alone = [torch.autograd.grad(mean, network.topology.body.weight_ih_l0, retain_graph=True)[0] for mean in means]

    network.fields = replace(network.fields, weights=dict(zip(("tags", "label"), weights, strict=True)))
    loss = network.loss(batch)
    loss.part.backward()

    torch.testing.assert_close(loss.part, weights[0] * means[0] + weights[1] * means[1])
    expected = weights[0] * alone[0] + weights[1] * alone[1]
    torch.testing.assert_close(network.topology.body.weight_ih_l0.grad, expected, rtol=1e-4, atol=1e-7)
    if not weights[0]:
        assert all(not parameter.grad.any() for parameter in network.heads[0].parameters())


def test_scores_are_named_by_target_and_the_first_decides():
    targets = {"tags": {"kind": "tags"}, "label": {"weight": 0.25}, "count": {"kind": "number"}}
    found = {}
    for order in (list(targets), list(targets)[::-1]):
        given = {name: dict(targets[name]) for name in order}
        model = elman.train(TABLE, input=TEXT | LOAD | KIND, target=given, epochs=2, **QUICK)
        assert leading_metric(model.fields).startswith(f"{order[0]}.")
        assert list(model.fields.targets) == order
        found[order[0]] = model.metrics["test"]
        loaded = model.evaluate(TABLE)["metrics"]
        assert set(loaded) == {
            "tags.accuracy",
            "tags.macro_f1",
            "label.accuracy",
            "label.macro_f1",
            "count.mse",
            "count.mae",
        }
        assert set(loaded) | {"loss"} == set(found[order[0]])
        assert set(model.predict(TABLE)) == set(targets)
        assert len(model.answers(TABLE)[0]["tags"]["prediction"]) == len(LETTERS[0])
    assert model.config.target["label"]["weight"] == 0.25


def test_the_loss_of_the_scores_is_weighted_too():
    model, examples = built("many-to-many")
    plain = score(model.network, examples)
    model.network.fields = replace(model.network.fields, weights={"tags": 3.0})
    assert score(model.network, examples)["loss"] == pytest.approx(plain["loss"] + 2 * tags_loss(model, examples))


def tags_loss(model: elman.Model, examples) -> float:
    batch = model.network.tensors(examples.batch(np.arange(len(examples))))
    with torch.no_grad():
        losses = model.network.losses(model.network(batch), batch.targets)["tags"]
    return float(losses.sum() / batch.targets["tags"].lengths.sum())


def rows_of(columns: list[str], table: dict) -> list[dict]:
    return [{name: table[name][row] for name in columns} for row in range(len(LETTERS))]


def write_rows(path: Path, rows: list[dict]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


SOURCES = {
    "tags and more": ("t.jsonl", TEXT | LOAD | KIND, {"tags": {"kind": "tags"}, "label": {"weight": 0.5}}, {}),
    "by group": ("t.jsonl", TEXT | KIND, {"slots": {"kind": "tags"}, "count": {"kind": "number"}},
                 {"split_group": "count"}),
    "by time": ("t.csv", TEXT, {"label": {}, "count": {"kind": "number"}}, {"split_time": "count"}),
    "generated": ("t.csv", TEXT | KIND, BACK, {}),
    "generated from one value": ("t.csv", KIND, BACK, {}),
    "continued": ("t.csv", TEXT, {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_a_source_larger_than_memory_gives_the_same_bits(case, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    name, inputs, targets, data = SOURCES[case]
    columns = {*inputs, *targets, *(data.values())}
    path = write_rows(tmp_path / name, rows_of(sorted(columns), TABLE))
    found = []
    for in_memory in (200, 0, 0):  # and once more from the cache
        model = elman.train(
            path, input={key: dict(value) for key, value in inputs.items()},
            target={key: dict(value) for key, value in targets.items()} or None,
            epochs=2, data=data | {"in_memory": in_memory, "valid_fraction": 0.3, "test_fraction": 0.3}, **QUICK,
        )  # fmt: skip
        scores = {part: model.metrics[part] for part in ("valid", "test")}
        found.append((model.files()["weights.safetensors"], model.description()["fields.json"], scores))

    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.parametrize("in_memory", [200, 0])
def test_sequences_that_are_out_of_step_are_bad_rows_with_their_place(in_memory, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    rows = rows_of(["text", "load", "tags"], TABLE)
    rows[4]["load"] = rows[4]["load"] + [[1.0, 2.0]]
    path = write_rows(tmp_path / "t.jsonl", rows)
    given = {"input": TEXT | LOAD, "target": {"tags": {"kind": "tags"}}, "epochs": 1,
             "data": {"in_memory": in_memory, "valid_fraction": 0.0, "test_fraction": 0.0}}  # fmt: skip
    steps = len(LETTERS[4])

    with pytest.raises(DataError, match=(
        rf"t.jsonl:5: column 'load' must have a value for each of the {steps} steps of 'text', got {steps + 1}\. "
        "Fix the row or pass --bad-rows skip"
    )):  # fmt: skip
        elman.train(path, **given, **QUICK)
    rows[7]["tags"] = rows[7]["tags"] + ["v"]
    write_rows(path, rows)
    model = elman.train(path, bad_rows="skip", **given, **QUICK)

    assert model.skipped.splitlines()[0] == "2 bad rows skipped:"
    assert "t.jsonl:8: column 'tags'" in model.skipped


@pytest.mark.parametrize("memory", ["full", "low"])
@pytest.mark.parametrize("case", ["one-to-many", "encoder-decoder", "encoder-decoder, additive", "next-step"])
def test_memory_saved_changes_no_gradient_of_what_generates(case, memory):
    found = {}
    for kind in ("full", memory):
        model, examples = built(case, memory=kind)
        loss = model.network.loss(examples.batch(np.arange(9)))
        loss.part.backward()
        found[kind] = {name: parameter.grad for name, parameter in model.network.named_parameters()}
    for name, gradient in found["full"].items():
        torch.testing.assert_close(found[memory][name], gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", GENERATING)
def test_a_model_that_generates_is_the_same_after_save_and_load(case, tmp_path):
    model, _ = built(case)
    values = {name: TABLE[name][:5] for name in model.fields.inputs} or None
    prompts = ["a b", "c"] if values is None else None

    loaded = elman.load(model.save(tmp_path / "run").path)

    expected = model.generate(prompts, values, beam=2, max_length=6)
    assert loaded.generate(prompts, values, beam=2, max_length=6) == expected
    for (name, tensor), other in zip(
        model.network.state_dict().items(), loaded.network.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, other), name
    if case == "encoder-decoder, tied":
        assert loaded.network.heads[0].softmax.weight is loaded.network.feedback.weight


@pytest.mark.parametrize("average", ["none", "ema", "swa"])
def test_tied_weights_stay_one_through_training_averaging_and_a_stop(average, tmp_path, monkeypatch):
    from test_resume import outcome, stop_at

    from elman.training import report

    monkeypatch.setattr(report, "find_spec", lambda name: None)  # no picture of the curves
    given = QUICK | {
        "input": TEXT, "target": {"back": BACK["back"] | {"tied": True}}, "epochs": 3,
        "train": {"average": average, "batch": 8, "patience": 0, "checkpoint_steps": 100},
    }  # fmt: skip
    model = elman.train(TABLE, out=tmp_path / "whole", **given)
    assert model.network.heads[0].softmax.weight is model.network.feedback.weight
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        elman.train(TABLE, out=tmp_path / "run", **given)

    resumed = elman.resume(tmp_path / "run", TABLE)

    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
    assert resumed.network.heads[0].softmax.weight is resumed.network.feedback.weight
    loaded = elman.load(tmp_path / "run")
    assert (loaded.predict(TABLE, max_length=6) == model.predict(TABLE, max_length=6)).all()
