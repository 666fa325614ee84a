"""A training that is stopped or killed, at whatever moment, ends as one that never was: same losses, same weights."""

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import elman
from elman.data import seen_from
from elman.errors import DataError, IntegrityError, Interrupted
from elman.storage import all_checkpoints, claim, is_held
from elman.training import TrainingRun, report

RANDOM = np.random.default_rng(0)
WORDS = ["good", "bad", "fine", "poor", "great", "dull"]
TEXTS = [" ".join(RANDOM.choice(WORDS, RANDOM.integers(2, 9))) for _ in range(150)]
TABLE = {"text": TEXTS, "label": ["yes" if "good" in text.split() else "no" for text in TEXTS]}
OPTIONS = {"input": "text", "target": "label", "hidden": 8, "epochs": 4, "quiet": True}
NOISE = {"dropout": 0.5, "initial_state": "random"}
CASES = {
    "lstm": {"cell": "lstm", "model": NOISE},
    "gru, both ways, mean of the weights": {
        "cell": "gru", "bidirectional": True, "model": NOISE, "train": {"average": "ema", "evaluations": 2},
    },
    "rnn, noise, pieces": {"cell": "rnn", "layers": 2, "model": NOISE,
                           "train": {"gradient_noise": 0.01, "micro_batch": 7, "schedule": "plateau"}},
    "plateau": {"cell": "rnn", "model": NOISE, "epochs": 8,
                "train": {"schedule": "plateau", "patience": 0, "lr": 0.1, "evaluations": 2}},
    "bfloat16, low memory": {"cell": "lstm", "model": NOISE | {"memory": "low", "zoneout": 0.1},
                             "train": {"precision": "bfloat16"}},
    "mingru": {"cell": "mingru", "model": NOISE, "train": {"average": "swa", "patience": 1}},
}  # fmt: skip
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["elman.training.train", "tokenizers"])


def options(case: str, every: int = 1) -> dict:
    given = OPTIONS | CASES[case]
    return given | {"train": {"checkpoint_steps": every, **given.get("train", {})}}


def begin_or_go_on(folder: Path, case: str, threads: int, stumble: tuple[str, int] | None = None) -> None:
    """What a person does after a crash: resume, or begin where nothing was kept. May kill itself inside a save."""
    report.find_spec = lambda name: None  # no picture of the curves, which takes longer than the training
    torch.set_num_threads(threads)
    if stumble:
        kill_at(*stumble)
    if all_checkpoints(folder):
        elman.resume(folder, TABLE)
    elif not (folder / "manifest.json").exists():
        elman.train(TABLE, out=folder, **options(case))


def kill_at(name: str, count: int) -> None:
    """This process is killed in the `count`-th call of a function that saving goes through."""
    home, calls = (os if name in ("fsync", "rename") else elman.storage.write), []
    plain = getattr(home, name)

    def call(*given):
        calls.append(given)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*given)

    setattr(home, name, call)


def until_killed(folder: Path, case: str, threads: int, after: float | None, stumble: tuple | None = None) -> int:
    """The exit code of a process that is killed after so many seconds, unless it ends before."""
    process = PROCESSES.Process(target=begin_or_go_on, args=(folder, case, threads, stumble))
    process.start()
    process.join(after)
    if process.is_alive():
        process.kill()
    process.join()
    return process.exitcode


