"""The command line does what the README says: its commands run, verbs print what they should, exit codes are right.

The commands of docs/ run in `test_docs`.
"""

import csv
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import elman
from elman.cli.app import VERBS
from elman.cli.output import Format, print_rows
from elman.recipes import RECIPES
from tests.verbs import call

README = Path(__file__).resolve().parents[1] / "README.md"
BIN = Path(sys.executable).parent
FIGURES = ["recipe", "setting", "split", "seed", "minutes", "metrics", "signatures", "baseline", "other_baselines",
           "published"]  # fmt: skip
ENVIRONMENT = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory) -> Path:
    """A folder in which the README's shell commands have been run."""
    folder = tmp_path_factory.mktemp("readme")
    script = "set -e\n" + "\n".join(blocks("bash"))
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "stderr.txt").write_text(done.stderr)
    (folder / "stdout.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def run(tickets) -> str:
    return str(tickets / "runs" / "tickets")


def test_the_readmes_commands_end_with_figures_and_what_to_type_next(tickets):
    said = (tickets / "stderr.txt").read_text()
    for part in ("text: text, word tokenizer", "target    team: category, 2 classes", "many-to-one", "accuracy",
                 "written   runs/tickets", 'next      elman predict runs/tickets "some text"'):  # fmt: skip
        assert part in said
    out = (tickets / "stdout.txt").read_text()
    assert out.index("My invoice is wrong") < out.index("The app crashes") < out.index("|h1| = ")


def test_the_readmes_python_runs_and_is_right(tickets, monkeypatch, capsys):
    monkeypatch.chdir(tickets)
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), {})
    assert "['good']" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb, capsys):
    out, _ = call(capsys, verb, "--help")
    assert f"elman {verb}" in out
    assert "Example" in out


def test_the_version_is_that_of_the_installed_package(capsys):
    assert call(capsys, "--version") == (f"{version('elman')}\n", "")


