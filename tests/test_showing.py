"""What a recipe shows of its network is made once, and has the inputs that the network reads."""

from types import SimpleNamespace

import numpy as np
import pytest

from elman.data import Table
from elman.data.layouts import Tables
from elman.fields import FIELDS, Category, Fields
from elman.media.music import files
from elman.model.model import Model
from elman.recipes import Recipe, follow
from elman.recipes.datasets import DATASETS
from elman.recipes.runner.examples import GeneratedRow, save_examples, with_inputs

TABLE = Table({"digit": ["two", "two", "one"], "voice": ["a", "b", "a"], "sounds": ["T", "UW", "W"]}, "digits")
STRIPS = [np.full((2, 4), shade, np.uint8) for shade in (0, 90, 255)] * 4
PICTURES = Table({"strip": STRIPS, "words": ["black", "grey", "white"] * 4}, "pictures")


def test_what_is_shown_has_the_inputs_of_the_first_row_that_has_its_values():
    show = [{"digit": "two", "voice": "b"}, {"voice": "a"}, {"sounds": "N", "voice": "c"}, "two"]

    assert with_inputs(show, ["sounds", "voice"], TABLE) == [
        {"digit": "two", "voice": "b", "sounds": "UW"},
        {"voice": "a", "sounds": "T"},
        *show[2:],
    ]


@pytest.fixture
def asked(monkeypatch):
    """How often a model was asked, by what it does."""
    counts = {"generate": 0, "predict": 0, "trace": 0}

    def counted(name):
        does = getattr(Model, name)

        def count(self, *given, **options):
            counts[name] += 1
            return does(self, *given, **options)

        monkeypatch.setattr(Model, name, count)

    for name in counts:
        counted(name)
    return counts


def recipe(**parts):
    baseline = {"name": "always the best single answer", "answer": "constant"}
    given = {"model": {"hidden": 4}, "train": {"epochs": 1}, "baselines": [baseline]} | parts
    return Recipe("tiny", "", "tiny", "test", "", 1, **given)


def test_rows_of_pictures_are_described_once_for_the_picture_and_for_the_person(tmp_path, monkeypatch, asked):
    monkeypatch.setitem(DATASETS, "tiny", lambda: Tables(PICTURES, PICTURES, PICTURES))
    tiny = recipe(
        input={"strip": {"kind": "image", "size": "2x4", "channels": 1}},
        target={"words": {"kind": "text", "min_count": 1}},
        metric="exact_match",
        show_rows=2,
    )

    result = follow(tiny, out=tmp_path / "out")

    assert asked == {"generate": 1, "predict": 0, "trace": 0}
    assert (tmp_path / "out" / "captions.png").is_file()
    assert [text.partition("(actual: ")[2] for _, text in result.generated] == ["black)", "white)"]


@pytest.mark.parametrize("kind", ["notes", "roll"])
def test_what_is_generated_is_kept_as_files_whether_it_is_a_text_or_frames(tmp_path, kind, monkeypatch):
    fields = Fields({"key": Category("key")}, {"tune": FIELDS[kind]("tune", generated=True)})
    model = SimpleNamespace(fields=fields, target=fields.targets["tune"])
    value = "C4:1 E4:1" if kind == "notes" else [[60], [64]]

    monkeypatch.setattr(files, "draw_piano_roll", lambda notes, tempo, title: title.encode())

    ((asked, text),) = save_examples(model, [GeneratedRow("C major", value, "G4:2")], tmp_path)

    names = ["written-1.mid", "written-1.png", "written-1.wav"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert asked == (tmp_path / "written-1.png").read_text() == "C major"  # what stands above the picture
    assert text == (value if kind == "notes" else ", ".join(names)) + "   (actual: G4:2)"


def test_what_is_read_is_traced_once_for_the_picture_and_for_the_person(tmp_path, monkeypatch, asked):
    table = Table({"text": ["good day", "bad day"] * 6, "label": ["yes", "no"] * 6}, "texts")
    monkeypatch.setitem(DATASETS, "tiny", lambda: Tables(table, table, table))
    tiny = recipe(input={"text": {"kind": "text"}}, target={"label": {"kind": "category"}}, metric="accuracy",
                  show=["good day", "bad"])  # fmt: skip

    result = follow(tiny, out=tmp_path / "out")

    assert asked == {"generate": 0, "predict": 0, "trace": 2}
    assert (tmp_path / "out" / "trace.png").is_file()
    assert [value for value, _ in result.traces] == ["good day", "bad"]
