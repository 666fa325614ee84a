"""A user's own file of each format that people have trains as it is: kinds and topology are inferred and printed."""

import json
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.errors import DataError

RANDOM = np.random.default_rng(0)
ROWS = [list(RANDOM.choice(["play", "stop", "Adele", "Abba", "now"], RANDOM.integers(2, 7))) for _ in range(40)]
TAGS = [["B-artist" if word.istitle() else "O" for word in row] for row in ROWS]
TEXTS = [" ".join(row) for row in ROWS]
BACK = [" ".join([*reversed(row), "please"]) for row in ROWS]
QUICK = {"hidden": 6, "epochs": 1}


def conll(folder: Path) -> str:
    lines = (
        "".join(f"{word} {tag}\n" for word, tag in zip(*pair, strict=True)) for pair in zip(ROWS, TAGS, strict=True)
    )
    (folder / "t.conll").write_text("\n".join(lines))
    return "t.conll"


def jsonl(folder: Path) -> str:
    rows = [json.dumps({"tokens": row, "tags": tags}) for row, tags in zip(ROWS, TAGS, strict=True)]
    (folder / "t.jsonl").write_text("\n".join(rows) + "\n")
    return "t.jsonl"


def side_by_side(folder: Path) -> str:
    (folder / "a.en").write_text("\n".join(TEXTS) + "\n")
    (folder / "b.fr").write_text("\n".join(BACK) + "\n")
    (folder / "a.fr").write_text("\n".join(BACK) + "\n")
    return f"{folder}/a.en+{folder}/b.fr"


def one_text(folder: Path) -> str:
    (folder / "poem.txt").write_text("\n".join(TEXTS * 8) + "\n")
    return "poem.txt"


def folder_of_texts(folder: Path) -> str:
    (folder / "texts").mkdir()
    for at, text in enumerate(TEXTS):
        (folder / "texts" / f"{at}.txt").write_text(text.replace(" ", "\n"))
    return "texts"


def table(folder: Path) -> str:
    (folder / "t.csv").write_text("text,answer\n" + "".join(f"{a},{b}\n" for a, b in zip(TEXTS, BACK, strict=True)))
    return "t.csv"


def of_one_value(folder: Path) -> str:
    rows = (f"{'old' if 'now' in row else 'new'},{text}\n" for row, text in zip(ROWS, TEXTS, strict=True))
    (folder / "o.csv").write_text("age,text\n" + "".join(rows))
    return "o.csv"


def names(folder: Path) -> str:
    made = ("".join(RANDOM.choice(list("abcdeo"), RANDOM.integers(3, 8))) for _ in range(40))
    (folder / "n.csv").write_text(
        "age,name\n" + "".join(f"{'old' if at % 2 else 'new'},{n}\n" for at, n in enumerate(made))
    )
    return "n.csv"


# What writes the file; the input and the target; what must be printed.
FORMATS = {
    "conll": (conll, "tokens", "tags", ["input     tokens: text, word tokenizer",
                                        "target    tags: tags, 2 labels that mark spans",
                                        "topology  many-to-many (sequence -> sequence)"]),
    "token lists": (jsonl, "tokens", "tags", ["input     tokens: text", "target    tags: tags",
                                               "topology  many-to-many"]),
    "side by side": (side_by_side, "a.en", "b.fr", ["input     a.en: text", "target    b.fr: text",
                                                    "topology  encoder-decoder (sequence -> sequence)"]),
    "one text": (one_text, "text", None, ["poem.txt: read as one long text; --set data.stream=false",
                                          "text: text, word tokenizer",
                                          "topology  next-step (sequence)"]),
    "folder of texts": (folder_of_texts, "text", None, ["data      texts: 32 training, 4 validation, 4 test rows",
                                                        "topology  next-step (sequence)"]),
    "table": (table, "text", "answer", ["target    answer: text, word tokenizer", "topology  encoder-decoder"]),
    "written of one value": (of_one_value, "age", "text", ["input     age: category", "target    text: text",
                                                           "topology  one-to-many (single -> sequence)"]),
    "single words": (names, "age", "name", ["target    name: text, character tokenizer", "topology  one-to-many"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_trains_and_says_what_was_inferred(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write, read, answer, says = FORMATS[name]
    source = write(tmp_path)

    model = elman.train(source, input=read, target=answer, out="run", **QUICK)

    said = capsys.readouterr().err
    for part in says:
        assert part in said
    loaded = elman.load("run")
    sides = f"{read if answer else 'history'} -> {answer or read}"
    assert repr(loaded) == f"<elman.Model {loaded.config.model['topology']}: {sides}; run>"
    found = loaded.evaluate(source)
    assert model.metrics["test"].keys() - {"loss"} == found["metrics"].keys()
    assert found["rows"] == 40 or name == "one text"
    if model.fields.inputs:
        rows = {read: model_input(read)}
        assert [str(row) for row in loaded.predict(rows)] == [str(row) for row in model.predict(rows)]


def model_input(name: str) -> list:
    """Some values of a column."""
    return {"tokens": ROWS[:5], "age": ["old", "new"]}.get(name, TEXTS[:5])


def test_files_side_by_side_are_evaluated_and_answered_as_they_are_trained(tmp_path):
    source = side_by_side(tmp_path).replace("b.fr", "a.fr")
    model = elman.train(source, input="en", target="fr", quiet=True, **QUICK)

    found = [model.evaluate(one) for one in (source, Path(source), {"en": TEXTS, "fr": BACK})]

    assert found[0] == found[1] == found[2]
    assert found[0]["rows"] == 40
    assert (model.predict(source, max_length=5) == model.predict(TEXTS, max_length=5)).all()
    with pytest.raises(elman.ElmanError, match="be a list, a table or a path that exists"):
        model.evaluate(f"{tmp_path}/a.en+{tmp_path}/gone.fr")


def test_texts_none_of_whose_words_comes_again_are_refused_and_letters_named(tmp_path):
    rows = [{"text": f"w{at}a w{at}b", "label": "xy"[at % 2]} for at in range(40)]
    with pytest.raises(DataError, match=r"column 'text': the training split must have a word that occurs 2 times"):
        elman.train(rows, input="text", target="label", quiet=True, **QUICK)
    elman.train(rows, input={"text": {"tokenizer": "character"}}, target="label", quiet=True, **QUICK)


def test_texts_that_are_read_as_classes_are_doubted_once_they_are_long_or_many(capsys):
    for many, words, doubted in ((2, "yes {}", False), (2, "oh yes {}", True), (30, "yes{}", True)):
        rows = [{"text": f"a b {at % 7}", "label": words.format(at % many)} for at in range(200)]
        elman.train(rows, input="text", target="label", **QUICK)
        said = capsys.readouterr().err
        assert (f"label: its {many} values are read as classes; --set target.label.kind=text" in said) is doubted
