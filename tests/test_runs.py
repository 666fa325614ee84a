"""Trainings can be watched: listed with their state and figures, drawn together, followed in TensorBoard."""

import json
import signal

import pytest

import elman
from elman.errors import DataError
from elman.insight import draw_runs, list_runs, read_log
from elman.storage import claim
from elman.training import TrainingRun
from tests.verbs import call

TABLE = {"text": ["good fun", "so dull", "good", "dull"] * 20, "label": ["yes", "no"] * 40}
OPTIONS = {"input": "text", "target": "label", "hidden": 4, "epochs": 2, "quiet": True}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One training that has ended, one that was stopped, one that was damaged, and a folder of something else."""
    elman.train(TABLE, out=tmp_path / "done", cell="gru", **OPTIONS)
    with monkeypatch.context() as patch:
        plain = TrainingRun._step
        patch.setattr(TrainingRun, "_step", lambda *given: signal.raise_signal(signal.SIGTERM) or plain(*given))
        elman.train(TABLE, out=tmp_path / "deep" / "er" / "stopped", **OPTIONS)
    elman.train(TABLE, out=tmp_path / "damaged", **OPTIONS)
    (tmp_path / "damaged" / "config.json").write_text("{}")
    (tmp_path / "other").mkdir()
    return tmp_path


def test_runs_are_listed_with_their_state_and_figures(folder):
    rows = {row["run"]: row for row in list_runs(folder)}
    assert {name: row["state"] for name, row in rows.items()} == {
        "done": "done", "deep/er/stopped": "stopped", "damaged": "damaged",
    }  # fmt: skip
    done = rows["done"]
    figures = elman.load(folder / "done").metrics
    assert (done["metric"], done["best"], done["test"]) == (
        "accuracy", figures["valid"]["accuracy"], figures["test"]["accuracy"],
    )  # fmt: skip
    assert (done["cell"], done["hidden"], done["epoch"]) == ("gru", 4, 2)
    assert 0 <= done["age_minutes"] < 5


def test_a_training_under_way_is_running(folder):
    with claim(folder / "deep" / "er" / "stopped", resume=True):
        assert {row["state"] for row in list_runs(folder / "deep")} == {"running"}
    assert {row["state"] for row in list_runs(folder / "deep")} == {"stopped"}


def test_the_log_of_a_training_under_way_can_be_read(tmp_path, monkeypatch):
    seen = []
    plain = TrainingRun._step

    def look(self, *given):
        if self.history.step == self.steps:  # the first step of the second epoch
            seen.append(read_log(tmp_path / "run"))
        return plain(self, *given)

    monkeypatch.setattr(TrainingRun, "_step", look)
    elman.train(TABLE, out=tmp_path / "run", **OPTIONS)
    assert [row["epoch"] for row in seen[0].rows] == [1.0]
    assert seen[0].rows == read_log(tmp_path / "run").rows[:1]


def test_several_runs_are_drawn_in_one_picture(folder, capsys):
    _, said = call(capsys, "curves", folder / "done", folder / "damaged", "--out", folder / "both.png")
    assert "both.png" in said
    assert (folder / "both.png").read_bytes().startswith(b"\x89PNG")
    one = draw_runs([read_log(folder / "done")])
    assert len(one) != len((folder / "both.png").read_bytes())


def test_what_cannot_be_drawn_or_listed_is_said_in_one_line(folder, tmp_path, capsys):
    _, said = call(capsys, "curves", folder / "other", code=2)
    assert "must be a run directory" in said
    _, said = call(capsys, "curves", folder / "done", "--out", "x.jpg", code=2)
    assert "be a .png file" in said
    _, said = call(capsys, "runs", folder / "nowhere", code=2)
    assert "runs: the folder must exist" in said
    _, said = call(capsys, "runs", folder / "other")
    assert "no run directory" in said
    with pytest.raises(DataError, match="have an evaluation"):
        draw_runs([read_log(folder / "done")._replace(rows=[])])


def test_a_log_that_is_torn_and_a_directory_half_written_disturb_no_list(folder, capsys):
    torn = folder / "deep" / "er" / "stopped" / "checkpoints" / "log.jsonl"
    torn.write_bytes(torn.read_bytes()[:-9])
    (folder / "done").rename(folder / ".done.x.partial")
    assert {row["run"] for row in list_runs(folder)} == {"deep/er/stopped", "damaged"}
    _, said = call(capsys, "curves", folder / "deep" / "er" / "stopped", code=2)
    assert "log.jsonl must be JSON lines" in said


def test_the_list_can_be_read_by_a_program(folder, capsys):
    out, _ = call(capsys, "runs", folder, "--format", "json")
    assert {row["run"] for row in json.loads(out)} == {"done", "deep/er/stopped", "damaged"}


def test_a_folder_that_tensorboard_cannot_have_is_refused_before_the_run_directory_is_touched(tmp_path):
    elman.train(TABLE, **OPTIONS, out=tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="tensorboard must be a folder that can be written"):
        elman.train(TABLE, **OPTIONS, train={"tensorboard": str(tmp_path / "file")}, out=tmp_path / "run", force=True)
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_every_evaluation_is_an_event_of_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    elman.train(TABLE, **OPTIONS, train={"tensorboard": str(tmp_path / "board")}, out=tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    logged = {name: [event.value for event in events.Scalars(name)] for name in ("train_loss", "valid_accuracy", "lr")}
    for name, values in logged.items():
        assert values == pytest.approx([row[name] for row in read_log(tmp_path / "run").rows])
