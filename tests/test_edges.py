"""What broke once, and must not again: huge values, strange files, interrupts, labels."""

import json
import signal

import numpy as np
import pytest
import torch
from whole_directory import read_directory

import elman
from elman.cells import LSTMState
from elman.data import BadRows, Table, gather
from elman.encoders import ENCODERS
from elman.errors import DataError, IntegrityError, Interrupted
from elman.fields import Fields, Series, Text
from elman.fields.text.pretrained import read_vectors
from elman.recipes import find, follow
from elman.storage import to_json, write, write_directory
from elman.storage.manifest import with_digest
from elman.testing import CellCase
from elman.training import TrainingRun


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e5])
def test_padding_freezes_the_cell_state_whatever_the_size_of_the_weights(scale):
    fast, slow = (CellCase("lstm", 1, False).build(backend=backend) for backend in ("torch", "reference"))
    for layer in (fast, slow):
        with torch.no_grad():
            layer.weight_hh_l0.mul_(scale)
            layer.bias_ih_l0.add_(2e4 if scale > 1e4 else 0)
    torch.manual_seed(0)
    x, lengths = torch.randn(3, 9, 3), torch.tensor([9, 0, 4])
    state = LSTMState(scale * torch.randn(3, 1, 4), torch.randn(3, 1, 4))

    (_, ours), (_, truth) = fast(x, state, lengths=lengths), slow(x, state, lengths=lengths)

    torch.testing.assert_close(ours, truth, rtol=0, atol=1e-5)
    assert torch.equal(ours.cell[1], state.cell[1])


def test_a_relu_does_not_overflow_in_the_padding():
    layer = CellCase("rnn-relu", 1, True).build(backend="torch")
    with torch.no_grad():
        layer.weight_hh_l0.mul_(1.5)
        layer.weight_hh_l0_reverse.mul_(1.5)
    outputs, _ = layer(torch.randn(2, 400, 3), lengths=torch.tensor([400, 1]))
    outputs[1].sum().backward()
    assert torch.isfinite(outputs[1]).all()
    assert torch.isfinite(layer.weight_hh_l0_reverse.grad).all()


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_lengths_may_be_integers_of_any_kind(dtype):
    layer, x = elman.LSTM(3, 4, bidirectional=True), torch.randn(2, 5, 3)
    expected, _ = layer(x, lengths=torch.tensor([5, 2]))
    torch.testing.assert_close(layer(x, lengths=torch.tensor([5, 2], dtype=dtype))[0], expected, rtol=0, atol=0)


def test_a_layer_can_be_copied_after_its_parameters_were_lent():
    import copy

    layer, x = elman.GRU(3, 4), torch.randn(2, 5, 3)
    lent = {name: torch.zeros_like(value) for name, value in layer.named_parameters()}
    torch.func.functional_call(layer, lent, (x,))
    torch.testing.assert_close(copy.deepcopy(layer)(x)[0], layer(x)[0])


def test_reset_parameters_draws_anew():
    layer = elman.LSTM(3, 4, initial_state="learned")
    before = layer.weight_hh_l0.clone()
    layer.reset_parameters()
    assert not torch.equal(layer.weight_hh_l0, before)
    assert not isinstance(elman.GRU(3, 4), elman.LSTM)


def test_a_score_that_is_infinite_loses_no_training(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=60)
    rows = {"x": x.tolist(), "y": (2 * x).tolist()}
    (tmp_path / "wild.csv").write_text("x,y\n1,1e30\n2,3\n")
    model = elman.train(rows, input="x", target="y", epochs=2, quiet=True, out=tmp_path / "run",
                        data={"test": str(tmp_path / "wild.csv")})  # fmt: skip
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["loss"] is None
    assert elman.load(tmp_path / "run").predict([1.0]) == model.predict([1.0])


def test_an_interrupt_ends_a_whole_recipe(tmp_path, monkeypatch):
    plain = TrainingRun._step

    def interrupted(self, *batch):
        signal.raise_signal(signal.SIGINT)
        return plain(self, *batch)

    monkeypatch.setattr(TrainingRun, "_step", interrupted)
    with pytest.raises(Interrupted, match="nothing was written"):
        follow(find("sentiment"), out=tmp_path / "run", quick=True)
    assert not (tmp_path / "run").exists()