def outcome(folder: Path) -> tuple[str, list]:
    """The SHA-256 of the weights, and every figure of the log that time has no part in."""
    manifest = json.loads((folder / "manifest.json").read_text())
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    timed = ("seconds", "sequences_per_second")
    return manifest["files"]["weights.safetensors"]["sha256"], [
        {key: value for key, value in row.items() if key not in timed} for row in rows
    ]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What each case ends with where nothing stops it, made when it is first asked for."""
    made: dict[tuple[str, int], tuple] = {}

    def ends(case: str, threads: int) -> tuple[tuple, float]:
        if (case, threads) not in made:
            folder = tmp_path_factory.mktemp("unbroken") / "run"
            begin = time.perf_counter()
            assert until_killed(folder, case, threads, None) == 0
            made[case, threads] = outcome(folder), time.perf_counter() - begin
        return made[case, threads]

    return ends


def survive(folder: Path, case: str, threads: int, unbroken, seed: int) -> int:
    """Kill a training at random moments until it ends; how often it was killed."""
    expected, seconds = unbroken(case, threads)
    moments, kills = random.Random(seed), 0
    while until_killed(folder, case, threads, moments.uniform(0.02, 1.2) * seconds if kills < 2 else None):
        kills += 1
    assert outcome(folder) == expected
    assert not all_checkpoints(folder)
    with claim(folder, force=True):  # as whoever trains there next: what a kill at the last moment left goes
        pass
    assert sorted(path.name for path in folder.parent.iterdir()) == ["run"]
    return kills


KILLED = [
    "lstm",
    "gru, both ways, mean of the weights",
    "rnn, noise, pieces",
    "mingru",
]  # of the others, `make test-slow`


@pytest.mark.parametrize(("case", "threads"), [(case, 1 + index % 2) for index, case in enumerate(KILLED)])
def test_a_killed_training_ends_as_if_it_had_not_been(case, threads, tmp_path, unbroken):
    survive(tmp_path / "run", case, threads, unbroken, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_fifty_kills_at_random_moments(case, threads, tmp_path, unbroken):
    kills = 0
    for seed in range(100):
        (tmp_path / str(seed)).mkdir()
        kills += survive(tmp_path / str(seed) / "run", case, threads, unbroken, seed)
        if kills >= 7:  # 8 cases and threads: 50 and more in all
            return
    pytest.fail(f"only {kills} kills in a hundred trainings")


@pytest.mark.parametrize(("name", "count"), [("fsync", 12), ("_swapped_atomically", 1), ("fsync", -1)])
def test_a_kill_inside_a_save_costs_nothing(name, count, tmp_path, unbroken):
    case = "gru, both ways, mean of the weights"
    folder, (expected, _) = tmp_path / "run", unbroken(case, 1)
    if count == -1:  # in the last save, that of the model: a checkpoint before each step has 5 files and 2 folders
        count = 7 * expected[1][-1]["step"] + 3
    assert until_killed(folder, case, 1, None, (name, count)) == -signal.SIGKILL
    assert until_killed(folder, case, 1, None) == 0
    assert outcome(folder) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def stop_at(monkeypatch, step: int, number: int = signal.SIGINT) -> None:
    plain = TrainingRun._step

    def stopping(self, *batch):
        if self.history.step == step - 1:
            signal.raise_signal(number)
        return plain(self, *batch)

    monkeypatch.setattr(TrainingRun, "_step", stopping)


@pytest.fixture
def stopped(tmp_path, monkeypatch) -> Path:
    """A run directory whose training was stopped at step 9, with checkpoints at 6, 8 and 9."""
    with monkeypatch.context() as patch:
        stop_at(patch, 9)
        model = elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=2))
    assert model.metrics["training"]["ended"] == "interrupted"
    return tmp_path / "run"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple:
    folder = tmp_path_factory.mktemp("whole") / "run"
    elman.train(TABLE, out=folder, **options("lstm", every=2))
    return outcome(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_is_a_model_and_can_be_resumed(number, tmp_path, monkeypatch, whole):
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        stop_at(patch, 2, number)  # before anything was scored
        elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=2))
    assert len(elman.load(tmp_path / "run").predict(["good fun"])) == 1
    elman.resume(tmp_path / "run", TABLE)
    assert outcome(tmp_path / "run") == whole
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("case", CASES)
def test_every_option_resumes_in_the_middle_of_an_epoch_as_if_it_had_not_stopped(case, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    elman.train(TABLE, out=tmp_path / "whole", **options(case, every=100))
    expected = outcome(tmp_path / "whole")
    assert case != "plateau" or expected[1][-1]["lr"] < 0.1  # it was halved, on both sides of the stop
    with monkeypatch.context() as patch:
        stop_at(patch, 2 * expected[1][-1]["step"] // 3 - 1)
        elman.train(TABLE, out=tmp_path / "run", **options(case, every=100))
    assert elman.load(tmp_path / "run").metrics["training"]["ended"] == "interrupted"
    elman.resume(tmp_path / "run", TABLE)
    assert outcome(tmp_path / "run") == expected


def test_the_rows_at_once_that_fitted_in_memory_are_remembered(tmp_path, monkeypatch):
    from elman.network import Network

    plain, sizes = Network.loss, []

    def loss(self, batch, *rest):
        sizes.append(len(batch.inputs["text"].values))
        if len(batch.inputs["text"].values) > 9:
            raise MemoryError
        return plain(self, batch, *rest)

    monkeypatch.setattr(Network, "loss", loss)
    elman.train(TABLE, out=tmp_path / "whole", **options("lstm", every=100))
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=100))
    assert max(sizes) == 32
    sizes.clear()
    elman.resume(tmp_path / "run", TABLE)
    assert max(sizes) == 8
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


def test_being_asked_to_stop_while_the_test_split_is_scored_loses_nothing(tmp_path, monkeypatch, whole):
    plain = report.scores_of

    def scores_of(*given):
        signal.raise_signal(signal.SIGTERM)
        return plain(*given)

    monkeypatch.setattr(report, "scores_of", scores_of)
    elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=2))
    assert outcome(tmp_path / "run") == whole


def test_a_lock_that_is_given_back_is_not_taken_twice(stopped):
    from filelock import FileLock

    with claim(stopped, resume=True):
        waiting = FileLock(stopped / "lock")
        taken = []
        thread = threading.Thread(target=lambda: (waiting.acquire(timeout=20), taken.append(is_held(stopped))))
        thread.start()
        time.sleep(0.3)
    thread.join()
    assert taken == [True]  # by the one that waited: the file that it holds is the one that others see
    waiting.release()


@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_training_that_is_stopped_where_its_patience_ends_goes_no_further(at_the_end, tmp_path, monkeypatch):
    given = options("mingru") | {"epochs": 50}
    elman.train(TABLE, out=tmp_path / "whole", **given)
    expected = outcome(tmp_path / "whole")
    assert elman.load(tmp_path / "whole").metrics["training"]["ended"] == "patience"
    with monkeypatch.context() as patch:
        stop_at(patch, expected[1][-1]["step"] if at_the_end else 3)
        elman.train(TABLE, out=tmp_path / "run", **given)
    elman.resume(tmp_path / "run", TABLE)
    assert outcome(tmp_path / "run") == expected


def test_a_second_interrupt_ends_at_once(tmp_path, monkeypatch):
    plain = TrainingRun._step

    def twice(self, *batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return plain(self, *batch)

    monkeypatch.setattr(TrainingRun, "_step", twice)
    with pytest.raises(KeyboardInterrupt):
        elman.train(TABLE, **options("lstm"))
    with pytest.raises(Interrupted, match=r"Resume with: elman train --resume .*run"):
        elman.train(TABLE, out=tmp_path / "run", **options("lstm"))
    assert [path.name for path in all_checkpoints(tmp_path / "run")] == ["step-000000000"]


def test_the_last_two_checkpoints_are_kept(stopped):
    assert [path.name for path in all_checkpoints(stopped)] == ["step-000000009", "step-000000008"]


@pytest.mark.parametrize("name", ["state.safetensors", "progress.json", "manifest.json", "config.json", "fields.json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(name, stopped, whole, capsys):
    damaged = stopped / "checkpoints" / "step-000000009" / name
    damaged.write_bytes(damaged.read_bytes()[:-9])
    elman.resume(stopped, TABLE, reporter=elman.training.Reporter())
    said = capsys.readouterr().err
    assert name in said
    assert "at step 8" in said
    assert outcome(stopped) == whole


def test_where_no_checkpoint_verifies_nothing_is_resumed(stopped):
    for folder in all_checkpoints(stopped):
        (folder / "progress.json").write_text("{}")
    with pytest.raises(IntegrityError, match="hold a checkpoint that matches its manifest"):
        elman.resume(stopped, TABLE)


def test_other_rows_are_refused(stopped):
    other = {"text": TABLE["text"][::-1], "label": TABLE["label"][::-1]}
    another_word = {"text": [*TABLE["text"][:-1], "unseen"], "label": TABLE["label"]}
    another_label = {"text": TABLE["text"], "label": [*TABLE["label"][:70], *TABLE["label"][:69:-1]]}
    for rows in (other, another_word, another_label):
        with pytest.raises(DataError, match="the rows must be those that it started with"):
            elman.resume(stopped, rows)


@pytest.mark.parametrize("in_memory", [200, 0])
def test_a_file_is_resumed_in_the_middle_of_an_epoch_however_large(in_memory, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    csv = tmp_path / "data.csv"
    csv.write_text("text,label\n" + "".join(f"{x},{y}\n" for x, y in zip(*TABLE.values(), strict=True)))
    given = options("lstm", every=100) | {"data": {"in_memory": in_memory}}
    elman.train(csv, out=tmp_path / "whole", **given)
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        elman.train(csv, out=tmp_path / "run", **given)
    elman.resume(tmp_path / "run")
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
    with csv.open("a") as file:
        file.write("one more,yes\n")
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        elman.train(csv, out=tmp_path / "changed", **given)
    csv.write_text(csv.read_text().replace("good", "Good one", 30))
    with pytest.raises(DataError, match="the rows must be those that it started with"):
        elman.resume(tmp_path / "changed")


@pytest.mark.parametrize("in_memory", [200, 0])
@pytest.mark.parametrize("source", ["data/a[1].csv", "data/*.csv", ["data/a[1].csv", "data/b.csv"]], ids=str)
def test_a_training_is_resumed_from_any_folder(source, in_memory, own_cache, tmp_path, monkeypatch):
    begun, elsewhere = tmp_path / "begun [here]", tmp_path / "elsewhere"
    (begun / "data").mkdir(parents=True)
    elsewhere.mkdir()
    rows = [f"{x},{y}\n" for x, y in zip(*TABLE.values(), strict=True)]
    for name, part in (("a[1]", rows[:100]), ("b", rows[100:])):
        (begun / "data" / f"{name}.csv").write_text("text,label\n" + "".join(part))
    (begun / "words.txt").write_text("good 1.0 0.0\nbad 0.0 1.0\n")
    (begun / "test.csv").write_text("text,label\n" + "".join(rows[:20]))
    given = options("lstm", every=3) | {
        "input": {"text": {"vectors": "words.txt"}},
        "data": {"in_memory": in_memory, "test": "test.csv"},
    }
    monkeypatch.chdir(begun)
    elman.train(source, out="whole", **given)
    with monkeypatch.context() as patch:
        stop_at(patch, 7)
        elman.train(source, out="run", **given)

    monkeypatch.chdir(elsewhere)
    with monkeypatch.context() as patch:
        stop_at(patch, 11)
        elman.resume(begun / "run")
    monkeypatch.chdir(tmp_path)
    elman.resume(begun / "run")

    assert outcome(begun / "run") == outcome(begun / "whole")
    for name in ("run.toml", "config.json"):
        assert (begun / "run" / name).read_text() == (begun / "whole" / name).read_text()
    assert str(tmp_path) not in (begun / "run" / "run.toml").read_text()


def test_a_training_that_was_moved_with_its_data_is_resumed_from_there(tmp_path, monkeypatch):
    (tmp_path / "begun").mkdir()
    monkeypatch.chdir(tmp_path / "begun")
    rows = [f"{x},{y}\n" for x, y in zip(*TABLE.values(), strict=True)]
    Path("data.csv").write_text("text,label\n" + "".join(rows))
    elman.train("data.csv", out="whole", **options("lstm", every=100))
    with monkeypatch.context() as patch:
        stop_at(patch, 7)
        elman.train("data.csv", out="run", **options("lstm", every=100))
    (tmp_path / "begun").rename(tmp_path / "moved")

    monkeypatch.chdir(tmp_path / "moved")
    elman.resume("run")

    assert outcome(Path("run")) == outcome(Path("whole"))


@pytest.mark.parametrize(("source", "expected"), [
    ("a.csv", "{}/a.csv"), ("*.csv", "{}/*.csv"), ("x.en+x.fr", "{0}/x.en+{0}/x.fr"), ("a+b.csv", "{}/a+b.csv"),
    ("none.csv", "none.csv"), ("*.none", "*.none"), ("x.en+none", "x.en+none"), ("/no/a.csv", "/no/a.csv"),
])  # fmt: skip
def test_a_path_from_another_folder_is_one_from_here_where_something_is_there(source, expected, tmp_path):
    for name in ("a.csv", "x.en", "x.fr", "a+b.csv"):
        (tmp_path / name).touch()

    assert seen_from(tmp_path, source) == expected.format(tmp_path)


def test_a_training_that_has_ended_is_not_resumed(tmp_path):
    elman.train(TABLE, out=tmp_path / "run", **options("lstm"))
    with pytest.raises(elman.ElmanError, match=r"hold a checkpoint, got none\. It has ended"):
        elman.resume(tmp_path / "run", TABLE)


def test_a_run_directory_belongs_to_one_process(stopped):
    held = threading.Event()
    leave = threading.Event()

    def hold():
        with claim(stopped, resume=True):
            held.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        assert is_held(stopped)
        with pytest.raises(elman.ElmanError, match="one in use by another training"):
            elman.resume(stopped, TABLE)
        with pytest.raises(elman.ElmanError, match="one in use by another training"):
            elman.train(TABLE, out=stopped, force=True, **options("lstm"))
    finally:
        leave.set()
        thread.join()
    assert not is_held(stopped)
    assert not (stopped / "lock").exists()


def test_a_disk_that_is_full_for_a_while_costs_a_checkpoint_and_nothing_else(tmp_path, monkeypatch, whole, capsys):
    plain, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if 10 < len(calls) < 14:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return plain(handle)

    monkeypatch.setattr(os, "fsync", full)
    elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=2) | {"quiet": False})
    assert "No space left on device" in capsys.readouterr().err
    assert outcome(tmp_path / "run") == whole


def test_a_folder_that_is_gone_costs_nothing_that_is_still_to_come(tmp_path, monkeypatch, whole):
    plain = TrainingRun._step

    def gone(self, *batch):
        if self.history.step == 5:
            shutil.rmtree(tmp_path / "run")
        return plain(self, *batch)

    monkeypatch.setattr(TrainingRun, "_step", gone)
    elman.train(TABLE, out=tmp_path / "run", **options("lstm", every=2))
    assert outcome(tmp_path / "run") == whole


def test_the_command_resumes_and_refuses_other_options_beside(tmp_path, stopped):
    csv = tmp_path / "data.csv"
    csv.write_text("text,label\n" + "".join(f"{x},{y}\n" for x, y in zip(*TABLE.values(), strict=True)))
    elman_ = [Path(sys.executable).parent / "elman", "train"]
    refused = subprocess.run([*elman_, "--resume", stopped, "--epochs", "9"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--resume must stand alone" in refused.stderr

    command = [*elman_, csv, "--input", "text", "--target", "label", "--epochs", "3000", "--set", "train.patience=0"]
    process = subprocess.Popen([*command, "--out", tmp_path / "long"], stderr=subprocess.PIPE, text=True)
    with process:
        while not process.stderr.readline().startswith("epoch 2"):
            pass
        process.terminate()
        rest = process.stderr.read()
    assert process.returncode == 130
    assert f"Resume with: elman train --resume {tmp_path / 'long'}" in rest
    document = (tmp_path / "long" / "config.json").read_bytes()
    assert elman.load(tmp_path / "long").metrics["training"]["ended"] == "interrupted"
    assert b"3000" in document
