"""A source that is too large for memory trains exactly as one that is read into memory does."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from large_table import RANDOM, ROWS, TABLE, trained, what_was_trained, with_bad_rows, write

import elman
import elman.cli.app
from benchmarks import big_csv
from elman.data import BadRows, read
from elman.data.readers import base as lines
from elman.data.readers import csv as csv_reader
from elman.errors import DataError

pytestmark = pytest.mark.usefixtures("own_cache")


CASES = {
    "text": {},
    "characters, balanced": {"input": {"text": {"tokenizer": "character"}},
                             "target": {"label": {"class_weights": "balanced"}}},
    "number to number": {"input": "n", "target": "price", "hidden": None},
    "word to class": {"input": {"word": {"kind": "category"}}, "hidden": None},
    "wide series": {"input": "v*", "target": "price"},
    "a sample": {"data": {"fit_rows": 40}},
    "by group": {"data": {"split_group": "user"}},
    "by time": {"data": {"split_time": "day"}},
    "no validation": {"data": {"valid_fraction": 0}},
    "other format": {"kind": "jsonl"},
    "arrays": {"kind": "jsonl", "input": "a"},
    "parquet arrays": {"kind": "parquet", "input": "a"},
    "parquet numbers": {"kind": "parquet", "input": "v*", "data": {"split_group": "user"}},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_large_source_trains_exactly_as_a_small_one(case, tmp_path, monkeypatch):
    options = dict(CASES[case])
    path = write(tmp_path, options.pop("kind", "csv"))
    small = trained(path, **options)
    monkeypatch.setattr(csv_reader, "LARGEST_ROW", 2000)
    monkeypatch.setattr(lines, "BLOCK", 2000)

    large = trained(path, **options, in_memory=0)
    again = trained(path, **options, in_memory=0)

    if case == "no validation":
        for model in (small, large, again):
            model.metrics["valid"] = {}
    assert what_was_trained(large) == what_was_trained(small)
    assert what_was_trained(again) == what_was_trained(small)


def test_bad_rows_are_skipped_alike_and_listed_again_from_the_cache(tmp_path, piece_size):
    path = write(tmp_path, table=with_bad_rows())
    with path.open("a") as file:
        file.write("one,cell,too,few\n")

    models = [trained(path, in_memory=size, bad_rows="skip") for size in (200, 0, 0)]

    listed = [sorted(model.skipped.splitlines()) for model in models]
    assert len(listed[0]) == 7
    assert any("t.csv:5: column 'text' must hold some text" in line for line in listed[0])
    assert listed[0] == listed[1] == listed[2]
    assert what_was_trained(models[0])[:-1] == what_was_trained(models[1])[:-1] == what_was_trained(models[2])[:-1]


def test_what_training_never_saw_is_found_alike(tmp_path):
    other = TABLE[:20].copy()
    other.loc[[4, 9], "label"] = "maybe"
    path, valid = write(tmp_path), tmp_path / "valid.csv"
    other.to_csv(valid, index=False)

    for size in (200, 0, 0):
        with pytest.raises(DataError, match=r"valid.csv:6: column 'label' must be one of the 2 classes"):
            trained(path, in_memory=size, data={"valid": str(valid)})
    small, large = (
        trained(path, in_memory=size, data={"valid": str(valid)}, bad_rows="skip") for size in (200, 0)
    )  # fmt: skip
    assert "2 bad rows skipped" in small.skipped
    assert what_was_trained(small) == what_was_trained(large)


def test_several_files_and_patterns_are_one_table_and_places_stay_exact(tmp_path):
    TABLE[:100].to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TABLE[100:].to_csv(index=False).encode()))
    whole = trained(write(tmp_path))
    (tmp_path / "t.csv").unlink()

    for source in ([tmp_path / "a.csv", tmp_path / "b.csv.gz"], str(tmp_path / "*.csv*")):
        table = read(source, BadRows())
        assert table.column("text") == TABLE["text"].tolist()
        assert [table.place(row) for row in (0, 99, 100, 239)] == [
            "a.csv:2",
            "a.csv:101",
            "b.csv.gz:2",
            "b.csv.gz:141",
        ]
        for size in (200, 0, 0):
            model = trained(source, in_memory=size)
            assert what_was_trained(model) == what_was_trained(whole)


def test_a_key_that_a_piece_lacks_is_a_missing_value_and_a_column_that_a_file_lacks_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    rows = [{"v1": n, "w": 1, "y": "ab"[n % 2]} | ({"v2": n % 7} if n > 80 else {}) for n in range(160)]
    rows = rows[81:] + rows[:81]  # the first piece has both columns, the last ones lack one
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = trained(path, "v*", "y")
    monkeypatch.setattr(lines, "BLOCK", 600)
    monkeypatch.setattr("elman.data.readers.ENOUGH", 10)

    assert what_was_trained(trained(path, "v*", "y")) == what_was_trained(small)
    assert what_was_trained(trained(path, "v*", "y", in_memory=0)) == what_was_trained(small)
    (tmp_path / "a.csv").write_text("v1,v2,y\n" + "1,2,a\n2,3,b\n" * 20)
    (tmp_path / "b.csv").write_text("v1,y\n1,a\n")
    for size in (200, 0):
        with pytest.raises(DataError, match=r"b.csv: the table must have the column 'v2', got v1, y"):
            trained(str(tmp_path / "*.csv"), "v*", "y", in_memory=size)


def test_what_cannot_be_read_in_pieces_is_read_whole_and_says_so(tmp_path, capsys, own_cache):
    long = pd.DataFrame({"id": np.repeat(range(30), 4), "v": RANDOM.normal(size=120), "y": np.repeat(range(30), 4) % 2})
    long.to_csv(tmp_path / "long.csv", index=False)

    elman.train(tmp_path / "long.csv", input="v", target="y", id="id", hidden=2, epochs=1, data={"in_memory": 0})

    assert "long.csv: read into memory whole, as folders and the long format are" in capsys.readouterr().err
    assert not own_cache.exists()


def test_the_command_takes_several_sources_and_names_the_run_for_the_first(tmp_path, monkeypatch):
    TABLE[:100].to_csv(tmp_path / "a.csv.gz", index=False)
    TABLE[100:].to_csv(tmp_path / "b.csv", index=False)
    monkeypatch.chdir(tmp_path)
    line = "elman train a.csv.gz b.csv --input text --target label --hidden 2 --epochs 1"
    monkeypatch.setattr("sys.argv", line.split())
    with pytest.raises(SystemExit) as left:
        elman.cli.app.main()
    assert left.value.code == 0

    model = elman.load(tmp_path / "runs" / "a")

    assert model.config.data.source == ["a.csv.gz", "b.csv"]
    assert sum(model.target.counts) == 192
    assert model.evaluate("?.csv*")["rows"] == ROWS


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(csv_reader, "LARGEST_ROW", 2000)
    monkeypatch.setattr(lines, "BLOCK", 2000)


ASKED = {
    "csv": ("csv", ["text", "n"], ["label", "price"]),
    "jsonl": ("jsonl", "text", "label"),
    "wide series": ("csv", "v*", "price"),
    "wide series, sparse": ("jsonl", "v*", "price"),
    "arrays": ("jsonl", "a", "price"),
    "parquet": ("parquet", "v*", "label"),
    "next word": ("csv", "text", None),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_large_file_is_answered_and_scored_piece_by_piece_as_a_small_one_is(case, tmp_path, small_pieces):
    kind, inputs, targets = ASKED[case]
    path = write(tmp_path, kind)
    small = trained(path, inputs, targets)
    large = opened_as_large(small, tmp_path)

    in_pieces, expected = list(large.answers_in_pieces(path)), small.answers(path)

    assert len(in_pieces) > 1 or kind == "parquet"  # whose pieces are groups of rows
    found = pd.json_normalize([answer for piece in in_pieces for answer in piece])
    pd.testing.assert_frame_equal(found, pd.json_normalize(expected), rtol=1e-5)
    scores, wanted = large.evaluate(path), small.evaluate(path)
    assert (scores["rows"], scores.get("symbols")) == (wanted["rows"], wanted.get("symbols"))
    assert scores["metrics"] == pytest.approx(wanted["metrics"], rel=1e-5)
    if "text" in inputs and targets:
        bad = write(tmp_path, kind, with_bad_rows())
        assert large.evaluate(bad, bad_rows="skip")["rows"] == small.evaluate(bad, bad_rows="skip")["rows"] == 235
        assert sorted(large.skipped.splitlines()) == sorted(small.skipped.splitlines()) != []
        with pytest.raises(DataError, match=rf"{bad.name}:[45]: column 'text' must hold some text"):
            large.evaluate(bad)


def opened_as_large(model, folder):
    """The model again, for which every file is larger than memory."""
    model.save(folder / "model")
    again = elman.load(folder / "model")
    data = again.config.data.model_copy(update={"in_memory": 0.0})
    return elman.Model(again.config.model_copy(update={"data": data}), again.fields, again.network)


def test_pieces_have_the_columns_of_the_first_rows_in_their_order_and_empty_files_none(tmp_path, small_pieces):
    TABLE[:100].to_csv(tmp_path / "a.csv", index=False)
    TABLE[100:][TABLE.columns[::-1]].to_csv(tmp_path / "b.csv", index=False)
    small = trained(str(tmp_path / "?.csv"), "v*", "price")
    large = opened_as_large(small, tmp_path)
    found, expected = (model.predict(str(tmp_path / "?.csv")) for model in (large, small))
    np.testing.assert_allclose(found, expected, rtol=1e-5)

    words = opened_as_large(trained(write(tmp_path), "text", "label"), tmp_path / "words")
    (tmp_path / "1.jsonl").write_text('{"text": "good"}\n' * 3)
    (tmp_path / "2.jsonl").touch()
    late = tmp_path / "late.jsonl"
    late.write_text('{"x": 1}\n' * 20_000 + '{"text": "good"}\n')
    assert len(words.predict(str(tmp_path / "[12].jsonl"))) == 3
    assert len(words.predict(late, bad_rows="skip")) == 1
    (tmp_path / "2.jsonl").write_text("nonsense\n")
    with pytest.raises(DataError, match=r"2.jsonl:1: the line must be a JSON object"):
        words.predict(tmp_path / "2.jsonl")


def test_what_was_left_out_is_of_the_last_call_however_it_ended(tmp_path, small_pieces):
    model = trained(write(tmp_path), in_memory=0)
    bad = write(tmp_path, "jsonl", with_bad_rows())

    next(pieces := model.answers_in_pieces(bad, bad_rows="skip"))
    pieces.close()
    assert "column 'text' must hold some text" in model.skipped
    with pytest.raises(DataError):
        model.predict(bad)
    assert model.skipped == ""
    with pytest.raises(elman.ElmanError, match="bad_rows"):
        model.answers_in_pieces(bad, bad_rows="nonsense")


def test_a_piece_without_a_row_that_can_be_used_is_passed_over_unless_all_are_such(tmp_path, small_pieces):
    model = trained(write(tmp_path), in_memory=0)
    some, none = tmp_path / "some.csv", tmp_path / "none.csv"
    none.write_text("text,label\n" + ",yes\n" * 2000)
    some.write_text(none.read_text() + "good,yes\n" * 3)

    assert len(model.predict(some, bad_rows="skip")) == model.evaluate(some, bad_rows="skip")["rows"] == 3
    for ask in (model.predict, model.evaluate):
        with pytest.raises(DataError, match=r"none.csv: the table must have a row that can be used, got none\."):
            ask(none, bad_rows="skip")


def test_json_lines_of_a_large_file_come_before_the_rest_of_it_is_read(tmp_path, small_pieces, capsys, monkeypatch):
    trained(write(tmp_path), in_memory=0).save(tmp_path / "run")
    path = tmp_path / "new.csv"
    path.write_text("text\n" + "good\n" * 2000 + '""\n')

    monkeypatch.setattr(
        "sys.argv", ["elman", "predict", str(tmp_path / "run"), "--data", str(path), "--format", "jsonl"]
    )
    with pytest.raises(SystemExit) as left:
        elman.cli.app.main()

    lines, said = capsys.readouterr()
    assert left.value.code == 2
    assert "new.csv:2002: column 'text' must hold some text" in said
    assert 0 < len(lines.splitlines()) < 2000
    assert all("prediction" in json.loads(line) for line in lines.splitlines())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("numbers", [False, True], ids=["text", "numbers"])
def test_half_a_gigabyte_trains_in_little_memory_and_begins_at_once_the_second_time(numbers, tmp_path):
    big_csv.make(tmp_path / "big.csv", 0.5, numbers)

    measured = big_csv.measure(tmp_path / "big.csv")

    print(
        "READ {read} s, first step {first_step} s, ratio {over_read}, peak {peak_gigabytes} GB, "
        "second run {second_run} s".format_map(measured)
    )
    assert measured["peak_gigabytes"] < 1
    assert measured["second_peak_gigabytes"] < 1
    # No bound in seconds: of those of a second run almost all are the import of torch, and other programs' turns.
    assert measured["second_run"] < measured["first_step"]
