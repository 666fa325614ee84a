"""README and docs are true: their commands and Python run, their TOML is valid, and the files that they name exist.

Commands run page by page, each page in a folder of its own with the small data of `page_data`; those of the README run
in `test_cli`. `elman train` gets `--set train.epochs=1` where the page does not say how long to train, and is
interrupted where the page speaks of Ctrl-C; nothing else is changed.
"""

import io
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from page_data import PAGE_DATA

import elman
from elman.cli.app import main
from elman.config.configuration import check_document, resolved_options
from elman.decoding import Decoding
from elman.fields import FIELDS
from elman.recipes import RECIPES
from elman.topologies import TOPOLOGIES
from elman.training import TrainingOptions

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(elman.__file__).parent
GENERATED = {"benchmarks", "results", "gallery", "options"}  # by commands, from figures or classes
LOGS = {"design", "log"}  # for those who work on elman
PAGES = {"README": ROOT / "README.md"} | {
    path.stem: path for path in sorted((ROOT / "docs").glob("*.md")) if path.stem not in GENERATED | LOGS
}
LANGUAGES = {"sh", "bash", "python", "toml", "console", "text"}
MOST_NOT_RUN = 3
EPOCHS = {"translate": 8}  # of pages that show an answer which needs more than one
# What is left by the commands of a page, beside its runs.
WRITES = {
    "classify": ["answers.jsonl", "trace.png"],
    "forecast": ["forecast.png"],
    "anomalies": ["anomalies.png", "scores.csv"],
    "translate": ["attention.png"],
    "audio": ["speech.wav"],
    "music": ["sample.mid", "sample.png", "sample.wav"],
    "training": ["curves.png"],
}
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(SOURCE.parent),  # the same package, wherever it was imported from
    "OMP_NUM_THREADS": "1",
}


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    not_run: str  # why it is not run; empty where it is


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found, lines, reason = [], enumerate(page.read_text().splitlines(), 1), ""
    for number, line in lines:
        if line.startswith("```"):
            text = []
            for _, inner in lines:
                if inner.startswith("```"):
                    break
                text.append(inner)
            found.append(Block(line[3:].strip(), "\n".join(text) + "\n", number, reason))
            reason = ""
        elif marker := re.fullmatch(r"<!-- not run: (.+) -->", line):
            reason = marker[1]
        elif line.strip():
            reason = ""
    return found


def run_shell(text: str, epochs: int = 1) -> None:
    """Run the commands of a block; those of `elman` alone in this process, where torch need not be imported anew."""
    for command in text.splitlines():
        words = [] if re.search("[|<>]", command) else shlex.split(command, comments=True)
        if "# Ctrl-C" in command:
            run_interrupted(words)
        elif words[:1] == ["elman"]:
            assert run_elman(words[1:], epochs)[0] == 0
        elif shlex.split(command, comments=True):
            ending = command.replace("tail -f", "cat")  # which comes to an end
            script = f"set -e -o pipefail\n{ending}"
            done = subprocess.run(["bash", "-c", script], env=os.environ | ENVIRONMENT, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stderr}"