def test_help_does_not_wait_for_torch():
    code = (
        "import sys; sys.argv = ['elman', '--help']; from elman.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    script = (
        code + "assert 'torch' not in sys.modules and 'numpy' not in sys.modules and 'pyarrow' not in sys.modules\n"
    )
    script += "assert 'elman.config.configuration' not in sys.modules, 'which needs pydantic'"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_predict_gives_one_object_a_row(run, capsys):
    out, err = call(capsys, "predict", run, "a wrong invoice", "the app crashes", "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["prediction"] for row in rows] == ["billing", "technical"]
    assert all(set(row["probabilities"]) == {"billing", "technical"} for row in rows)
    assert all(abs(sum(row["probabilities"].values()) - 1) < 1e-6 for row in rows)
    assert err == ""


def test_csv_has_lists_as_json(capsys):
    rows = [{"prediction": ["B-PER", None], "probabilities": [0.5, 1.0]}, {"prediction": "a, b", "probabilities": None}]
    print_rows(rows, Format.csv)
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert {key: json.loads(cell) for key, cell in first.items()} == rows[0]
    assert second == {"prediction": "a, b", "probabilities": ""}


def test_every_format_says_the_same(run, capsys):
    formats = {name: call(capsys, "predict", run, "the app crashes", "--format", name)[0] for name in Format}
    answer = json.loads(formats["json"])
    assert json.loads(formats["jsonl"]) == answer
    head, row = formats["csv"].splitlines()
    assert head == "prediction,probabilities.billing,probabilities.technical"
    assert row.split(",")[0] == answer["prediction"] == "technical"
    assert "technical" in formats["table"]


def test_the_name_of_a_file_is_a_value_and_said_to_be_one(run, tickets, capsys):
    path = str(tickets / "tickets.csv")
    out, err = call(capsys, "predict", run, path, "--format", "json")
    assert json.loads(out)["prediction"] in ("billing", "technical")
    assert f"--data {path} answers the rows of that file" in err


def test_where_bad_rows_are_skipped_each_answer_says_where_its_row_stands(run, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("text,other\na wrong invoice,1\n ,2\nthe app crashes,3\n")
    new = str(tmp_path / "new.csv")
    out, err = call(capsys, "predict", run, "--data", new, "--bad-rows", "skip", "--format", "jsonl")
    assert [json.loads(line)["row"] for line in out.splitlines()] == ["new.csv:2", "new.csv:4"]
    assert err.startswith("1 bad row skipped:")
    out, _ = call(capsys, "predict", run, "the app crashes", "--format", "json")
    assert "row" not in json.loads(out)


def test_a_value_of_which_no_word_is_known_is_answered_with_a_note(run, capsys):
    _, err = call(capsys, "predict", run, "zzz yyy")
    assert err == "note: no word of 'zzz yyy' is known\n"
    assert call(capsys, "predict", run, "zzz invoice")[1] == ""


def test_a_table_of_several_targets_names_them(capsys):
    print_rows([{"team": {"prediction": "a"}, "price": {"prediction": 1.5}}], Format.table)
    assert {"team.prediction", "price.prediction"} <= set(capsys.readouterr().out.split())
    print_rows([{"prediction": "a", "probabilities": {"b": 0.5}}], Format.table)
    assert {"prediction", "b"} <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("found", "shown"),
    [(["O", "B-to"], "O B-to"), (["so so", "b"], "so so, b"), ([0.5, 0.25], "[0.5, 0.25]"), ([], "[]")],
)
def test_a_table_shows_lists_as_people_write_them(found, shown, capsys):
    print_rows([{"prediction": found}], Format.table)
    assert capsys.readouterr().out.splitlines()[-2].strip() == shown


def test_trace_shows_five_tokens_five_norms_and_the_probabilities(run, capsys):
    out, _ = call(capsys, "predict", run, "--trace", "I loved this movie!", "--format", "jsonl")
    steps = [json.loads(line) for line in out.splitlines()]
    assert [step["piece"].removesuffix(" (unknown)") for step in steps] == ["I", "loved", "this", "movie", "!"]
    assert all(step["norm"] > 0 and set(step["probabilities"]) == {"billing", "technical"} for step in steps)
    whole = json.loads(call(capsys, "predict", run, "I loved this movie!", "--format", "json")[0])
    assert steps[-1]["probabilities"] == pytest.approx(whole["probabilities"], abs=1e-6)
    table, _ = call(capsys, "predict", run, "--trace", "I loved this movie!")
    assert "|h5| = " in table


def test_evaluate_gives_rows_and_metrics(run, tickets, capsys):
    out, _ = call(capsys, "evaluate", run, tickets / "tickets.csv", "--format", "json")
    scores = json.loads(out)
    assert scores["rows"] == 20
    assert set(scores["metrics"]) == {"accuracy", "macro_f1"}
    assert scores["metrics"]["accuracy"] >= 0.8


def test_info_says_what_a_service_must_know(run, capsys):
    facts = json.loads(call(capsys, "info", run, "--format", "json")[0])
    assert facts["topology"] == "many-to-one"
    assert facts["cell"] == "lstm"
    assert facts["input"] == {"name": "text", "kind": "text"}
    assert facts["digest"] == json.loads((Path(run) / "manifest.json").read_text())["digest"]
    assert facts["weights"] == hashlib.sha256((Path(run) / "weights.safetensors").read_bytes()).hexdigest()
    parameters = sum(p.numel() for p in elman.load(run).network.parameters())
    assert facts["parameters"] == {"all": parameters, "trained": parameters}


def test_recipes_are_listed(capsys):
    rows = json.loads(call(capsys, "recipe", "--format", "json")[0])
    assert [row["recipe"] for row in rows] == list(RECIPES)
    assert all(row["data"] and row["minutes"] for row in rows)


def test_a_quick_recipe_writes_its_figures_both_models_and_traces(tmp_path, capsys):
    folder = tmp_path / "sentiment"
    out, err = call(capsys, "recipe", "sentiment", "--quick", "--out", folder)
    figures = json.loads((folder / "metrics.json").read_text())
    assert list(figures) == FIGURES
    assert "claims nothing" in figures["split"]
    assert elman.load(folder / "model").config.model["bidirectional"]
    assert elman.load(folder / "baseline").config.model["topology"] == "one-to-one"
    assert "I love it... not" in out
    assert "|h5| = " in out
    assert "next: elman predict" in err


def test_sst2_without_vectors_says_where_to_get_them(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    _, err = call(capsys, "recipe", "sst2", "--out", tmp_path / "sst2", code=2)
    assert "nlp.stanford.edu/projects/glove" in err
    assert "--setting scratch" in err


def test_a_fault_of_ours_leaves_with_1_and_says_how_to_report_it(run, capsys, monkeypatch):
    monkeypatch.setattr(elman.Model, "answers_in_pieces", lambda *_: 1 / 0)
    _, err = call(capsys, "predict", run, "x", code=1)
    assert "ZeroDivisionError" in err
    assert "Please report it" in err


def test_an_interrupt_keeps_the_best_and_leaves_with_130(tickets):
    command = ["elman", "train", "tickets.csv", "--input", "text", "--target", "team", "--epochs", "100000",
               "--set", "train.patience=100000", "--out", "runs/stopped"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tickets, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    with process:
        while not process.stderr.readline().startswith("epoch 3"):
            pass
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Resume with: elman train --resume runs/stopped" in rest
    assert "Traceback" not in rest
    assert elman.load(tickets / "runs" / "stopped").metrics["training"]["ended"] == "interrupted"


def test_a_second_interrupt_ends_at_once_and_says_how_to_resume(tickets, monkeypatch, capsys):
    def twice(model: object, *_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("elman.training.loop.TrainingRun._step", twice)
    monkeypatch.chdir(tickets)
    _, err = call(
        capsys, "train", "tickets.csv", "--input", "text", "--target", "team", "--out", "runs/twice", code=130
    )
    assert err.splitlines()[-1] == "interrupted at once. Resume with: elman train --resume runs/twice"


def test_a_reader_that_has_had_enough_is_no_error(run, tickets):
    command = f"yes 'the app crashes' | head -3000 | elman predict {run} - --format jsonl | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["prediction"] == "technical"
    assert "Traceback" not in done.stderr


def test_python_dash_m_elman_is_elman():
    done = subprocess.run(
        [sys.executable, "-m", "elman", "recipe", "--format", "jsonl"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(RECIPES)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_may_be_any_number_of_rows_is_a_list_in_json(count, capsys):
    print_rows([{"a": 1}] * count, Format.json, listed=True)
    assert json.loads(capsys.readouterr().out) == [{"a": 1}] * count
