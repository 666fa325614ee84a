"""A source larger than memory is read once, into the cache, and trains exactly as one that is read into memory does."""

import bz2
import errno
import gzip
import hashlib
import json
import lzma
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import elman
import elman.cli
from benchmarks import big_csv
from elman.data import BadRows, Examples, ahead, cache, files, lazy, read, store
from elman.data.readers import csv as csv_reader
from elman.data.readers import jsonl as jsonl_reader
from elman.data.readers import pieces
from elman.errors import DataError

RANDOM = np.random.default_rng(0)
ROWS = 240
WORDS = np.array(["good", "bad", "fine", "poor", "great", "dull", "naïve", "so-so"])
TABLE = pd.DataFrame(
    {
        "text": [" ".join(RANDOM.choice(WORDS, RANDOM.integers(2, 9))) for _ in range(ROWS)],
        "word": RANDOM.choice(WORDS, ROWS),
        "n": RANDOM.normal(size=ROWS),
        "v1": RANDOM.normal(size=ROWS),
        "v2": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(size=ROWS)),
        "user": RANDOM.integers(0, 30, ROWS),
        "day": [f"2026-{month:02}-{day:02}" for month, day in RANDOM.integers(1, 13, (ROWS, 2))],
        "label": RANDOM.choice(["yes", "no"], ROWS),
        "price": RANDOM.normal(size=ROWS),
    }
)
ODD = ["good  it's", "tab\tand\nline ", "e\u0301  Na\u00efve", " lead", "\x1c x", "DON'T... x"]
ARRAYS = [RANDOM.normal(size=(RANDOM.integers(1, 6), 2)).round(3).tolist() for _ in range(ROWS)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=[1 << 24, 700], ids=["one piece", "many pieces"])
def piece_size(request, monkeypatch) -> int:
    """Files are read whole, or in pieces of some rows."""
    monkeypatch.setattr(csv_reader, "LARGEST_ROW", request.param)
    monkeypatch.setattr(jsonl_reader, "BLOCK", request.param)
    return request.param


def write(folder: Path, kind: str = "csv", table: pd.DataFrame = TABLE) -> Path:
    path = folder / f"t.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "jsonl":
        table = table.assign(a=ARRAYS)
        path.write_text("".join(json.dumps(row) + "\n" for row in table.replace({np.nan: None}).to_dict("records")))
    else:
        pq.write_table(pa.Table.from_pandas(table.assign(a=[np.array(a)[:, 0] for a in ARRAYS])), path)
    return path


def trained(path: object, input: object = "text", target: str = "label", *, in_memory: float = 200, **options):
    options = {"hidden": 4, "epochs": 2, **options}
    options["data"] = {"in_memory": in_memory, **options.get("data", {})}
    if options["hidden"] is None:
        del options["hidden"]
    return elman.train(path, input=input, target=target, quiet=True, **options)


def what_was_trained(model: elman.Model) -> tuple:
    log = [line.split(b'"seconds"')[0] for line in model.keepsakes["log.jsonl"].splitlines()]
    scores = {part: model.metrics[part] for part in ("valid", "test")}
    weights = {name: value.tolist() for name, value in model.network.state_dict().items()}
    return weights, log, scores, model.input.learned(), model.target.learned(), model.input.describe(), model.skipped


