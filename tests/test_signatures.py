"""How BLEU and chrF were counted is said wherever they are: after an evaluation, in a run directory, by a recipe."""

import json
import sys

import pytest

import elman
from elman.cli import app as cli
from elman.data import Table
from elman.data.layouts import Tables
from elman.metrics import signature
from elman.recipes import Recipe, follow
from elman.recipes.datasets import DATASETS

ROWS = [("one", "un"), ("two", "deux"), ("three", "trois"), ("two three", "deux trois"), ("one two", "un deux")] * 6
PAIRS = {"english": [english for english, _ in ROWS], "french": [french for _, french in ROWS]}
SEVERAL = {"english": ["one", "one", "two"], "french": ["un", "une", "deux"]}
TARGET = {"kind": "text", "metrics": ["bleu", "chrf"], "references": "all"}
MODEL = {"hidden": 4}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return elman.train(
        PAIRS, input={"english": {"kind": "text"}}, target={"french": TARGET}, model=MODEL, epochs=1, quiet=True,
        data={"test_fraction": 0.2}, out=tmp_path_factory.mktemp("runs") / "run",
    )  # fmt: skip


def test_an_evaluation_says_it_of_the_references_that_there_are(model):
    found = model.evaluate(SEVERAL)["signatures"]

    assert found == {name: signature(name, [["un", "une"], ["deux"]]) for name in ("bleu", "chrf")}
    assert found["bleu"].startswith("nrefs:var|")
    single = model.evaluate({"english": ["one"], "french": ["un"]})
    assert single["signatures"]["bleu"].startswith("nrefs:1|")


def test_a_run_directory_keeps_that_of_its_test_rows(model):
    kept = elman.load(model.path).metrics["signatures"]
    assert kept == model.metrics["signatures"]
    assert kept["chrf"].startswith("nrefs:")


def test_the_verb_says_it_on_standard_error_alone(model, tmp_path, capsys, monkeypatch):
    path = tmp_path / "test.jsonl"
    rows = zip(SEVERAL["english"], SEVERAL["french"], strict=True)
    path.write_text("".join(json.dumps({"english": e, "french": f}) + "\n" for e, f in rows))
    monkeypatch.setattr(sys, "argv", ["elman", "evaluate", str(model.path), str(path), "--format", "json"])

    with pytest.raises(SystemExit) as left:
        cli.main()

    said = capsys.readouterr()
    assert not left.value.code
    assert set(json.loads(said.out)) == {"rows", "symbols", "metrics"}
    for name, line in model.evaluate(SEVERAL)["signatures"].items():
        assert f"{name}: {line}\n" in said.err


def test_a_recipe_writes_it_beside_its_figures(tmp_path, monkeypatch):
    table = Table(PAIRS, "pairs")
    monkeypatch.setitem(DATASETS, "pairs", lambda: Tables(table, table, Table(SEVERAL, "test")))
    recipe = Recipe(
        "pairs", "", "pairs", "test", "", 1, "bleu", [{"name": "nearest", "answer": "nearest"}],
        {"english": {"kind": "text"}}, {"french": TARGET}, MODEL, {"epochs": 1}, show=["one"],
    )  # fmt: skip

    follow(recipe, out=tmp_path / "out")

    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert written["signatures"] == {name: signature(name, [["un", "une"], ["deux"]]) for name in ("bleu", "chrf")}


def test_where_nothing_is_signed_nothing_is_said():
    model = elman.train(
        {"x": [0.1, 0.9] * 10, "y": [0, 1] * 10}, input="x", target="y", epochs=1, quiet=True
    )  # fmt: skip
    assert set(model.evaluate({"x": [0.1], "y": [0]})) == {"rows", "metrics"}
    assert "signatures" not in model.metrics
