"""Files that cells name: their kind is told by their names, and they are found beside the table that names them."""

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import GREY_8, bright, gallery, saved
from tones import RATE
from verbs import call

import elman
from elman.data import BadRows, Table, infer_kind, read
from elman.errors import BadValueError, DataError
from elman.fields import FIELDS
from elman.fields.values.files import find_file, kind_of_files
from elman.media.audio.wav import write_wav
from elman.media.music.midi import write_midi
from elman.media.music.note import voice_notes


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a.wav", "b/c.FLAC", None, "d.mp3 "], "audio"),
        (["a.mid", "b.midi"], "notes"),
        (["a.png", "b.jpg"], "image"),
    ],
)
@pytest.mark.parametrize("as_target", [False, True])
def test_a_column_that_names_files_of_one_kind_has_that_kind(cells, kind, as_target):
    assert infer_kind(Table({"x": cells}, "t"), "x", as_target) == kind


@pytest.mark.parametrize("cells", [["a.wav", "b.png"], ["a.wav", "so it goes"], ["a.txt", "b.txt"], ["a.wav", 7.0]])
def test_a_column_of_anything_else_has_not(cells):
    assert kind_of_files(cells) is None


def test_a_folder_of_files_gives_their_paths_and_labels(tmp_path):
    for name in ("yes/1.wav", "yes/2.WAV", "no/1.mp3", ".hidden/3.txt"):
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).write_bytes(b"")

    table = read(tmp_path / "clips", BadRows())

    files = [str(tmp_path / "clips" / name) for name in ("no/1.mp3", "yes/1.wav", "yes/2.WAV")]
    assert {name: table.column(name) for name in table.columns} == {"file": files, "label": ["no", "yes", "yes"]}
    assert table.place(1) == files[1]
    flat = read(tmp_path / "clips" / "yes", BadRows())
    assert list(flat.columns) == ["file"]


def test_a_folder_of_several_kinds_is_one_error(tmp_path):
    for name in ("a/1.wav", "a/list.csv", "b/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    says = r"the folder must hold files of one kind, got audio \(a/1.wav\), image \(b/2.png\), text \(a/list.csv\)"
    with pytest.raises(DataError, match=says):
        read(tmp_path, BadRows())


def test_files_are_found_beside_their_table_and_from_where_one_stands(tmp_path, monkeypatch, capsys):
    gallery(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    training = ("train", "data/table.csv", "--input", "file", "--target", "side", "--epochs", 10, "--out", "run")
    options = ("train.batch=4", "input.file.size=8x8", "input.file.channels=1")
    _, said = call(capsys, *training, *(part for option in options for part in ("--set", option)))

    assert "next      elman predict run picture.png" in said
    model = elman.load("run")
    assert model.config.input["file"]["root"] == "data"
    assert model.config.input["file"]["kind"] == "image"
    right, left = (saved(Path(f"typed{quarter}.png"), bright(quarter)) for quarter in (1, 0))
    out, _ = call(capsys, "predict", "run", right, left, "pictures/3.png", "--format", "csv")
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == ["right", "left", "right"]
    assert model.evaluate("data/table.csv")["metrics"]["accuracy"] == 1
    monkeypatch.chdir(tmp_path / "data")
    assert (
        elman.train("table.csv", input=GREY_8, target="side", epochs=1, quiet=True).config.input["file"]["root"] is None
    )


def test_a_file_is_no_table(tmp_path):
    with pytest.raises(DataError, match=r"got 'a.png'. Name a table that lists such files, or the folder that holds"):
        read(saved(tmp_path / "a.png", bright(0)), BadRows())


def test_another_table_names_its_own_files(tmp_path, monkeypatch):
    gallery(tmp_path / "data")
    gallery(tmp_path / "new", 8)
    for at in range(8):  # the same names, all the other way round
        saved(tmp_path / "new" / "pictures" / f"{at}.png", bright(3 - at % 4))
    monkeypatch.chdir(tmp_path)
    data = {"valid": "data/table.csv", "test": "new/table.csv"}

    given = {"input": GREY_8, "target": "side", "epochs": 10, "quiet": True, "train": {"batch": 4}}
    model = elman.train("data/table.csv", data=data, **given)

    assert model.metrics["valid"]["accuracy"] == 1
    assert model.metrics["test"]["accuracy"] == 0
    assert model.evaluate("new/table.csv")["metrics"]["accuracy"] == 0
    again = elman.train("data/table.csv", data={**data, "in_memory": 0.0}, **given)
    assert again.metrics["test"] == model.metrics["test"]


def test_a_folder_of_pictures_trains_is_evaluated_and_answered_by_the_names_of_its_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for at in range(24):
        Path(f"pics/{'lr'[at % 2]}").mkdir(parents=True, exist_ok=True)
        saved(Path(f"pics/{'lr'[at % 2]}/{at}.png"), bright(at % 2))

    model = elman.train("pics", input=GREY_8, target="label", epochs=10, out="run", quiet=True, train={"batch": 4})

    assert model.config.input["file"]["root"] is None
    assert elman.load("run").evaluate("pics") == {"rows": 24, "metrics": {"accuracy": 1.0, "macro_f1": 100.0}}
    told = map(json.loads, call(capsys, "predict", "run", "--data", "pics", "--format", "jsonl")[0].splitlines())
    assert {(row["file"].split("/")[-1], row["prediction"]) for row in told} == {
        (f"{at}.png", "lr"[at % 2]) for at in range(24)
    }


@pytest.mark.parametrize("cell", ["gone.png", "x" * 5000, "a\0b", "", 3])
def test_a_cell_that_names_no_file_is_one_clear_error(cell):
    with pytest.raises(BadValueError, match="be the path of a file"):
        find_file(cell)


def save_tune(path: Path, number: int) -> None:
    write_midi(voice_notes(np.array([[60 + number, 1], [62, 2], [64 + number % 3, 1]]), 1), 120, path)


# How a file of each kind is written; a kind that is new has none yet, and fails the test below.
FILES = {
    "image": (".png", lambda path, number: saved(path, bright(number % 4))),
    "audio": (".wav", lambda path, number: write_wav(path, np.sin(np.arange(960) / (number + 1)), RATE)),
    "notes": (".mid", save_tune),
    "roll": (".mid", save_tune),
}
OF_KIND = {"image": {"size": "8x8", "channels": 1}, "audio": {"rate": RATE, "size": 8}}


@pytest.mark.parametrize("kind", [kind for kind, field in FIELDS.items() if field.names_files])
def test_every_kind_of_file_is_found_from_another_folder(kind, tmp_path, monkeypatch):
    ending, save = FILES[kind]
    (tmp_path / "data" / "files").mkdir(parents=True)
    for number in range(20):
        save(tmp_path / "data" / "files" / f"{number}{ending}", number)
    rows = [f"files/{number}{ending},{'odd' if number % 2 else 'even'}" for number in range(20)]
    (tmp_path / "data" / "table.csv").write_text("\n".join(["file,parity", *rows]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    given = {"input": {"file": {"kind": kind, **OF_KIND.get(kind, {})}}, "target": "parity"}

    model = elman.train("../data/table.csv", **given, epochs=1, out="run", quiet=True)

    assert model.config.input["file"]["root"] == "../data"
    again = elman.load("run")
    assert again.predict(["files/3" + ending]).tolist() == model.predict(["files/3" + ending]).tolist()
    assert again.evaluate("../data/table.csv") == model.evaluate(str(tmp_path / "data" / "table.csv"))