CASES = {
    "text": {},
    "characters, balanced": {"input": {"text": {"level": "character"}},
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
    monkeypatch.setattr(jsonl_reader, "BLOCK", 2000)

    large = trained(path, **options, in_memory=0)
    again = trained(path, **options, in_memory=0)

    if case == "no validation":
        for model in (small, large, again):
            model.metrics["valid"] = {}
    assert what_was_trained(large) == what_was_trained(small)
    assert what_was_trained(again) == what_was_trained(small)


def with_bad_rows() -> pd.DataFrame:
    table = TABLE.astype(object)
    table.loc[[3, 50, 51], "text"] = ["", " ", ""]
    table.loc[[7, 51, 200], "label"] = ""
    return table


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


def test_the_second_run_does_not_read_the_source_again(tmp_path, monkeypatch):
    path = write(tmp_path)
    first = trained(path, in_memory=0)
    monkeypatch.setattr(store, "_write", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(elman.fields.Text, "fit", lambda *_: pytest.fail("fitted again"))

    assert what_was_trained(trained(path, in_memory=0)) == what_was_trained(first)
    trained(path, in_memory=0, hidden=5)
    with pytest.raises(pytest.fail.Exception, match="fitted again"):
        trained(path, in_memory=0, input={"text": {"min_count": 1}})
    monkeypatch.setattr(elman.parts, "version", lambda _: "another")
    with pytest.raises(pytest.fail.Exception, match="fitted again"):
        trained(path, in_memory=0)


def test_a_changed_source_is_read_anew_and_the_same_bytes_elsewhere_are_not_kept_twice(tmp_path, own_cache):
    path = write(tmp_path)
    trained(path, in_memory=0)
    (tmp_path / "other").mkdir()
    trained(write(tmp_path / "other"), in_memory=0)
    assert len(list(own_cache.glob("tables/*/rows.arrow"))) == 1

    changed = trained(write(tmp_path, table=TABLE[:200]), in_memory=0)

    assert sum(changed.target.counts) == 160
    assert len(list(own_cache.glob("tables/*/rows.arrow"))) == 2


def test_a_source_that_was_changed_behind_its_size_and_time_is_read_anew(tmp_path, own_cache):
    path = write(tmp_path)
    before = path.stat()
    trained(path, in_memory=0)

    path.write_bytes(path.read_bytes().replace(b"good", b"glad"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    words = trained(path, in_memory=0).input.learned()["vocabulary"]
    assert "glad" in words
    assert "good" not in words
    assert len(list(own_cache.glob("tables/*/rows.arrow"))) == 2


def changed_in_memory(inputs: list[np.ndarray], targets: list[np.ndarray]) -> list[Examples]:
    """Examples that differ in one place each."""
    row = len(inputs) // 2
    found = []
    for values in (inputs, targets):
        other = [value.copy() for value in values]
        other[row][...] += 1
        found.append((other, targets) if values is inputs else (inputs, other))
    found.append((inputs[::-1], targets[::-1]))
    found.append((inputs[:-1], targets[:-1]))
    found.append(([value.astype(np.int32) for value in inputs], targets))
    return [Examples({"x": inputs}, {"y": targets}) for inputs, targets in found] + [Examples({"x": inputs})]


@pytest.mark.parametrize("sequences", [True, False], ids=["sequences", "singles"])
def test_examples_in_memory_are_told_apart_by_their_digest(sequences):
    random = np.random.default_rng(0)
    lengths = random.integers(1, 9, 999)
    inputs = [np.asarray(random.integers(0, 99, length if sequences else None)) for length in lengths]
    targets = [np.asarray(value) for value in random.integers(0, 2, 999)]

    same = Examples({"x": [value.copy() for value in inputs]}, {"y": targets}).digest()
    others = [examples.digest() for examples in changed_in_memory(inputs, targets)]

    assert same == Examples({"x": inputs}, {"y": targets}).digest()
    assert len({same, *others}) == 1 + len(others)


def test_one_row_cut_elsewhere_or_of_another_shape_is_other_data():
    whole = np.arange(12)
    cuts = [[whole[:5], whole[5:]], [whole[:6], whole[6:]], [whole[:6].reshape(3, 2), whole[6:].reshape(3, 2)]]

    assert len({Examples({"x": cut}).digest() for cut in cuts}) == 3


def test_a_large_source_is_told_by_its_digest_too(tmp_path):
    path = write(tmp_path)
    model = trained(path, in_memory=0)
    changes = {
        "value": TABLE.assign(text=["other", *TABLE["text"][1:]]),
        "target": TABLE.assign(label=[{"yes": "no", "no": "yes"}[TABLE["label"][0]], *TABLE["label"][1:]]),
        "order": TABLE[::-1],
    }

    def digests(path: Path, seed: int = 0) -> list[str]:
        columns = [store.kept_field(role, field) for role, field in model.fields.by_role().items()]
        stored, folder = store.open_stored(files.find_files(path), columns, lambda table, bad: table, BadRows())
        parts = elman.data.split_rows(len(stored), 0.2, 0.2, seed)
        return [lazy.lazy_examples(stored, part, model.fields, BadRows(), folder.name).digest() for part in parts]

    first = digests(path)
    assert digests(path) == first
    found = [*first, *digests(path, 1)]
    for table in changes.values():
        found += digests(write(tmp_path, table=table))
    assert len(set(found)) == len(found) == 15


@pytest.mark.parametrize("name", ["rows.arrow", "manifest.json", "learned-*.json", "../index/*.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_damaged_cache_is_noticed_and_made_anew(name, damage, tmp_path, own_cache):
    path = write(tmp_path)
    first = what_was_trained(trained(path, in_memory=0))
    (entry,) = own_cache.glob("tables/*/rows.arrow")
    (file,) = entry.parent.glob(name) if "/" not in name else own_cache.glob("tables/index/*.json")
    content = file.read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else content[:-9] + b"x" * 9)

    assert what_was_trained(trained(path, in_memory=0)) == first
    assert what_was_trained(trained(path, in_memory=0)) == first
    assert not list(own_cache.glob("tables/.partial-*"))


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path, own_cache, monkeypatch):
    class Full(pa.ipc.RecordBatchFileWriter):
        def write_batch(self, *_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pa.ipc, "new_file", Full)
    with pytest.raises(DataError, match=r"the cache must be writable, got .*No space left.*ELMAN_CACHE"):
        trained(write(tmp_path), in_memory=0)
    assert [path for path in own_cache.rglob("*") if path.is_file()] == []


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", "/proc/cache")
    with pytest.raises(DataError, match=r"the cache must be writable, got /proc/cache/tables"):
        trained(write(tmp_path), in_memory=0)


def test_two_that_make_the_same_cache_do_not_disturb_each_other(tmp_path, own_cache, monkeypatch):
    path, together, plain = write(tmp_path), threading.Barrier(2), store._write

    def at_the_same_time(*arguments: object) -> object:
        together.wait(20)
        return plain(*arguments)

    monkeypatch.setattr(store, "_write", at_the_same_time)
    found: list = []
    threads = [threading.Thread(target=lambda: found.append(trained(path, in_memory=0))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert what_was_trained(found[0]) == what_was_trained(found[1])
    assert len([path for path in own_cache.glob("tables/*") if path.name != "index"]) == 1


def test_what_an_unfinished_run_left_is_removed_after_a_day(tmp_path, own_cache):
    for name, age in (("old", cache.FORGOTTEN + 9), ("new", 0)):
        folder = own_cache / "tables" / f".partial-{name}"
        folder.mkdir(parents=True)
        (folder / "rows.arrow").write_bytes(b"half")
        when = (folder / "rows.arrow").stat().st_mtime - age
        os.utime(folder / "rows.arrow", (when, when))

    trained(write(tmp_path), in_memory=0)

    assert [path.name for path in own_cache.glob("tables/.partial-*")] == [".partial-new"]


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


def test_a_place_is_found_from_the_cache_too(tmp_path, piece_size):
    for name, part in (("a", TABLE[:100]), ("b", TABLE[100:])):
        with_bad = with_bad_rows().loc[part.index]
        with_bad.to_csv(tmp_path / f"{name}.csv", index=False)
    kept = [row for row in range(ROWS) if row not in (3, 7, 50, 51, 200)]
    expected = [f"a.csv:{row + 2}" if row < 100 else f"b.csv:{row - 98}" for row in kept]
    sources = files.find_files(str(tmp_path / "*.csv"))
    fields = {"input.text": elman.fields.Text("text"), "target.label": elman.fields.Category("label")}
    columns = [store.kept_field(role, field) for role, field in fields.items()]

    for _ in range(2):
        stored, _ = store.open_stored(sources, columns, lambda table, bad: table, BadRows(True))
        assert [stored.place(row) for row in (0, 3, 97, 96, len(kept) - 1)] == [
            expected[row] for row in (0, 3, 97, 96, len(kept) - 1)
        ]


def test_the_command_takes_several_sources_and_names_the_run_for_the_first(tmp_path, monkeypatch):
    TABLE[:100].to_csv(tmp_path / "a.csv.gz", index=False)
    TABLE[100:].to_csv(tmp_path / "b.csv", index=False)
    monkeypatch.chdir(tmp_path)
    line = [
        "elman",
        "train",
        "a.csv.gz",
        "b.csv",
        "--input",
        "text",
        "--target",
        "label",
        "--hidden",
        "2",
        "--epochs",
        "1",
    ]
    monkeypatch.setattr("sys.argv", line)
    with pytest.raises(SystemExit) as left:
        elman.cli.main()
    assert left.value.code == 0

    model = elman.load(tmp_path / "runs" / "a")

    assert model.config.data.source == ["a.csv.gz", "b.csv"]
    assert sum(model.target.counts) == 192
    assert model.evaluate("?.csv*")["rows"] == ROWS


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


def test_files_of_one_name_are_told_apart_and_a_missing_column_is_named(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    (tmp_path / "x" / "t.csv").write_text("text,label\na b,no\n")
    (tmp_path / "y" / "t.csv").write_text("text,lable\na b,no\n")

    with pytest.raises(DataError, match=r"y/t.csv: the column must be one of text, lable, got 'label'"):
        read(str(tmp_path / "*" / "t.csv"), BadRows())


def test_json_types_must_agree_across_pieces_too(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "b": null}\n' * 50 + '{"a": 1.5, "b": "x"}\n\n{"a": "one"}\n')

    for size in (1 << 24, 100):
        monkeypatch.setattr(jsonl_reader, "BLOCK", size)
        with pytest.raises(DataError, match=r"t.jsonl:53: column 'a' must be a number, as in the lines before"):
            read(path, BadRows())
        bad = BadRows(skip=True)
        assert read(path, bad).column("a") == [1.0] * 50 + [1.5]


def test_a_key_that_a_piece_lacks_is_a_missing_value_and_a_column_that_a_file_lacks_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    rows = [{"v1": n, "w": 1, "y": "ab"[n % 2]} | ({"v2": n % 7} if n > 80 else {}) for n in range(160)]
    rows = rows[81:] + rows[:81]  # the first piece has both columns, the last ones lack one
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = trained(path, "v*", "y")
    monkeypatch.setattr(jsonl_reader, "BLOCK", 600)
    monkeypatch.setattr("elman.data.readers.ENOUGH", 10)

    assert what_was_trained(trained(path, "v*", "y")) == what_was_trained(small)
    assert what_was_trained(trained(path, "v*", "y", in_memory=0)) == what_was_trained(small)
    (tmp_path / "a.csv").write_text("v1,v2,y\n" + "1,2,a\n2,3,b\n" * 20)
    (tmp_path / "b.csv").write_text("v1,y\n1,a\n")
    for size in (200, 0):
        with pytest.raises(DataError, match=r"b.csv: the column must be one of v1, y, got 'v2'"):
            trained(str(tmp_path / "*.csv"), "v*", "y", in_memory=size)


def test_what_cannot_be_read_in_pieces_is_read_whole_and_says_so(tmp_path, capsys, own_cache):
    long = pd.DataFrame({"id": np.repeat(range(30), 4), "v": RANDOM.normal(size=120), "y": np.repeat(range(30), 4) % 2})
    long.to_csv(tmp_path / "long.csv", index=False)

    elman.train(tmp_path / "long.csv", input="v", target="y", id="id", hidden=2, epochs=1, data={"in_memory": 0})

    assert "long.csv: read into memory whole, as folders and the long format are" in capsys.readouterr().err
    assert not own_cache.exists()


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
    columns = [store.kept_field(role, field) for role, field in model.fields.by_role().items()]
    stored, _ = store.open_stored(sources, columns, lambda table, bad: table, BadRows())
    part = elman.data.split_rows(len(stored), 0, 0, 0).train
    model.target.restore({"classes": ["yes", "maybe"], "counts": [1, 1]})

    examples = lazy.LazyExamples(stored, part, model.fields, "")

    with pytest.raises(DataError, match=r"t.csv:\d+: column 'label' must be one of the 2 classes"):
        examples.batch(np.arange(32))


def test_items_come_in_order_while_others_are_prepared():
    assert list(ahead(iter(range(100)), 3)) == list(range(100))


def test_an_error_comes_where_its_item_would_have_come():
    def items():
        yield 1
        yield 2
        raise DataError("three")

    found = []
    with pytest.raises(DataError, match="three"):
        found.extend(ahead(items(), 5))
    assert found == [1, 2]


def test_the_thread_ends_with_its_iterator():
    before, made = threading.active_count(), []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    items = ahead(endless(), 4)
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
    for options in [{"min_count": 1}, {"level": "character"}, {"level": "byte"}] if kind == "text" else [{}]:
        field = elman.fields.FIELDS[kind]("c", **options)
        field.fit(values[:-1] if kind == "text" else values)
        for _ in range(2):  # the second time from memory
            for one, several in zip(values, field.encode_batch(values), strict=True):
                np.testing.assert_array_equal(field.encode(one), several)
                assert field.encode(one).dtype == several.dtype


def test_words_are_counted_as_the_tokenizer_cuts_them(monkeypatch):
    from elman.fields import tokens as module

    texts = [*TABLE["text"], *ODD]
    for level in ("word", "character"):
        for most in (1_000_000, 3):
            monkeypatch.setattr(module, "MOST_PARTS", most)
            field = elman.fields.Text("c", level=level, min_count=1)
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
