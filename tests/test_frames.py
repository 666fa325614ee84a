"""Frames of numbers: learned, continued, generated from something, sampled and ended, by every topology."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import elman
from elman import fields
from elman.cli import app as cli
from elman.data import BadRows, Batch
from elman.data.batch import Ragged
from elman.decoding import Decoding
from elman.encoders import ENCODERS
from elman.errors import ArgumentError
from elman.fields import Frames
from elman.heads import HEADS, FramesHead
from elman.inference.frames import generate_frames
from elman.network import Network
from elman.topologies import Encoded
from tests.networks import Examples

PLACES = np.array([[0.5, -0.5], [1.0, 0.0], [-1.0, 0.5]])


class Points(Frames):
    """Points of a plane, as they are; the likeliest next one is the output, a sampled one lies evenly around it."""

    kind = "points"
    metrics = ("nats",)
    uniform_size = 2
    size = 2

    def __init__(self, name: str, generated: bool = False, continues: bool = False, *, stops: bool = False) -> None:
        super().__init__(name, generated, continues)
        self.stops = stops

    def parse(self, raw):
        return np.asarray(json.loads(raw) if isinstance(raw, str) else raw, np.float32).reshape(-1, 2)

    def fit(self, values):
        pass

    def encode_prompt(self, value):
        return value

    def learned(self):
        return {}

    def restore(self, learned):
        pass

    def describe(self):
        return "points"

    def step_names(self, value):
        return [str(point) for point in value.tolist()]

    def next_frames(self, output, uniform, temperature=1.0):
        return output[:, :2] if uniform is None else output[:, :2] + temperature * (uniform - 0.5)

    def end_probabilities(self, output):
        return (output[:, 2] > 0).astype(float)

    def decode_sequence(self, encoded):
        return np.asarray(encoded)[:, :2]

    def truth(self, value):
        return value

    def save_artifacts(self, value, stem, title=""):
        file = stem.with_name(stem.name + ".txt")
        np.savetxt(file, value)
        return [file]


class PointsHead(FramesHead):
    def __init__(self, field: Points, input_size: int) -> None:
        super().__init__(field)
        self.linear = nn.Linear(input_size, 3)

    def forward(self, features):
        return self.linear(features)

    def loss(self, output, target):
        loss = (output[:, :2] - target[:, :2]).square().sum(1)
        if self.field.stops:
            loss = loss + nn.functional.binary_cross_entropy_with_logits(output[:, 2], target[:, 2], reduction="none")
        return loss


def points_encoder(field: Points) -> nn.Module:
    encoder = nn.Linear(2, 3)
    encoder.output_size = 3
    return encoder


@pytest.fixture(autouse=True)
def points(monkeypatch):
    monkeypatch.setitem(fields.FIELDS, "points", Points)
    monkeypatch.setitem(ENCODERS, "points", points_encoder)
    monkeypatch.setitem(HEADS, "points", PointsHead)
    for name in ("INPUTS", "TARGETS"):
        monkeypatch.setattr(fields, name, [*getattr(fields, name), "points"])
        monkeypatch.setattr(f"elman.training.resolve_topology.{name}", [*getattr(fields, name)])
        monkeypatch.setattr(f"elman.model.build.{name}", [*getattr(fields, name)])


def circles(rows: int = 60, seed: int = 0) -> list[np.ndarray]:
    """Walks around the origin, a twelfth of the way a step, of different lengths, from different places."""
    random = np.random.default_rng(seed)
    begins, lengths = random.uniform(0, 2 * np.pi, rows), random.integers(5, 12, rows)
    turns = [begin + np.arange(steps) * np.pi / 6 for begin, steps in zip(begins, lengths, strict=True)]
    return [np.stack([np.cos(turn), np.sin(turn)], 1).astype(np.float32) for turn in turns]


def trained(table: dict, inputs: dict, target: dict | None, model: dict, **train: object) -> elman.Model:
    model, train = {"hidden": 32, "dropout": 0.0} | model, {"epochs": 60, "lr": 0.01, **train}
    return elman.train(table, input=inputs, target=target, model=model, train=train, quiet=True)


@pytest.fixture(scope="module")
def continues_circle() -> elman.Model:
    with pytest.MonkeyPatch.context() as patch:
        points.__wrapped__(patch)
        return trained({"walk": circles()}, {"walk": {"kind": "points"}}, None, {"cell": "gru"})


KINDS = {"kind": ["x", "y", "z"] * 20}
TO_PLACES = {"walk": [np.repeat(PLACES[[at % 3]], 3 + at % 3, 0) for at in range(60)]}


@pytest.fixture(scope="module")
def generates_points() -> elman.Model:
    """From a kind to its point, three, four or five times."""
    with pytest.MonkeyPatch.context() as patch:
        points.__wrapped__(patch)
        return trained(KINDS | TO_PLACES, {"kind": {}}, {"walk": {"kind": "points", "stops": True}}, {"cell": "lstm"})


def test_a_walk_is_continued_where_it_leads(continues_circle):
    assert continues_circle.config.model["topology"] == "next-step"
    whole = circles(1, seed=5)[0]
    [[found]] = continues_circle.generate([whole[:4]], beam=1, max_length=1)
    assert found.shape == (5, 2)
    np.testing.assert_array_equal(found[:4], whole[:4])
    np.testing.assert_allclose(found[4], whole[4], atol=0.15)
    np.testing.assert_allclose(continues_circle.answers([whole[:4]])[0]["prediction"], found[4:], atol=0)


def test_a_sequence_ends_where_it_is_likelier_than_not_that_it_has_ended(generates_points, monkeypatch):
    monkeypatch.setattr(Points, "end_probabilities", lambda field, output: np.full(len(output), 0.2))
    found = generates_points.generate(values=["x"], beam=1, max_length=20)
    assert len(found[0][0]) == 4  # 0.8^3 > 1/2 > 0.8^4
    assert len(generates_points.generate(values=["x"], beam=1, max_length=20, min_length=6)[0][0]) == 6


def test_what_is_generated_from_something_is_that_and_ends_by_itself(generates_points):
    assert generates_points.config.model["topology"] == "one-to-many"
    found = generates_points.generate(values=["x", "y", "z"], beam=1, max_length=20)
    for (walk,), place, steps in zip(found, PLACES, (3, 4, 5), strict=True):
        assert len(walk) == steps
        np.testing.assert_allclose(walk, np.repeat(place[None], steps, 0), atol=0.15)


def test_steps_generated_one_by_one_are_those_that_teacher_forcing_sees(continues_circle):
    """Fed with what it generated, the whole network gives every frame that it generated."""
    network = continues_circle.network.eval()
    _, batch = rows_of(continues_circle, {"walk": circles(3)})
    prompts = [batch.targets["walk"].values[row, :2] for row in range(3)]
    generated = generate_frames(network, batch._replace(targets=None), Decoding(max_length=6), prompts)
    for prompt, [one] in zip(prompts, generated, strict=True):
        fed = torch.from_numpy(np.concatenate([np.zeros((1, 2), np.float32), prompt, one.frames[:-1]]))[None]
        with torch.no_grad():
            steps = network.topology.teacher_forced(Encoded(), network.feed(fed), None).steps[0]
            whole = network.heads[0](steps)[len(prompt) :, :2]
        np.testing.assert_allclose(one.frames, whole.numpy(), atol=1e-5)


@pytest.mark.parametrize("temperature", [None, 1.0])
def test_a_row_generates_the_same_alone_and_in_a_batch(generates_points, temperature):
    _, batch = rows_of(generates_points, KINDS | TO_PLACES)
    choice = Decoding(temperature=temperature, max_length=9, seed=4 if temperature else 0)
    network = generates_points.network.eval()
    together = generate_frames(network, batch, choice)
    for row in (0, 7, 31):
        [alone] = generate_frames(network, batch.part(slice(row, row + 1)), choice)
        assert [len(one.frames) for one in alone] == [len(one.frames) for one in together[row]]
        np.testing.assert_allclose(alone[0].frames, together[row][0].frames, atol=1e-6)


def losses_of(network: Network, batch: Batch) -> torch.Tensor:
    """Of each row."""
    return network.losses(network(batch), network.tensors(batch).targets)["walk"]


def test_padding_changes_no_loss_and_the_last_number_of_a_frame_is_never_fed(generates_points):
    _, batch = rows_of(generates_points, KINDS | TO_PLACES)
    network: Network = generates_points.network.eval()
    with torch.no_grad():
        right = losses_of(network, batch)
        values, lengths = batch.targets["walk"]
        real = np.arange(values.shape[1]) < lengths[:, None]
        poisoned = np.where(real[..., None], values, np.full_like(values, 1e3))
        other = batch._replace(targets={"walk": batch.targets["walk"]._replace(values=poisoned)})
        torch.testing.assert_close(losses_of(network, other), right, atol=0, rtol=0)
        flagged = values.copy()
        flagged[..., 2] = 1 - flagged[..., 2]
        steps = network(batch._replace(targets={"walk": batch.targets["walk"]._replace(values=flagged)})).steps
        torch.testing.assert_close(steps, network(batch).steps, atol=0, rtol=0)


def test_sampled_frames_differ_by_seed_and_sample_and_repeat(continues_circle):
    prompt = circles(1)[0][:3]
    first, again, other = (
        continues_circle.generate([prompt], seed=seed, n_best=2, max_length=4)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0] - other[0]).max() > 0.01
    assert np.abs(first[0] - first[1]).max() > 0.01


def test_min_and_max_length_are_kept(generates_points):
    for [walk] in generates_points.generate(values=["x", "z"], temperature=0.001, min_length=7, max_length=8):
        assert 7 <= len(walk) <= 8
    assert [len(walk) for [walk] in generates_points.generate(values=["z"], max_length=2)] == [2]


@pytest.mark.parametrize("option", [{"beam": 2}, {"top_k": 3}, {"no_repeat_ngram": 2}])
def test_options_of_symbols_are_refused(continues_circle, option):
    with pytest.raises(ArgumentError, match=f"{next(iter(option))} must fit a target of frames"):
        continues_circle.generate([circles(1)[0]], **option)


def test_an_encoder_decoder_generates_frames_and_shows_its_attention():
    names = [" ".join("ab"[at >> bit & 1] for bit in range(4)) for at in range(16)] * 4
    walks = [np.array([[1.0, 0.0] if letter == "a" else [0.0, 1.0] for letter in name.split()]) for name in names]
    model = trained(
        {"name": names, "walk": walks},
        {"name": {"kind": "text", "min_count": 1, "embedding": 8}},
        {"walk": {"kind": "points", "stops": True}},
        {"attention": "dot", "scheduled_sampling": 0.2},
        epochs=80,
    )
    assert model.config.model["topology"] == "encoder-decoder"
    [[walk]] = model.generate(values=["a b b a"])
    assert walk.round().tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    read, generated, weights = model.attention("a b b a")
    assert (read, generated, weights.shape) == (["a", "b", "b", "a"], ["1", "2", "3", "4"], (4, 4))


def test_generate_prints_numbers_or_writes_files(continues_circle, tmp_path, monkeypatch, capsys):
    def elman_says(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["elman", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0

    continues_circle.save(tmp_path / "run")
    prompt = json.dumps(circles(1)[0][:2].tolist())
    asked = ["generate", str(tmp_path / "run"), "--prompt", prompt, "--length", "2"]
    elman_says(*asked, "--format", "jsonl")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [sorted(row) for row in rows] == [["1", "2", "step"]] * 4
    elman_says(*asked, "--out", str(tmp_path / "walk"))
    assert f"written   {tmp_path / 'walk.txt'}" in capsys.readouterr().err
    assert np.loadtxt(Path(tmp_path / "walk.txt")).shape == (4, 2)


def rows_of(model: elman.Model, table: dict) -> tuple[Examples, object]:
    """Encoded rows and one batch of all of them."""
    examples = model.layout.examples(model._table(table, BadRows()), BadRows())
    return examples, examples.batch(np.arange(len(examples)))


def test_frames_of_different_lengths_are_padded_with_zeros():
    column = Ragged([np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)]).column(np.arange(2))
    assert column.values.shape == (2, 2, 3)
    assert column.values[1, 1].tolist() == [0, 0, 0]