def test_an_interrupt_between_two_renames_loses_no_run(tmp_path, monkeypatch):
    from pathlib import Path

    write_directory(tmp_path / "run", {"a.json": b"old"})
    plain = Path.rename

    def rename(self, goal):
        if self.name.endswith(".partial"):
            raise KeyboardInterrupt
        return plain(self, goal)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(write, "_swapped_atomically", lambda new, old: False)  # as where the system cannot
    with pytest.raises(KeyboardInterrupt):
        write_directory(tmp_path / "run", {"a.json": b"new"}, force=True)
    assert (tmp_path / "run" / "a.json").read_bytes() == b"old"


def test_a_manifest_that_says_too_little_is_refused(tmp_path):
    write_directory(tmp_path / "run", {"a.json": b"{}"})
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    manifest["files"]["a.json"] = {"sha256": "0"}
    (tmp_path / "run" / "manifest.json").write_bytes(to_json(with_digest(manifest)))
    with pytest.raises(IntegrityError, match=r"give the bytes and the SHA-256 of a\.json"):
        read_directory(tmp_path / "run")


def test_a_column_whose_name_looks_like_a_pattern_is_a_column():
    rows = {"How was it?": ["good fun", "so dull"] * 20, "temp [C]": ["yes", "no"] * 20}
    model = elman.train(rows, input="How was it?", target="temp [C]", hidden=2, epochs=1, quiet=True)
    assert (model.input.kind, model.input.name) == ("text", "How was it?")


def test_an_infinite_number_is_a_bad_row_and_can_be_skipped():
    rows = {"x": [1.0, 2.0, float("inf")] * 20, "y": [1.0, 2.5, 3.0] * 20}
    with pytest.raises(DataError, match=r"the table: row 3: column 'x' must be a finite number, got inf"):
        elman.train(rows, input="x", target="y", epochs=1, quiet=True)
    assert elman.train(rows, input="x", target="y", epochs=1, bad_rows="skip", quiet=True).skipped.startswith(
        "20 bad rows"
    )


def test_a_row_without_an_id_belongs_to_no_sequence():
    table = Table({"m": ["a", None, "a"], "v": ["1", "2", "3"]}, "t.csv")
    fields, bad = Fields({"series": Series("series", columns=["v"])}, {}), BadRows(skip=True)
    assert gather(table, fields, "m", None, bad).column("series")[0].tolist() == [[1.0], [3.0]]
    assert bad.messages == ["t.csv: row 2: column 'm' must hold a value, got None"]


def test_vectors_with_unknown_and_with_spaces_in_words(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("good 1 2\n<unk> 3 4\n. . . 5 6\nnever 7 8\n")
    assert list(read_vectors(file)) == ["good", "<unk>", ". . .", "never"]
    field = Text("text", vectors=str(file), vectors_words="all", min_count=1)
    field.fit(["good film"])
    assert field.vocabulary.count("<unk>") == 1
    assert field.encode("zzz").tolist() == [1]
    assert ENCODERS[field.kind](field).weight[1].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("missing", [None, float("nan"), "", np.array([1, 2])])
def test_a_label_that_is_none_is_a_bad_row(missing):
    labels = ["yes", "no"] * 20
    labels[4] = missing
    with pytest.raises(DataError, match=r"row 5: column 'label' must name a class"):
        elman.train({"text": ["good fun", "dull"] * 20, "label": labels}, input="text", quiet=True,
                    target={"label": {"kind": "category"}})  # fmt: skip


def test_a_long_trace_needs_no_long_memory():
    rows = {"text": ["good fun", "so dull"] * 20, "label": ["yes", "no"] * 20}
    model = elman.train(
        rows, input={"text": {"tokenizer": "character"}}, target="label", hidden=2, epochs=1, quiet=True
    )
    text = "good " * 20
    steps = model.trace(text)
    assert len(steps) == len(text)
    assert steps[-1].probabilities == pytest.approx(model.answers([text])[0]["probabilities"], abs=1e-6)


def test_a_straight_line_is_learned_with_nothing_set():
    x = np.random.default_rng(0).uniform(40, 200, 200)
    model = elman.train({"area": x, "price": 3000 * x + 50_000}, input="area", target="price", quiet=True)
    np.testing.assert_allclose(model.predict([50, 100]), [200_000, 350_000], rtol=0.02)
