"""Formats that people have: CoNLL columns, token lists, files side by side, one text, a folder of texts."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from elman.data import BadRows, Table, find_files, from_memory, read, read_stream, store
from elman.data.readers import base as lines
from elman.data.readers import conll, parallel, pieces
from elman.data.store import StoredColumn, open_stored
from elman.errors import DataError

CONLL = """-DOCSTART- -X- O

EU NNP B-ORG
rejects VBZ O

# CD O
Peter NNP B-PER
"""
CONLLU = """# sent_id = 1
# text = vámonos al mar
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3\tNueva York\tNueva York\tPROPN\t_\t_\t1\tobl\t_\t_
3.1\tgo\tgo\tVERB\t_\t_\t_\t_\t1:conj\t_
"""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def places(table: Table) -> list[str]:
    return [table.place(row) for row in range(len(table))]


def columns_of(table: Table) -> dict[str, list]:
    return {name: list(table.column(name)) for name in table.columns}


@pytest.mark.parametrize("ending", [".conll", ".bio", ".iob", ".conll.gz"])
@pytest.mark.parametrize("change", ["", "crlf", "tabs", "mark", "no end"])
def test_conll_columns_are_lists_a_row_a_sentence(ending, change, tmp_path):
    text = {"crlf": CONLL.replace("\n", "\r\n"), "tabs": CONLL.replace(" ", "\t"), "no end": CONLL.rstrip("\n"),
            "mark": "\ufeff" + CONLL}.get(change, CONLL)  # fmt: skip
    path = written(tmp_path, f"t{ending}", gzip.compress(text.encode()) if ending.endswith("gz") else text)

    table = read(path, BadRows())

    assert columns_of(table) == {
        "tokens": [["EU", "rejects"], ["#", "Peter"]],
        "column2": [["NNP", "VBZ"], ["CD", "NNP"]],
        "tags": [["B-ORG", "O"], ["O", "B-PER"]],
    }
    assert places(table) == [f"t{ending}:3", f"t{ending}:6"]


def test_one_conll_column_is_tokens_and_tabs_leave_spaces_in_a_cell(tmp_path):
    assert columns_of(read(written(tmp_path, "a.conll", "a\nb\n\n\nc"), BadRows())) == {"tokens": [["a", "b"], ["c"]]}
    spaced = read(written(tmp_path, "b.conll", "New York\tB-LOC\n"), BadRows())
    assert columns_of(spaced) == {"tokens": [["New York"]], "tags": [["B-LOC"]]}


def test_conllu_has_its_own_names_and_words_only(tmp_path):
    table = read(written(tmp_path, "t.conllu", CONLLU + "\n" + CONLLU), BadRows())

    assert list(table.columns) == ["ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"]
    assert table.column("FORM") == [["vamos", "nos", "Nueva York"]] * 2
    assert table.column("UPOS") == [["VERB", "PRON", "PROPN"]] * 2
    assert places(table) == ["t.conllu:4", "t.conllu:12"]


@pytest.mark.parametrize(("name", "content", "line", "says"), [
    ("t.conll", "a O\nb O\n\nc O O\nd\n\ne O\n", 4, "the line must have 2 columns, as the first line, got 3"),
    ("t.conll", b"a O\nb O\n\n\xff O\n\ne O\n", 4, r"the line must be UTF-8, got b'\xff O'"),
    ("t.conllu", CONLLU + "\n1\tword\n\n" + CONLLU, 9, "the line must have 10 columns, as CoNLL-U, got 2"),
    ("t.txt", b"one\n\n\xff\ntwo\n", 3, r"the line must be UTF-8, got b'\xff'"),
])  # fmt: skip
def test_a_line_that_cannot_be_used_is_one_bad_row_with_its_place(name, content, line, says, tmp_path):
    path, bad = written(tmp_path, name, content), BadRows(skip=True)

    assert len(read(path, bad)) == 2

    assert (bad.count, bad.messages) == (1, [f"{name}:{line}: {says}"])
    with pytest.raises(DataError, match=f"^{name}:{line}: .*Fix the row or pass --bad-rows skip"):
        read(path, BadRows())


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 23])
def test_where_blocks_and_pieces_are_cut_changes_no_row(block, tmp_path, monkeypatch):
    sides = written(tmp_path, "t.en", "a\n\nb\r\nc d"), written(tmp_path, "t.fr", "à\nb\nç\n\n")
    files = [written(tmp_path, "t.conll", CONLL), written(tmp_path, "t.txt", "\ufeffone\n \ntwo\r\n\nthree"),
             "+".join(map(str, sides))]  # fmt: skip
    whole = [(columns_of(table), places(table)) for table in (read(file, BadRows()) for file in files)]
    monkeypatch.setattr(lines, "BLOCK", block)
    monkeypatch.setattr(conll, "TOGETHER", block)
    monkeypatch.setattr(parallel, "TOGETHER", block)

    assert [(columns_of(table), places(table)) for table in (read(file, BadRows()) for file in files)] == whole
    assert whole[1] == ({"text": ["one", "two", "three"]}, ["t.txt:1", "t.txt:3", "t.txt:5"])
    assert whole[2][0] == {"en": ["a", "", "b", "c d"], "fr": ["à", "b", "ç", ""]}


def test_files_side_by_side_are_columns_of_one_table(tmp_path):
    for name, text in {"seq.in": "play it\nstop\n", "seq.out": "O O\nO\n", "label": "Play\nStop\n"}.items():
        written(tmp_path, f"d/{name}", text)
    written(tmp_path, "e/t.en", gzip.compress(b"one\ntwo\n")).rename(tmp_path / "e" / "t.en.gz")
    written(tmp_path, "e/t.fr", "un\ndeux\n")
    expected = {"label": ["Play", "Stop"], "seq.in": ["play it", "stop"], "seq.out": ["O O", "O"]}

    named = read("+".join(str(tmp_path / "d" / name) for name in ("seq.in", "seq.out", "label")), BadRows())

    assert (columns_of(named), places(named)) == (expected, ["seq.in+seq.out+label:1", "seq.in+seq.out+label:2"])
    assert columns_of(read(tmp_path / "d", BadRows())) == expected
    assert columns_of(read(f"{tmp_path}/e/t.en.gz+{tmp_path}/e/t.fr", BadRows())) == {
        "en": ["one", "two"],
        "fr": ["un", "deux"],
    }


def test_files_side_by_side_of_unequal_numbers_of_lines_are_one_error(tmp_path):
    written(tmp_path, "d/t.en", "one\ntwo\nthree\n")
    written(tmp_path, "d/t.fr", "un\ndeux\n")
    says = "the files must have equal numbers of lines, got 3 in t.en, 2 in t.fr. Line n of each must belong together."

    for source in (f"{tmp_path}/d/t.en+{tmp_path}/d/t.fr", tmp_path / "d"):
        with pytest.raises(DataError, match=says):
            read(source, BadRows(skip=True))


def test_a_plus_in_a_name_is_a_name(tmp_path):
    written(tmp_path, "a+b.txt", "one\n")

    assert [file.kind for file in find_files(tmp_path / "a+b.txt")] == [".txt"]
    with pytest.raises(DataError, match="must exist"):
        find_files(f"{tmp_path}/a+b.txt+{tmp_path}/gone.txt")


def test_a_folder_of_texts_without_subfolders_has_no_labels(tmp_path):
    written(tmp_path, "d/a.txt", "one\ntwo\n")
    written(tmp_path, "d/b.txt", "three")
    written(tmp_path, "d/.hidden/c.txt", "four")

    assert columns_of(read(tmp_path / "d", BadRows())) == {"text": ["one\ntwo\n", "three"], "file": ["a.txt", "b.txt"]}


@pytest.mark.parametrize("text", ["", "one line", "a\r\nb\n\n c \n" * 30_000, "x" * 250_001 + "\ny", "é\n" * 70_000])
def test_a_stream_joined_is_the_text_as_it_stands(text, tmp_path):
    path = written(tmp_path, "t.md", text + "\n")

    blocks = read_stream([path, path]).column("text")

    assert "".join(blocks) == 2 * (text + "\n")
    assert max(map(len, blocks)) <= 100_000
    assert all(block.endswith("\n") for block in blocks) or "x" * 100_000 in blocks


def test_a_stream_is_refused_by_name(tmp_path):
    for source, says in [
        (written(tmp_path, "a.txt", b"one\ntwo \xff\n"), r"a.txt:2: the text must be UTF-8"),
        (written(tmp_path, "b.txt", ""), "b.txt: a table must have at least one row"),
        (tmp_path, "must be text files to be read as one long text"),
    ]:
        with pytest.raises(DataError, match=says):
            read_stream(source)


def test_lists_of_strings_survive_every_way_in(tmp_path):
    columns = {"tokens": [["New York", "ok"], [], ["é"]], "tags": [["B", "O"], [], ["O"]]}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    path = written(tmp_path, "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    pd.DataFrame(columns).to_parquet(tmp_path / "t.parquet")
    tables = [read(path, BadRows()), read(tmp_path / "t.parquet", BadRows())]
    tables += [from_memory(data) for data in (columns, rows, pa.table(columns), pd.DataFrame(columns))]
    tables.append(from_memory(pd.DataFrame({name: [np.array(cell, object) for cell in cells]
                                            for name, cells in columns.items()})))  # fmt: skip

    for table in tables:
        assert {name: [list(cell) for cell in table.column(name)] for name in table.columns} == columns


@pytest.mark.parametrize("name", ["t.conll", "t.jsonl", "t.parquet", "t.en+t.fr", "t.txt"])
def test_sources_larger_than_memory_hold_the_same(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    tokens = [["a", "b c"], ["d"], ["e"]]
    written(tmp_path, "t.conll", "".join("".join(f"{token}\tO\n" for token in row) + "\n" for row in tokens))
    written(tmp_path, "t.jsonl", "".join(json.dumps({"tokens": row}) + "\n" for row in tokens))
    pd.DataFrame({"tokens": tokens}).to_parquet("t.parquet")
    for path in ("t.en", "t.fr", "t.txt"):
        written(tmp_path, path, "one\ntwo\nthree\n")
    files = find_files(name)
    column = next(iter(read(name, BadRows()).columns))
    kept = StoredColumn("input", column, pa.list_(pa.string()), list, lambda cells: None, list, lambda array: [], {})

    def stored() -> list:
        opened = open_stored(files, [kept], lambda table, bad: table, BadRows(), print)[0]
        return [
            opened.values("input", np.arange(3), lambda cell: cell.as_py()),
            [opened.place(row) for row in range(3)],
        ]

    found = stored()

    table = read(name, BadRows())
    assert found == [[list(cell) for cell in table.column(column)], places(table)]
    monkeypatch.setattr(store, "_write", lambda *_: pytest.fail("read again"))
    assert stored() == found


def test_of_files_side_by_side_a_change_of_any_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    kept = StoredColumn("input", "fr", pa.string(), str, lambda cells: None, str, lambda array: [], {})
    found = []

    for text in ("un\ndeux\n", "un\nDEUX\n"):
        written(tmp_path, "t.en", "one\ntwo\n")
        written(tmp_path, "t.fr", text)
        opened = open_stored(find_files("t.en+t.fr"), [kept], lambda table, bad: table, BadRows(), print)[0]
        found.append(opened.values("input", np.arange(2), lambda cell: cell.as_py()))

    assert found == [["un", "deux"], ["un", "DEUX"]]


def test_a_file_of_nothing_has_no_rows(tmp_path):
    for name in ("t.conll", "t.conllu", "t.txt"):
        path = written(tmp_path, name, "\n \n")
        assert [len(table) for table in pieces(find_files(path)[0], BadRows())] == [0]
        with pytest.raises(DataError, match=f"{name}: a table must have at least one row"):
            read(path, BadRows())
