"""A file of any size is read in pieces, and a column's values are parsed, counted and encoded together."""

import bz2
import gzip
import hashlib
import lzma
import threading

import numpy as np
import pyarrow as pa
import pytest
from large_table import TABLE, trained, write

import elman
from elman.data import BadRows, files, lazy, prefetched, read, store
from elman.data.readers import base as lines
from elman.data.readers import pieces
from elman.errors import DataError

pytestmark = pytest.mark.usefixtures("own_cache")


ODD = ["good  it's", "tab\tand\nline ", "e\u0301  Na\u00efve", " lead", "\x1c x", "DON'T... x"]


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACK = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_compressed_file_is_the_file(kind, ending, tmp_path, piece_size):
    plain = write(tmp_path, kind)
    packed = tmp_path / f"p.{kind}{ending}"
    packed.write_bytes(PACK[ending](plain.read_bytes()))
    digest = files.Digest()

    table, expected = read(packed, BadRows()), read(plain, BadRows())
    for _ in pieces(files.File(packed, "p"), BadRows(), digest):
        pass

    assert {name: table.column(name) for name in table.columns} == {
        name: expected.column(name) for name in expected.columns
    }
    assert [table.place(row) for row in (0, 100, 239)] == [
        expected.place(row).replace("t.", "p.").replace(kind, kind + ending) for row in (0, 100, 239)
    ]
    assert digest.hexdigest() == hashlib.sha256(packed.read_bytes()).hexdigest()


def test_files_of_one_name_are_told_apart_and_a_missing_column_is_named(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    (tmp_path / "x" / "t.csv").write_text("text,label\na b,no\n")
    (tmp_path / "y" / "t.csv").write_text("text,lable\na b,no\n")

    with pytest.raises(DataError, match=r"y/t.csv: the table must have the column 'label', got text, lable"):
        read(str(tmp_path / "*" / "t.csv"), BadRows())


def test_json_types_must_agree_across_pieces_too(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "b": null}\n' * 50 + '{"a": 1.5, "b": "x"}\n\n{"a": "one"}\n')

    for size in (1 << 24, 100):
        monkeypatch.setattr(lines, "BLOCK", size)
        with pytest.raises(DataError, match=r"t.jsonl:53: column 'a' must be a number, as in the lines before"):
            read(path, BadRows())
        bad = BadRows(skip=True)
        assert read(path, bad).column("a") == [1.0] * 50 + [1.5]


def test_a_window_is_encoded_once(tmp_path, monkeypatch):
    encoded: list[int] = []
    plain = elman.fields.Text.encode_batch
    monkeypatch.setattr(
        elman.fields.Text, "encode_batch", lambda self, values: encoded.append(len(values)) or plain(self, values)
    )
    trained(write(tmp_path), in_memory=0, epochs=1)

    assert encoded == [192, 24, 24]  # training, validation, test


def test_a_value_that_cannot_be_encoded_names_its_place(tmp_path):
    path = write(tmp_path)
    model = trained(path, in_memory=0)
    sources = files.find_files(path)
    columns = [store.stored_field(role, field) for role, field in model.fields.by_role().items()]
    stored, _ = store.open_stored(sources, columns, lambda table, bad: table, BadRows(), print)
    part = elman.data.split_rows(len(stored), 0, 0, 0).train
    model.target.restore({"classes": ["yes", "maybe"], "counts": [1, 1]})

    examples = lazy.LazyExamples(stored, part, model.fields, "")

    with pytest.raises(DataError, match=r"t.csv:\d+: column 'label' must be one of the 2 classes"):
        examples.batch(np.arange(32))


def test_items_come_in_order_while_others_are_prepared():
    assert list(prefetched(iter(range(100)), 3)) == list(range(100))


def test_an_error_comes_where_its_item_would_have_come():
    def items():
        yield 1
        yield 2
        raise DataError("three")

    found = []
    with pytest.raises(DataError, match="three"):
        found.extend(prefetched(items(), 5))
    assert found == [1, 2]


def test_the_thread_ends_with_its_iterator():
    before, made = threading.active_count(), []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    items = prefetched(endless(), 4)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()

    assert threading.active_count() == before
    assert len(made) <= 9


def test_a_parsed_column_is_what_each_cell_gives():
    cells = {
        "text": ["a b", "é", "x" * 50],
        "number": ["1.5", "2", "-3e4", "+7", ".5", "1e5"],
        "category": ["a ", "b", "a "],
    }
    for kind, values in cells.items():
        field = elman.fields.FIELDS[kind]("c")
        array = field.parse_column(pa.array(values))
        assert array is not None
        assert [field.unpack(value) for value in array] == [field.parse(value) for value in values]
    for kind, bad in {"text": "\x1c", "number": "nan", "category": " "}.items():
        assert elman.fields.FIELDS[kind]("c").parse_column(pa.array([*cells[kind], bad])) is None


@pytest.mark.parametrize("kind", ["text", "number", "category", "series"])
def test_a_batch_is_encoded_as_its_values_are(kind):
    values = {
        "text": [
            "good  it's",
            "tab\tand\nline ",
            "e\u0301  Na\u00efve",
            " lead",
            "\x1c x",
            "DON'T...",
            "new words here",
        ],
        "number": [1.0, 2.5, -3.0],
        "category": ["a", "b", "a"],
        "series": [np.array([[1.0], [np.nan]]), np.array([[3.0]])],
    }[kind]
    for options in [{"min_count": 1}, {"tokenizer": "character"}, {"tokenizer": "byte"}] if kind == "text" else [{}]:
        field = elman.fields.FIELDS[kind]("c", **options)
        field.fit(values[:-1] if kind == "text" else values)
        for _ in range(2):  # the second time from memory
            for one, several in zip(values, field.encode_batch(values), strict=True):
                np.testing.assert_array_equal(field.encode(one), several)
                assert field.encode(one).dtype == several.dtype


def test_words_are_counted_as_the_tokenizer_cuts_them(monkeypatch):
    from elman.fields.text import tokenizer as module

    texts = [*TABLE["text"], *ODD]
    for tokenizer in ("word", "character"):
        for most in (1_000_000, 3):
            monkeypatch.setattr(module, "MOST_PARTS", most)
            field = elman.fields.Text("c", tokenizer=tokenizer, min_count=1)
            field.fit(texts)
            ids = np.concatenate([field.encode(text) for text in texts])
            counted = np.bincount(ids)[2:].tolist()
            assert 1 not in ids
            assert counted == sorted(counted, reverse=True)
            assert len(counted) == len(field.vocabulary) - 2


def test_series_are_kept_whole():
    field = elman.fields.Series("a")
    values = [np.array([[1.0, 2.0], [np.nan, 4.0]]), np.array([[5.0]]), np.zeros((3, 1))]

    array = pa.array([field.pack(value) for value in values], field.storage)

    for stored, value in zip(array, values, strict=True):
        np.testing.assert_array_equal(field.unpack(stored), value)
    for stored, value in zip(field.unpack_column(array), values, strict=True):
        np.testing.assert_array_equal(stored, value)
