"""What is generated is held against what stands in the data, not against what the vocabulary knows of it."""

import json

import numpy as np
import pytest

import elman
from elman.data import BadRows, Table, encode, parse
from elman.data.layouts import Tables
from elman.fields import Fields, Text
from elman.inference import batches
from elman.inference.batches import input_keys
from elman.metrics import METRICS
from elman.metrics.scores import Predictions, answer_scores, scores_of
from elman.recipes.baselines import answers as baselines
from elman.recipes.baselines.answers import scores_of_answers

SCORES = ["exact_match", "bleu", "chrf", "wer", "per"]
KNOWN = {"english": ["go", "stop", "wait", "run"] * 8, "french": ["va", "arrête", "attends", "cours"] * 8}
RARE = {"english": ["go", "stop"], "french": ["va éperdument", "Arrête"]}  # words that training never saw


def fitted(target: dict[str, object], table: dict[str, list[object]] = KNOWN) -> Fields:
    fields = Fields({"english": Text("english", min_count=1)}, {"french": Text("french", generated=True, **target)})
    for side in fields.sides:
        for name, field in side.items():
            field.fit([field.parse(cell) for cell in table[name]])
    return fields


def examples_of(fields, table):
    return encode(parse(Table(table, "test"), fields, BadRows()), fields, BadRows())[1]


def truths(fields, table):
    """What `judge` holds answers against."""
    examples = examples_of(fields, table)
    batch = examples.batch(np.arange(len(examples)))
    return batches._truth(fields.targets["french"], batch, "french", examples)


@pytest.fixture(scope="module", params=[1000, 0], ids=["memory", "file"])
def model(request, tmp_path_factory):
    """Trained on rows of which the test ones hold unknown words, from memory and from the store."""
    folder = tmp_path_factory.mktemp("rows")
    for name, table in (("train", KNOWN), ("test", RARE)):
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMAN_CACHE", str(folder / "cache"))
        seen = {}
        plain = scores_of
        patch.setattr(
            "elman.training.report.scores_of", lambda judged, fields: seen.update(judged) or plain(judged, fields)
        )
        trained = elman.train(
            str(folder / "train.jsonl"), input={"english": {"kind": "text", "min_count": 1}},
            target={"french": {"kind": "text", "min_count": 1, "metrics": SCORES}}, hidden=24, epochs=25, quiet=True,
            model={"dropout": 0.0}, train={"lr": 2e-2, "patience": 0},
            data={"test": str(folder / "test.jsonl"), "in_memory": request.param},
        )  # fmt: skip
    assert (folder / "cache").exists() == (request.param == 0)
    return trained, seen["french"]


def test_unknown_words_and_case_count_as_errors(model):
    trained, judged = model
    assert judged.predictions == ["va", "arrête"]  # it learned all that it could
    assert judged.truth == RARE["french"]
    found = trained.metrics["test"]
    assert found["exact_match"] == 0
    assert found["wer"] == found["per"] == pytest.approx(2 / 3)  # a word is missing, and one has another case
    for name in ("bleu", "chrf"):
        assert found[name] == METRICS[name].score(["va", "arrête"], RARE["french"])


def test_an_evaluation_of_rows_in_memory_says_the_same(model):
    trained, _ = model
    found = trained.evaluate(RARE)["metrics"]
    assert found == {name: trained.metrics["test"][name] for name in found}


@pytest.mark.parametrize(
    ("options", "cell", "truth"),
    [
        ({}, "Va, VITE  zut", "Va, VITE  zut"),
        ({"lowercase": True}, "Va, VITE", "va, vite"),
        ({}, ["Va", ",", "zut"], "Va , zut"),
        ({"split": "space", "lowercase": True}, ["K", "AE"], "k ae"),
        ({"tokenizer": "character"}, "Va\nx ", "Va\nx "),
        ({"tokenizer": "bpe"}, "Va  VITE", "Va  VITE"),
        ({}, "arre\u0302te", "arrête"),  # composed, as all that is generated is
    ],
)
def test_a_value_reads_as_it_stands(options, cell, truth):
    fields = fitted(options)
    assert truths(fields, {"english": ["go"], "french": [cell]}) == [truth]


def test_between_words_any_white_space_is_one_space():
    judged = Predictions(2)
    judged.predictions, judged.truth = ["va vite", "x"], ["va  vite\n", "x"]

    def matches(**options: object) -> float:
        field = Text("french", metrics=["exact_match"], **options)
        return answer_scores(judged, field, field.metrics)["exact_match"]

    assert matches() == 1
    assert matches(tokenizer="character") == 0.5


