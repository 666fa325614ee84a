"""A round trip counts what is new and what is read back; an empty text is neither."""

from types import SimpleNamespace

import pytest

import elman
from elman.data import Table
from elman.data.layouts import Tables
from elman.recipes import Recipe, follow
from elman.recipes.datasets import DATASETS
from elman.recipes.runner.round_trip import round_trip

TABLE = Table({"language": ["Czech", "Greek", "Czech"], "name": ["Novak", "Pappas", "Cerny"]}, "names")


def writer(texts):
    """What generates these, one after the other."""

    def generate(values, **decode):
        assert values == ["Czech"] * 3 + ["Greek"] * 3
        assert decode == {"temperature": 0.7}
        return [[text] for text in texts]

    fields = SimpleNamespace(inputs={"language": None}, targets={"name": None})
    return SimpleNamespace(fields=fields, generate=generate)


def reader(asked, column="language"):
    """What calls Greek all that ends in s, and notes what it was asked."""

    def predict(values):
        asked.extend(values)
        return ["Greek" if value.endswith("s") else "Czech" for value in values]

    return SimpleNamespace(predict=predict, target=SimpleNamespace(name=column))


def test_fractions_are_of_all_that_was_generated_and_nothing_is_not_a_name():
    asked = []
    found = round_trip(writer(["Novak", "Svoboda", "", "Pappas", " \n", "Novak"]), reader(asked), Tables(TABLE), 3,
                       {"temperature": 0.7})  # fmt: skip

    assert asked == ["Novak", "Svoboda", "Pappas", "Novak"]
    assert found == {"unseen": pytest.approx(1 / 6), "agreement": pytest.approx(3 / 6), "written": 6}


def test_what_is_read_back_is_what_the_reader_predicts_not_what_was_generated_from():
    table = Table({**TABLE.columns, "people": ["Greek", "Czech", "Greek"]}, "names")  # the other way round

    def found(column):
        given = writer(["Novak"] * 3 + ["Pappas"] * 3), reader([], column)
        return round_trip(*given, Tables(table), 3, {"temperature": 0.7})["agreement"]

    assert (found("language"), found("people")) == (1.0, 0.0)


def test_a_network_that_generates_nothing_scores_nothing():
    asked = []
    found = round_trip(writer([""] * 6), reader(asked), Tables(TABLE), 3, {"temperature": 0.7})
    assert (found, asked) == ({"unseen": 0.0, "agreement": 0.0, "written": 6}, [])


def test_a_recipe_sends_its_baseline_on_the_same_round_trip(tmp_path, monkeypatch):
    names = {"language": ["Czech", "Greek"] * 12, "name": ["Novak", "Pappas", "Cerny", "Vlahos"] * 6}
    table = Table(names, "names")
    monkeypatch.setitem(DATASETS, "tiny", lambda: Tables(table, table, table))
    text, model = {"kind": "text", "tokenizer": "character"}, {"hidden": 4}
    memoryless = {"name": "memoryless", "model": {"cell": "memoryless", "hidden": 4}}
    settings = {
        "classify": {"input": {"name": text}, "target": {"language": {"kind": "category"}}},
        "write": {
            "input": {"language": {"kind": "category"}}, "target": {"name": text}, "metric": "agreement",
            "round_trip": {"setting": "classify", "each": 3, "temperature": 1.0, "max_length": 6},
            "baselines": [memoryless],
        },
    }  # fmt: skip
    recipe = Recipe("tiny", "", "tiny", "test", "", 1, "accuracy", [memoryless], model=model, train={"epochs": 1},
                    show=["Czech"], settings=settings)  # fmt: skip

    result = follow(recipe, "write", out=tmp_path / "out")

    for figures in (result.figures["metrics"], result.figures["baseline"]):
        assert figures["written"] == 6
        assert 0 <= figures["agreement"] <= 1
        assert 0 <= figures["unseen"] <= 1
    assert [row["agreement"] for row in result.table()] == [
        result.figures["metrics"]["agreement"],
        result.figures["baseline"]["agreement"],
    ]
    assert elman.load(tmp_path / "out" / "baseline").config.model["cell"] == "memoryless"
