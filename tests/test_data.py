"""Readers agree, messages name the right line, series are gathered alike, kinds are told from the values."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import elman
from elman.config.configuration import check_document
from elman.data import (
    BadRows,
    Table,
    from_long,
    from_memory,
    from_wide,
    infer_kind,
    matching_columns,
    parse,
    read,
)
from elman.data.files import File, _Digested
from elman.data.readers.csv import read_csv
from elman.errors import ConfigError, DataError
from elman.fields import Category, Fields, Series, Text

TEXTS = ['say "hi",\nthen go', "naïve café", " spaces  kept ", "2020-01-01", "tab and, comma", "007"]
COLUMNS = {"text": TEXTS, "label": ["b", "a", "a", "b", "a", "b"]}


def as_csv(folder: Path) -> Path:
    pd.DataFrame(COLUMNS).to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def as_tsv(folder: Path) -> Path:
    lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in zip(*COLUMNS.values(), strict=True))]
    (folder / "t.tsv").write_text("\n".join(lines).replace("\nthen", " then"), encoding="utf-8")
    return folder / "t.tsv"


def as_jsonl(folder: Path) -> Path:
    rows = pd.DataFrame(COLUMNS).to_dict("records")
    (folder / "t.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return folder / "t.jsonl"


def as_parquet(folder: Path) -> Path:
    pq.write_table(pa.table(COLUMNS), folder / "t.parquet")
    return folder / "t.parquet"


def as_folder(folder: Path) -> Path:
    for number, (text, label) in enumerate(zip(*COLUMNS.values(), strict=True)):
        (folder / "t" / label).mkdir(parents=True, exist_ok=True)
        (folder / "t" / label / f"{number}.txt").write_bytes(text.encode())
    return folder / "t"


FILES = [as_csv, as_tsv, as_jsonl, as_parquet, as_folder]
IN_MEMORY = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "arrow": lambda: pa.table(COLUMNS),
    "columns": lambda: COLUMNS,
    "rows": lambda: [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
}


def rows_of(table: Table) -> list[tuple[str, str]]:
    return list(zip(table.column("text"), table.column("label"), strict=True))


@pytest.mark.parametrize("write", FILES, ids=lambda write: write.__name__)
def test_every_reader_gives_the_same_rows(write, tmp_path):
    expected = list(zip(*COLUMNS.values(), strict=True))
    if write is as_tsv:  # which has no quotes, and so no line breaks
        expected = [(text.replace("\n", " "), label) for text, label in expected]

    found = rows_of(read(write(tmp_path), BadRows()))

    if write is as_folder:  # in the order of the files
        found, expected = sorted(found), sorted(expected)
    assert found == expected


@pytest.mark.parametrize("make", IN_MEMORY.values(), ids=IN_MEMORY)
def test_every_table_in_memory_gives_the_same_rows(make):
    assert rows_of(from_memory(make())) == list(zip(*COLUMNS.values(), strict=True))
    assert from_memory(TEXTS, "text").column("text") == TEXTS


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_pandas_has_one_missing_value(missing):
    frame = pd.DataFrame({"n": pd.Series([1.5, missing], dtype=object), "c": pd.Series(["a", missing], dtype=object)})

    table = from_memory(frame)

    assert (table.column("n"), table.column("c")) == ([1.5, None], ["a", None])


def test_a_column_name_that_stands_twice_is_refused_everywhere(tmp_path):
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(twice, tmp_path / "t.parquet")

    for make in (lambda: read(tmp_path / "t.parquet", BadRows()), lambda: from_memory(twice),
                 lambda: from_memory(pd.DataFrame([["a", "b"]], columns=["text", "text"]))):  # fmt: skip
        with pytest.raises(DataError, match="'text' twice"):
            make()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", [0, 2])
def test_a_csv_row_is_found_on_the_line_where_it_begins(end, before, tmp_path):
    lines = ["text,label", '"one', "", 'two",a', "", "three,b", "ragged", '"four', '",a', "five,b,c", "six,b", ""]
    (tmp_path / "t.csv").write_bytes((end * before + end.join(lines)).encode())
    bad = BadRows(skip=True)

    table = read(tmp_path / "t.csv", bad)

    assert list(table.column("text")) == [f"one{end}{end}two", "three", f"four{end}", "six"]
    assert [table.place(row) for row in range(len(table))] == [f"t.csv:{before + line}" for line in (2, 6, 8, 11)]
    assert [message.split(":")[1] for message in bad.messages] == [str(before + 7), str(before + 10)]


def test_a_json_row_is_found_on_its_line(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'\n{"a": 1}\r\n  \n{"a": 2}\n')

    table = read(tmp_path / "t.jsonl", BadRows())

    assert [table.place(row) for row in range(len(table))] == ["t.jsonl:2", "t.jsonl:4"]


def test_bad_rows_are_counted_once_each_and_the_first_ten_listed():
    texts, labels = ["good"] * 3 + [""] * 12, ["a", "", "b"] + [""] * 11 + ["b"]
    bad = BadRows(skip=True)

    parsed = parse(Table({"x": texts, "y": labels}, "t.csv"), Fields({"x": Text("x")}, {"y": Category("y")}), bad)

    assert list(parsed.rows) == [0, 2]
    lines = bad.summary().splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("13 bad rows skipped:", 12, "  ... and 3 more")
    assert "t.csv: row 4: column 'x' must hold some text, got ''" in lines[1]


def test_bad_cells_of_one_row_are_one_bad_row():
    table = Table({"id": [1, 1, 2], "t": [1, "", 1], "v1": ["x", "x", 3], "v2": ["x", 1, 4]}, "t.csv")
    wide, long = BadRows(skip=True), BadRows(skip=True)

    assert (
        len(from_wide(table, ["v1", "v2"], "s", wide)) == len(from_long(table, ["v1", "v2"], "s", "id", "t", long)) == 1
    )
    assert len(wide.messages) == len(long.messages) == 2


@pytest.mark.parametrize(
    ("columns", "pattern", "order"),
    [
        ("v10 v2 x v1", "v*", "v1 v2 v10"),
        ("2_mv 1_mv", "*_mv", "1_mv 2_mv"),
        ("v2 v1 va", "v*", "v2 v1 va"),
        ("jan feb", "*", "jan feb"),
        ("v2 v1", "v?", "v2 v1"),
        ("v2 v1", "v2", "v2"),
    ],
)
def test_columns_of_a_pattern_stand_in_the_order_of_their_numbers(columns, pattern, order):
    table = from_memory({name: [1.0] for name in columns.split()})
    assert matching_columns(table, [pattern]) == order.split()


def test_long_and_wide_and_array_columns_are_the_same_series():
    values = np.array([[1.0, np.nan, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
    cells = [["" if np.isnan(x) else str(x) for x in row] for row in values]
    wide = Table({f"v{step}": [row[step] for row in cells] for step in range(4)}, "wide")
    order = np.random.default_rng(0).permutation(12)  # rows in any order, times that sort as numbers only
    ids, times = np.repeat([7, 5, 6], 4)[order], np.tile([2, 9, 10, 100], 3)[order]
    long = Table(
        {"id": ids.tolist(), "t": [str(t) for t in times], "v": np.array(cells).ravel()[order].tolist()}, "long"
    )
    arrays = [Series("v").parse(json.dumps([None if np.isnan(x) else x for x in row])) for row in values]

    from_columns = from_wide(wide, matching_columns(wide, ["v*"]), "s", BadRows()).column("s")
    gathered = from_long(long, ["v"], "s", "id", "t", BadRows())

    by_id = dict(zip(gathered.column("id"), gathered.column("s"), strict=True))
    for row, id in enumerate((7, 5, 6)):
        np.testing.assert_array_equal(from_columns[row], values[row][:, None])
        np.testing.assert_array_equal(by_id[id], values[row][:, None])
        np.testing.assert_array_equal(arrays[row], values[row][:, None])


def test_a_missing_time_does_not_turn_the_order_of_numbers_into_that_of_texts():
    table = Table({"id": [1] * 4, "t": ["10", "9", "", "100"], "v": [2, 1, 0, 3]}, "t.csv")

    gathered = from_long(table, ["v"], "s", "id", "t", BadRows(skip=True))

    assert gathered.column("s")[0].ravel().tolist() == [1, 2, 3]


def test_one_measured_column_with_an_id_is_a_series():
    rows = [{"id": number // 5, "load": number, "y": "ab"[number // 5 % 2]} for number in range(100)]

    model = elman.train(rows, input="load", target="y", data={"id": "id"}, hidden=2, epochs=1, quiet=True)

    assert (model.input.kind, model.config.model["topology"], len(model.predict(rows))) == ("series", "many-to-one", 20)


KINDS = [  # values, as an input, as a target (None: refused)
    (["1.5", "2", "-3e4"], "number", "number"),
    (["1", "2", "3"] * 9, "number", "category"),
    ([str(number) for number in range(21)], "number", "number"),
    ([str(number) for number in range(20)], "number", "category"),
    ([1.0, 2.0, None], "number", "category"),
    ([True, False], "category", "category"),
    (["yes", "no", "yes", ""], "category", "category"),
    (["x" * 41, "y"] * 9, "text", "text"),
    (["a b", "c d", "e f"], "text", "text"),
    (["good fun", "dull"] * 9, "text", "category"),
    ([*map(str, range(30)), "n/a"], "number", "number"),  # so that the last is found as a bad row
    ([[1, 2], [3]], "series", None),
    (["[1, 2]", "[[1, 2]]"], "series", None),
    ([[1, [2, 3]]], "series", None),
    ([np.arange(3)], "series", None),
    ([["B", "O"], [], ["O"]], "text", "text"),
    ([["B", "O"], [], ("O",), np.array(["B"])], "text", "tags"),
    ([[f"tag{n}", f"tag{n}"] for n in range(500)], "text", "tags"),
    ([[f"tag{n}", f"tag{n}"] for n in range(501)], "text", "text"),
    ([["1", "2"], ["1", "2"]], "series", "tags"),
    ([["1", "x"], ["1", "x"]], "text", "tags"),
]


@pytest.mark.parametrize(("values", "as_input", "as_target"), KINDS, ids=lambda value: str(value)[:24])
def test_kinds_are_told_from_the_values(values, as_input, as_target):
    table = Table({"c": values}, "t.csv")

    assert infer_kind(table, "c", as_target=False) == as_input
    if as_target is None:
        with pytest.raises(DataError, match="a target must be a category or a number, tags or text"):
            infer_kind(table, "c", as_target=True)
    else:
        assert infer_kind(table, "c", as_target=True) == as_target


WORDS = [f"w{n} w{n + 1} w{n + 2}" for n in range(20)]
LABELS = ["DET NOUN VERB", "DET NOUN ADV"] * 2 + [f"X{n % 4} NOUN X{n // 4}" for n in range(16)]
BESIDE = [  # cells, a column that is read, as a target
    (["O B-x I-x", "O O O"] * 10, WORDS, "tags"),  # and no category, though few are distinct
    (["O B-x I-x", "O O O"] * 10, [f"{words} more" for words in WORDS], "category"),
    ([*["O B-x I-x"] * 18, "O B-x", "O"], WORDS, "tags"),  # the two are found as bad rows
    ([*["O B-x I-x"] * 17, "O B-x", "O", "O"], WORDS, "category"),
    (
        ["N V", "N V N"] * 10,
        [f"w{n} v{n}" + f" w{n + 1}" * (n % 2) for n in range(20)],
        "tags",
    ),  # though few are distinct
    (["New York", "Rome"] * 10, [f"w{n} v{n}" for n in range(20)], "category"),
    (LABELS, WORDS, "tags"),
    (LABELS, [words.split() for words in WORDS], "tags"),
    (LABELS, [f"{words} more" for words in WORDS], "text"),
    ([f"{words} x" for words in LABELS], WORDS, "text"),
    ([f"v{n} v{n + 1} v{n + 2}" for n in range(0, 60, 3)], WORDS, "text"),  # each word once
    (["a b c d"[: 2 * (n % 4) + 1] + f" e{n}" for n in range(20)], WORDS, "text"),
    ([f"v{n} v{n + 1} v{n + 2}" for n in range(20)], WORDS, "text"),  # as many distinct ones as are read: translated
    (["French", "Greek"] * 10, [f"name{n}" for n in range(20)], "category"),  # a word each
    ([["A", "B", "A"], ["B", "A", "A"]] * 10, WORDS, "tags"),
    ([["A", "B", "A"], ["B", "A"]] * 10, WORDS, "text"),  # as sounds beside letters
]


@pytest.mark.parametrize(("cells", "read", "as_target"), BESIDE, ids=lambda value: str(value)[:24])
def test_tags_are_told_from_texts_by_what_is_read_beside_them(cells, read, as_target):
    table = Table({"other": [1.0] * 20, "read": read, "cells": cells}, "t.csv")

    assert infer_kind(table, "cells", True, ["other", "gathered", "read"]) == as_target


def test_two_fields_need_two_names():
    with pytest.raises(ConfigError, match="target must have another name than the input, got 'x'"):
        check_document({"input": {"x": {}}, "target": {"x": {}}})


def test_a_csv_file_that_is_given_up_is_read_by_no_thread_any_more(tmp_path, monkeypatch):
    """A thread that still reads while Python ends aborts the process, and the exit code is lost."""
    reading, read_some = [], _Digested.read

    def slowly(stream, size=-1):
        reading.append(1)
        time.sleep(0.2)
        found = read_some(stream, size)
        reading.pop()
        return found

    (tmp_path / "t.csv").write_text("a,b\n" + f"1,{'x' * 1000}\n" * 40_000)
    monkeypatch.setattr(_Digested, "read", slowly)
    tables = read_csv(File(tmp_path / "t.csv", "t.csv"), BadRows("refuse"))
    next(tables)
    tables.close()
    assert not reading