def test_inputs_that_training_never_saw_are_not_one():
    table = {"english": ["zig", "zag", "zig"], "french": ["va", "cours", "attends"]}
    fields = fitted({"references": "all", "metrics": ["exact_match"]})
    examples = examples_of(fields, table)
    encoded = [row.tobytes() for row in (examples.inputs["english"][at] for at in range(3))]
    keys = input_keys(fields, examples, np.arange(3))

    assert len(set(encoded)) == 1
    assert keys[0] == keys[2] != keys[1]
    judged = Predictions(3)
    judged.keys, judged.predictions, judged.truth = keys, ["attends", "attends", "attends"], table["french"]
    field = fields.targets["french"]
    assert answer_scores(judged, field, field.metrics) == {"exact_match": 0.5}


def test_inputs_are_told_apart_by_all_of_them_whatever_their_kind():
    table = {"words": ["a", "a", "b"] * 4, "load": [[[1.0]], [[2.0]], [[1.0]]] * 4, "y": ["u", "v", "w"] * 4}
    model = elman.train(
        table, input={"words": {"kind": "text", "min_count": 1}, "load": {"kind": "series"}}, epochs=1, hidden=4,
        target={"y": {"kind": "text", "min_count": 1, "references": "all"}}, quiet=True,
    )  # fmt: skip
    keys = input_keys(model.fields, model.layout.latest(model._table(table, BadRows()), BadRows()), np.arange(6))
    assert keys[:3] == keys[3:]
    assert len(set(keys)) == 3


def test_the_digest_of_examples_does_not_hang_on_the_values_beside_them():
    fields = fitted({})
    a, b = (examples_of(fields, {"english": ["go"], "french": [text]}) for text in ("zut", "hop"))
    assert a.digest() == b.digest()  # both are the unknown word
    assert a.values("target.french", np.arange(1)) != b.values("target.french", np.arange(1))


TOKENS = {"english": ["go", "go", "stop", "zig", "zag"],
          "french": [["Va"], ["Vas", "y"], ["Zut"], ["va"], ["Cours"]]}  # fmt: skip
AS_TEXT = TOKENS | {"french": [" ".join(cell) for cell in TOKENS["french"]]}


@pytest.mark.parametrize("options", [{}, {"lowercase": True}, {"split": "space"}])
@pytest.mark.parametrize("table", [TOKENS, AS_TEXT], ids=["tokens", "text"])
@pytest.mark.parametrize("references", ["one", "all"])
def test_baselines_are_on_the_scale_of_a_network(monkeypatch, options, table, references):
    """The same answers get the same figures, whether a network gives them or a baseline."""
    options = {"metrics": SCORES} | options | {"references": references}
    known = {"english": [*KNOWN["english"]], "french": [str(text) for text in KNOWN["french"]]}
    fields = fitted(options, known)
    said = ["va", "va", "zut", "va", "cours"]
    monkeypatch.setitem(baselines.ANSWERS, "said", lambda *_: said)
    found = scores_of_answers("said", Tables(Table(known, "train"), None, Table(table, "test")), fields)

    judged, examples = Predictions(5), examples_of(fields, table)
    judged.predictions, judged.truth = said, truths(fields, table)
    judged.keys = input_keys(fields, examples, np.arange(5))
    figures = scores_of({"french": judged}, fields)
    assert found == {name: figures[name] for name in SCORES}
    folded = bool(options.get("lowercase"))
    right = {("one", False): 1 / 5, ("all", False): 1 / 4, ("one", True): 4 / 5, ("all", True): 4 / 4}
    assert found["exact_match"] == pytest.approx(right[references, folded])


def test_the_nearest_training_row_answers_and_the_constant_is_the_best_of_the_frequent():
    train = {
        "english": ["go home now", "stop the car", "stop the bus", "eat"],
        "french": ["va", "stop", "stop", "MANGE"],
    }
    test = {"english": ["stop that car", "eat it", "go"], "french": ["stop", "MANGE", "MANGE"]}
    tables = Tables(Table(train, "train"), None, Table(test, "test"))
    fields = fitted({"metrics": ["exact_match"]}, train)

    assert scores_of_answers("nearest", tables, fields) == {"exact_match": pytest.approx(2 / 3)}
    assert scores_of_answers("constant", tables, fields) == {
        "exact_match": pytest.approx(2 / 3)
    }  # not the most frequent


def test_the_constant_is_chosen_by_the_side_that_is_better():
    train = {"english": ["a b", "c d", "e f"], "french": ["x y", "x y", "u"]}
    fields = fitted({"split": "space", "metrics": ["wer"]}, train)
    tables = Tables(Table(train, "train"), None, Table({"english": ["a b", "g h"], "french": ["u", "u"]}, "test"))
    assert scores_of_answers("constant", tables, fields) == {"wer": 0.0}
