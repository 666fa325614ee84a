"""Labels: any number of classes a row, from the cell to the answer."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

import elman
from elman.data import Examples, Table, infer_kind
from elman.errors import ArgumentError, BadValueError, DataError
from elman.fields import Labels
from elman.heads import HEADS
from elman.metrics import METRICS

CELLS = ["sport | money", ["money"], "", ["art", "money"]]
WORDS = {"goal": "sport", "bank": "money", "paint": "art"}


def fitted(cells=CELLS, **options) -> Labels:
    field = Labels("topics", **options)
    field.fit([field.parse(cell) for cell in cells])
    return field


@pytest.mark.parametrize(
    ("raw", "classes"),
    [
        ("b|a", ["a", "b"]),
        (" b | a |", ["a", "b"]),
        (["b", " a ", "b"], ["a", "b"]),
        (("a",), ["a"]),
        ({"b", "a"}, ["a", "b"]),
        (np.array(["b", "a"]), ["a", "b"]),
        ([1, 2.0, np.int64(3)], ["1", "2", "3"]),
        (7, ["7"]),
        ("", []),
        ("|", []),
        (None, []),
        (math.nan, []),
        ([], []),
    ],
)
def test_a_cell_is_a_list_a_set_or_a_text_with_bars_and_may_be_empty(raw, classes):
    assert Labels("topics").parse(raw) == classes


@pytest.mark.parametrize("raw", [["a", None], ["a", ""], [["a"]], [{"a": 1}], {"a": 1}])
def test_what_names_no_class_is_refused(raw):
    with pytest.raises(BadValueError, match="name a class"):
        Labels("topics").parse(raw)


def test_another_separator_may_stand_between():
    assert Labels("topics", separator=", ").parse("a|b, c") == ["a|b", "c"]
    assert Labels("topics", separator=" ").parse("a  b") == ["a", "b"]
    assert Labels("topics", separator=";").parse(["a;b"]) == ["a;b"]  # of a list each element is a class


def test_options_that_do_not_fit_are_refused():
    for options in ({"separator": ""}, {"threshold": 1.5}, {"class_weights": "even"}):
        with pytest.raises(ArgumentError):
            Labels("topics", **options)
    with pytest.raises(DataError, match="have at least one class in the training split"):
        fitted(["", []])


def test_labels_survive_json_and_storage():
    field, other = fitted(), Labels("topics")
    other.restore(json.loads(json.dumps(field.learned())))

    assert other.classes == field.classes == ["art", "money", "sport"]
    assert other.describe() == field.describe() == "3 classes, 1.25 a row: art 1, money 3, sport 1; 1 row has none"
    values = [field.parse(cell) for cell in CELLS]
    stored = pa.array([field.pack(value) for value in values], Labels.storage)
    assert field.unpack_column(stored) == [field.unpack(one) for one in stored] == values
    assert other.decode_target(np.stack(other.encode_batch(values))) == values
    assert sorted(field.representative_values(stored)) == [["art"], ["money"], ["sport"]]


def test_an_unknown_class_is_refused_by_name():
    with pytest.raises(BadValueError, match=r"3 classes of the training split \(art, money, sport\), got 'war'"):
        fitted().encode(["art", "war"])


def test_whole_numbers_come_back_as_such_in_their_order():
    field = fitted(["10|9", [2]])
    assert field.decode(np.ones((1, 3))) == [[2, 9, 10]]


def test_the_loss_is_minus_the_log_of_the_probability_of_the_rows_set():
    field = fitted()
    output = torch.tensor([[-2.0, 0.3, 1.0], [0.0, 5.0, -1.0]], dtype=torch.float64)
    target = torch.tensor([[True, False, True], [False, False, False]])
    chances = output.sigmoid()

    loss = HEADS["labels"](field, 5).loss(output, target)

    expected = torch.where(target, chances, 1 - chances).prod(1).log().neg()
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-12)
    for row, said in zip(chances.tolist(), field.probabilities(output.numpy()), strict=True):
        assert list(said) == field.classes
        assert list(said.values()) == pytest.approx(row, rel=1e-15)


def test_balanced_weights_let_both_sides_of_each_class_count_alike():
    field = fitted(["a|b", "a", "a", "a", "b|a"], class_weights="balanced")
    targets = torch.from_numpy(
        np.stack([field.encode(value) for value in (["a", "b"], ["a"], ["a"], ["a"], ["a", "b"])])
    )

    assert field.weights().tolist() == pytest.approx([1 / 5, 3 / 2])  # a: as if one row had it not
    loss = HEADS["labels"](field, 5).loss(torch.zeros(5, 2), targets)
    by_class = -math.log(0.5) * torch.where(targets, torch.from_numpy(field.weights()), 1.0)
    torch.testing.assert_close(loss, by_class.sum(1))
    assert float(by_class[targets[:, 1], 1].sum()) == pytest.approx(float(by_class[~targets[:, 1], 1].sum()))


def test_the_threshold_says_from_which_probability_on_a_class_is_predicted():
    output = np.log([[0.3 / 0.7, 0.7 / 0.3, 0.95 / 0.05]])
    found = [fitted(threshold=threshold).decode(output)[0] for threshold in (0.5, 0.2, 0.9, 1)]
    assert found == [["money", "sport"], ["art", "money", "sport"], ["sport"], []]


def test_f1_and_accuracy_of_sets_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    true, said = ([set(draw.choice(list("abcde"), draw.integers(0, 4)).tolist()) for _ in range(60)] for _ in range(2))
    said = [row if draw.random() < 0.4 else other for row, other in zip(true, said, strict=True)]
    binary = MultiLabelBinarizer().fit([*true, *said])
    matrices = binary.transform(true), binary.transform(said)

    assert METRICS["micro_f1"].score(said, true) == pytest.approx(100 * f1_score(*matrices, average="micro"), abs=1e-9)
    assert METRICS["macro_f1"].score(said, true) == pytest.approx(100 * f1_score(*matrices, average="macro"), abs=1e-9)
    assert METRICS["accuracy"].score(said, true) == pytest.approx(accuracy_score(*matrices), abs=1e-12)
    assert METRICS["micro_f1"].score([set()], [set()]) == METRICS["macro_f1"].score([set()], [set()]) == 0
    assert METRICS["micro_f1"].score(list("aab"), list("abb")) == pytest.approx(200 / 3)


TEXTS = [f"w{number} and more of it" for number in range(20)]
BESIDE = [  # cells, the kind as a target beside texts of five words
    ([["art", "money"], ["money"], [], ["art", "sport"]] * 5, "labels"),
    ([["art"], ["money"]] * 10, "labels"),
    ([["money", "art"], ["money"], [], ["art"]] * 5, "text"),  # order may mean something
    ([["art", "art"], ["money"]] * 10, "text"),
    ([[f"a{number}", f"b{number}"] for number in range(20)], "text"),  # each word once
    ([["D", "N", "V", "V", "X"], ["A", "B", "C", "D", "E"]] * 10, "tags"),
    ([["D", "N", "V", None, "X"], [None, "N", "N", "V", "X"]] * 10, "tags"),
    ([[]] * 20, "text"),
]


@pytest.mark.parametrize(("cells", "kind"), BESIDE, ids=lambda value: str(value)[:24])
def test_lists_that_are_written_as_sets_are_labels_and_all_others_what_they_were(cells, kind):
    assert infer_kind(Table({"text": TEXTS, "cells": cells}, "t.jsonl"), "cells", True, ["text"]) == kind


def test_vectors_a_row_are_batched_row_by_row_and_steps_stay_steps():
    vectors = [np.array([row > 0, row > 1]) for row in range(3)]
    batch = Examples({"x": vectors}, {"y": vectors}, singles=["y"]).batch(np.array([2, 0]))

    assert batch.inputs["x"].lengths.tolist() == [2, 2]
    assert batch.targets["y"].lengths is None
    assert batch.targets["y"].values.tolist() == [[True, True], [False, False]]


@pytest.fixture(scope="module")
def topics():
    """A model of texts whose words name their topics, and its table."""
    draw = np.random.default_rng(0)
    words = [draw.choice([*WORDS, "the", "of"], draw.integers(1, 6)).tolist() for _ in range(150)]
    truth = [sorted({WORDS[word] for word in row if word in WORDS}) for row in words]
    table = {"text": [" ".join(row) for row in words], "topics": truth}
    model = elman.train(
        table, input="text", target="topics", hidden=16, epochs=25, train={"lr": 0.02}, seed=0, quiet=True
    )
    return model, table


def test_a_network_learns_which_of_the_classes_a_row_has(topics, tmp_path):
    model, table = topics

    assert (model.target.kind, model.config.model["topology"]) == ("labels", "many-to-one")
    assert model.evaluate(table)["metrics"] == {"micro_f1": 100, "macro_f1": 100, "accuracy": 1}
    assert model.predict(["the", "paint of bank", "goal"]).tolist() == [[], ["art", "money"], ["sport"]]
    chances = model.predict_proba(["paint of bank"])
    assert (model.classes, chances.shape) == (["art", "money", "sport"], (1, 3))
    (answer,) = model.answers(["paint of bank"])
    assert answer["prediction"] == ["art", "money"]
    assert list(answer["probabilities"].values()) == chances[0].tolist()
    again = elman.load(model.save(tmp_path / "run").path)
    assert again.predict(table["text"]).tolist() == model.predict(table["text"]).tolist()


def test_a_row_answers_the_same_alone_and_in_a_batch(topics):
    model, table = topics
    together = model.predict_proba(table["text"][:20])
    for row in range(20):
        assert model.predict_proba([table["text"][row]])[0] == pytest.approx(together[row], abs=1e-6)


def test_a_trace_shows_the_labels_so_far(topics):
    steps = topics[0].trace("the paint bank")

    assert [step.prediction for step in steps] == [[], ["art"], ["art", "money"]]
    assert all(list(step.probabilities) == ["art", "money", "sport"] for step in steps)


def test_an_unknown_class_in_a_test_file_is_one_clear_error(topics):
    with pytest.raises(DataError, match=r"row 2: column 'topics' must hold only the 3 classes .* got 'war'"):
        topics[0].evaluate({"text": ["goal", "bank"], "topics": [["sport"], ["war"]]})


def test_a_file_larger_than_memory_trains_as_one_in_memory(topics, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    _, table = topics
    lines = ["text,topics", *(f"{text},{'|'.join(t)}" for text, t in zip(table["text"], table["topics"], strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    found = [
        elman.train(
            tmp_path / "t.csv", input="text", target={"topics": {"kind": "labels"}}, hidden=4, epochs=1, quiet=True,
            data={"in_memory": size},
        )
        for size in (200, 0)
    ]  # fmt: skip
    assert found[0].fields.learned() == found[1].fields.learned()
    for ours, theirs in zip(*(model.network.state_dict().values() for model in found), strict=True):
        assert torch.equal(ours, theirs)
