"""What needs no network runs where torch cannot be imported: help, the facts of a run, the list of runs."""

import json
import shutil

import pytest
from small_models import MAKERS
from without_torch import without_torch

import elman
from elman.cli.app import VERBS
from elman.storage import MANIFEST, info, to_json
from elman.storage.manifest import FORMAT, with_digest
from tests.verbs import call

TABLE = {"text": ["good fun", "so dull", "good", "dull"] * 20, "label": ["yes", "no"] * 40}
MAIN = """
from elman.cli.app import main
main()
"""


def call_without_torch(*arguments: object) -> str:
    """What a verb prints in a process in which importing torch raises."""
    return without_torch(MAIN, *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two run directories."""
    folder = tmp_path_factory.mktemp("runs")
    for name, options in {"lstm": {}, "gru": {"cell": "gru", "bidirectional": True}}.items():
        elman.train(TABLE, input="text", target="label", hidden=4, epochs=1, **options, quiet=True, out=folder / name)
    return folder


def test_importing_torch_would_be_noticed():
    with pytest.raises(AssertionError, match="torch is blocked"):
        without_torch("import torch")


def test_the_help_needs_no_torch():
    out = call_without_torch("--help")
    assert all(verb in out for verb in VERBS)


def test_the_facts_of_a_run_need_no_torch(folder):
    facts = json.loads(call_without_torch("info", folder / "gru", "--format", "json"))
    assert facts == elman.load(folder / "gru").info()
    assert "gru" in call_without_torch("info", folder / "gru")


def test_the_list_of_runs_needs_no_torch(folder):
    rows = json.loads(call_without_torch("runs", folder, "--format", "json"))
    assert {row["run"]: row["cell"] for row in rows} == {"lstm": "lstm", "gru": "gru"}
    assert all(row["state"] == "done" and row["best"] is not None for row in rows)


def test_a_run_of_an_earlier_format_is_refused_by_name(folder, tmp_path, capsys):
    run = shutil.copytree(folder / "lstm", tmp_path / "old")
    manifest = json.loads((run / MANIFEST).read_bytes()) | {"format": 2}
    (run / MANIFEST).write_bytes(to_json(with_digest(manifest)))
    for arguments in (["info", run], ["predict", run, "good"]):
        _, err = call(capsys, *arguments, code=3)
        assert err == (
            f"error: {run}: manifest.json must have format {FORMAT}, got 2. "
            f"It was written by an earlier format (2); this version reads format {FORMAT}. Train again.\n"
        )


def test_a_damaged_file_of_a_run_is_found_without_the_network(folder, tmp_path, capsys):
    run = shutil.copytree(folder / "lstm", tmp_path / "damaged")
    (run / "log.jsonl").write_bytes(b"{}")
    _, err = call(capsys, "info", run, code=3)
    assert "log.jsonl must have" in err


@pytest.mark.parametrize("topology", MAKERS)
def test_a_run_directory_has_the_facts_of_its_model(topology, tmp_path):
    model = MAKERS[topology]()
    never_saved = model.info()
    model.save(tmp_path / "run")
    facts = info(tmp_path / "run")
    assert facts == model.info() == elman.load(tmp_path / "run").info()
    assert list(facts) == list(never_saved)
    assert facts == never_saved | {"run": str(tmp_path / "run"), "digest": model.digest}


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"input": "text", "target": "label"}, "zero before each row"),
        ({"input": "text", "data": {"stream": True}}, "zero before each row, carried along the text"),
        ({"input": {"text": {"kind": "text"}}, "target": ["label", "again"]}, "zero before each row"),
        ({"input": ["text", "price"], "target": "label"}, "zero before each row"),
    ],
)
def test_the_facts_name_fields_and_the_state_policy(options, state, tmp_path):
    table = TABLE | {"again": ["a", "b"] * 40, "price": [1.5, 2.5] * 40}
    model = elman.train(table, **options, hidden=4, epochs=1, quiet=True, out=tmp_path / "run")
    facts = info(tmp_path / "run")
    assert facts == model.info()
    assert facts["state"] == state
    for side, fields in (("input", model.fields.inputs), ("target", model.fields.targets)):
        named = [{"name": field.name, "kind": field.kind} for field in fields.values()]
        assert facts[side] == (named[0] if len(named) == 1 else named)


def test_frozen_weights_are_counted_apart(tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("".join(f"{word} 0.1 0.2 0.3\n" for word in ("good", "fun", "so", "dull")))
    words = {"text": {"kind": "text", "vectors": str(vectors), "tune": False}}
    model = elman.train(TABLE, input=words, target="label", hidden=4, epochs=1, quiet=True, out=tmp_path / "run")
    parameters = info(tmp_path / "run")["parameters"]
    assert parameters == model.info()["parameters"] == elman.load(tmp_path / "run").info()["parameters"]
    assert parameters["all"] > parameters["trained"] > 0