def run_interrupted(words: list[str]) -> None:
    """Begin a training of some seconds, and stop it by Ctrl-C after three epochs."""
    command = [*words, "--epochs", "60", "--set", "train.patience=0"]
    with subprocess.Popen(command, env=os.environ | ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        while not process.stderr.readline().startswith("epoch 3"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stderr.read()
    assert process.returncode == 130


def run_elman(words: list[str], epochs: int = 1) -> tuple[int, str]:
    """Run a verb in this process; give its exit code and all that it printed."""
    if words[0] == "train" and not {"--epochs", "--resume"} & set(words) and "train.epochs" not in " ".join(words):
        words = [*words, "--set", f"train.epochs={epochs}"]
    printed, before = io.StringIO(), sys.argv
    sys.argv = ["elman", *words]
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            main()
    except SystemExit as left:
        if left.code:
            print(shlex.join(sys.argv), printed.getvalue(), sep="\n")
        return int(left.code or 0), printed.getvalue()
    finally:
        sys.argv = before
    raise AssertionError("elman leaves by SystemExit")


def run_console(text: str) -> None:
    """Run what stands behind a $, and compare what is printed with the lines below it."""
    first, *shown = text.splitlines()
    _, printed = run_elman(shlex.split(first.removeprefix("$ elman ")))
    assert [line.rstrip() for line in printed.strip().splitlines()] == shown


@pytest.fixture(scope="module", params=[name for name in PAGES if name != "README"])
def finished(request, tmp_path_factory) -> tuple[str, Path]:
    """The name of a page, and a folder in which all of its blocks have been run."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    PAGE_DATA.get(name, lambda _: None)(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ELMAN_CACHE", str(folder / "cache"))
        run_blocks(name)
    return name, folder


def run_blocks(name: str) -> None:
    """Run the blocks of a page in order; those in Python share their names."""
    names: dict[str, object] = {}
    for block in blocks_of(PAGES[name]):
        if block.not_run:
            continue
        if block.language in ("sh", "bash"):
            run_shell(block.text, EPOCHS.get(name, 1))
        elif block.language == "console":
            run_console(block.text)
        elif block.language == "python":
            exec(compile("\n" * block.line + block.text, str(PAGES[name]), "exec"), names)


def test_every_block_of_a_page_runs(finished):
    name, folder = finished
    for file in WRITES.get(name, ()):
        assert (folder / file).stat().st_size, file


def test_what_the_pages_say_of_their_files_holds(finished):
    name, folder = finished
    if name == "classify":
        answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
        assert len(answers) == 6
        assert set(answers[0]) == {"prediction", "probabilities"}
        assert (folder / "trace.png").read_bytes().startswith(b"\x89PNG")
    elif name == "training":
        first, again = ((folder / "runs" / run / "weights.safetensors").read_bytes() for run in ("tickets", "again"))
        assert first == again  # a run is repeated bit for bit from its own file


def test_few_blocks_are_not_run_and_each_says_why():
    skipped = [
        (name, block.line, block.not_run) for name, page in PAGES.items() for block in blocks_of(page) if block.not_run
    ]
    assert len(skipped) <= MOST_NOT_RUN, skipped
    assert all(reason.startswith("needs ") for _, _, reason in skipped)


@pytest.mark.parametrize("name", PAGES)
def test_every_block_says_its_language(name):
    assert {block.language for block in blocks_of(PAGES[name])} <= LANGUAGES


@pytest.mark.parametrize(
    ("name", "block"),
    [(name, block) for name, page in PAGES.items() for block in blocks_of(page) if block.language == "toml"],
    ids=lambda value: value if isinstance(value, str) else str(value.line),
)
def test_toml_is_a_valid_configuration(name, block):
    config = check_document({"input": {"text": {"kind": "text"}}} | tomllib.loads(block.text))
    for fields in (config.input, config.target):
        for options in fields.values():
            resolved_options(FIELDS[options.pop("kind")], options, "field")
    topology = config.model.pop("topology", "many-to-one")
    resolved_options(TOPOLOGIES[topology], config.model, "model")
    resolved_options(TrainingOptions, config.train, "train")
    Decoding(**config.decode)


def test_every_recipe_and_setting_that_is_named_exists():
    named = []
    for page in PAGES.values():
        named += re.findall(r"elman recipe ([a-z0-9-]+)(?: --setting ([a-z0-9-]+))?", page.read_text())
    assert {name for name, _ in named} == set(RECIPES)
    for name, setting in named:
        assert not setting or setting in RECIPES[name].settings, (name, setting)


def test_the_page_of_options_is_that_of_the_classes():
    scope = runpy.run_path(str(ROOT / "docs" / "write_options.py"))
    assert (ROOT / "docs" / "options.md").read_text() == scope["page"](), "run make options"
    lines = (ROOT / "docs" / "options.md").read_text().splitlines()
    assert [line for line in lines if line.endswith("|  |")] == [], "an option without a word in its docstring"


def test_every_page_is_linked_from_the_readme_and_every_link_leads_somewhere():
    linked = set(re.findall(r"\]\((docs/[a-z-]+\.md)\)", PAGES["README"].read_text()))
    assert linked >= {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    pages = [*PAGES.values(), ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / f"{name}.md" for name in LOGS)]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def test_the_readme_is_short():
    assert 1000 < len(PAGES["README"].read_text().split()) < 1400


def test_the_readmes_tree_has_every_folder_and_file_of_the_package():
    (tree,) = (block.text for block in blocks_of(PAGES["README"]) if block.text.startswith("src/elman/"))
    named = {name for line in tree.splitlines()[1:] for name in line.partition("  #")[0].split()}
    folders = {f"{path.name}/" for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    files = {path.name for path in SOURCE.glob("*.py") if not path.name.startswith("__")}
    assert named == folders | files
    assert all(line.partition("  #")[2].strip() for line in tree.splitlines()[1:])


def test_the_files_that_answer_newcomers_exist_and_are_few():
    section = (ROOT / "docs" / "design.md").read_text().partition("## Ten newcomer questions")[2]
    rows = re.findall(r"^\| ([^|`]+) \| (.+) \|$", section, re.MULTILINE)[1:]
    assert len(rows) == 10
    for question, answer in rows:
        files = re.findall(r"`([a-z_/]+\.(?:py|cpp|h))`", answer)
        assert 1 <= len(files) <= 3, question
        assert [file for file in files if not (SOURCE / file).is_file()] == [], question
        for file, name in re.findall(r"`([a-z_/]+\.py)` \(`([A-Za-z_]+)`\)", answer):
            defined = rf"^\s*(?:def|class) {name}\b|^\s*{name}\b[^=\n]* ="
            assert re.search(defined, (SOURCE / file).read_text(), re.MULTILINE), (question, file, name)


def test_the_figures_that_are_quoted_are_those_of_the_results():
    medians: dict[tuple[str, str], list[float]] = {}
    for entry in json.loads((ROOT / "docs" / "results.json").read_text()):
        medians.setdefault((entry["recipe"], entry["setting"]), []).append(entry["median"])
    row = re.compile(r"^\| `([a-z0-9-]+)` ?([a-z-]*) \| [^|]+ \| ([0-9.]+)", re.MULTILINE)
    quoted = {name: row.findall(PAGES[name].read_text()) for name in ("README", "recipes")}
    assert len(quoted["README"]) == 4
    assert {recipe for recipe, _, _ in quoted["recipes"]} >= {recipe for recipe, _ in medians} - {"anomaly"}
    for recipe, setting, figure in [*quoted["README"], *quoted["recipes"]]:
        places = len(figure.partition(".")[2])
        assert figure in {f"{median:.{places}f}" for median in medians[recipe, setting]}, (recipe, setting)


def test_the_changelog_has_one_change_a_line_under_the_usual_headings():
    lines = (ROOT / "CHANGELOG.md").read_text().partition("## [Unreleased]\n")[2].splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert headings == ["### Added", "### Changed", "### Removed", "### Fixed"]
    changes = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in changes if not line.startswith("- ") or len(line) > 160] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_the_paths_that_guide_contributors_exist(page):
    named = re.findall(r"`((?:src|tests|docs|benchmarks)/[A-Za-z0-9_./-]+)`", (ROOT / page).read_text())
    missing = [path for path in named if "my_" not in path and not (ROOT / path).exists()]
    assert missing == []
