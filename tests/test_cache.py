"""What was read from a large source is kept, found again only where it is the same, and never trusted blindly."""

import errno
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from large_table import ROWS, TABLE, trained, what_was_trained, with_bad_rows, write

import elman
from elman.data import BadRows, Examples, cache, files, lazy, store
from elman.errors import DataError, IntegrityError

pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_second_run_does_not_read_the_source_again(tmp_path, monkeypatch):
    path = write(tmp_path)
    first = trained(path, in_memory=0)
    monkeypatch.setattr(store, "_write", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(elman.fields.Text, "fit", lambda *_: pytest.fail("fitted again"))

    assert what_was_trained(trained(path, in_memory=0)) == what_was_trained(first)
    trained(path, in_memory=0, hidden=5)
    with pytest.raises(pytest.fail.Exception, match="fitted again"):
        trained(path, in_memory=0, input={"text": {"min_count": 1}})
    monkeypatch.setattr(elman.data.layouts.rows, "version", lambda _: "another")
    with pytest.raises(pytest.fail.Exception, match="fitted again"):
        trained(path, in_memory=0)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no system that can be told to forget")
def test_a_large_source_leaves_the_systems_memory_as_it_is_read(tmp_path, monkeypatch):
    path, forgotten = write(tmp_path), []

    def forget(file, begin, size, advice):
        assert os.fstat(file).st_ino == path.stat().st_ino
        assert advice == os.POSIX_FADV_DONTNEED
        forgotten.append((begin, begin + size))

    monkeypatch.setattr(os, "posix_fadvise", forget)
    trained(path, in_memory=0)

    ends = [0, *(end for _, end in forgotten)]
    assert [begin for begin, _ in forgotten] == ends[:-1]
    assert ends[-1] == path.stat().st_size
    forgotten.clear()
    trained(path)  # read into memory, and by others perhaps: it stays
    assert forgotten == []


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no system that can be told to forget")
def test_parquet_stays_in_the_systems_memory_for_its_columns_are_read_after_its_digest(tmp_path, monkeypatch):
    path = write(tmp_path, "parquet")
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: pytest.fail("told to forget"))
    assert len(trained(path, in_memory=0).predict(["good"])) == 1


def test_each_thread_walks_by_itself():
    inside, go = threading.Event(), threading.Event()

    def numbers():
        for number in range(5):
            if threading.current_thread() is not threading.main_thread():
                inside.set()
                assert go.wait(10)
            yield number

    cursor = files.Cursor(numbers)
    with ThreadPoolExecutor(1) as other:
        found = other.submit(cursor, 3)
        assert inside.wait(10)
        try:
            assert [cursor(number) for number in (1, 4, 0)] == [1, 4, 0]  # while the other stands in its own
        finally:
            go.set()
        assert found.result() == 3


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
        columns = [store.stored_field(role, field) for role, field in model.fields.by_role().items()]
        stored, folder = store.open_stored(files.find_files(path), columns, lambda table, bad: table, BadRows(), print)
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


def test_a_place_is_found_from_the_cache_too(tmp_path, piece_size):
    for name, part in (("a", TABLE[:100]), ("b", TABLE[100:])):
        with_bad = with_bad_rows().loc[part.index]
        with_bad.to_csv(tmp_path / f"{name}.csv", index=False)
    kept = [row for row in range(ROWS) if row not in (3, 7, 50, 51, 200)]
    expected = [f"a.csv:{row + 2}" if row < 100 else f"b.csv:{row - 98}" for row in kept]
    sources = files.find_files(str(tmp_path / "*.csv"))
    fields = {"input.text": elman.fields.Text("text"), "target.label": elman.fields.Category("label")}
    columns = [store.stored_field(role, field) for role, field in fields.items()]

    for _ in range(2):
        stored, _ = store.open_stored(sources, columns, lambda table, bad: table, BadRows(True), print)
        assert [stored.place(row) for row in (0, 3, 97, 96, len(kept) - 1)] == [
            expected[row] for row in (0, 3, 97, 96, len(kept) - 1)
        ]


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_byte_that_changed_inside_the_rows_is_noticed_when_it_is_read_and_they_are_made_anew(
    place, tmp_path, own_cache, piece_size
):
    path = write(tmp_path)
    first = what_was_trained(trained(path, in_memory=0))
    (entry,) = own_cache.glob("tables/*/rows.arrow")
    content = bytearray(entry.read_bytes())
    texts = [content.index(word) for word in (b"good", b"dull")] + [content.rindex(b"great")]
    content[{"first": min(texts), "middle": sorted(texts)[1], "last": max(texts)}[place]] ^= 1
    entry.write_bytes(content)

    with pytest.raises(IntegrityError, match=r"must have its original content, got other bytes. Start again"):
        trained(path, in_memory=0)
    assert what_was_trained(trained(path, in_memory=0)) == first
    assert what_was_trained(trained(path, in_memory=0)) == first


@pytest.mark.parametrize("piece_size", [700], indirect=True)
def test_a_piece_of_the_rows_is_checked_once_and_when_it_is_read(piece_size, tmp_path, monkeypatch):
    stored = opened(write(tmp_path))
    checked: list[int] = []
    plain = stored._is_intact
    monkeypatch.setattr(stored, "_is_intact", lambda piece: checked.append(piece) or plain(piece))

    for rows in ([0], [0, 1], [len(stored) - 1, 0]):
        stored.values("input.text", np.array(rows), lambda value: value.as_py())
    read_twice = [len([array for _, array in stored.arrays("input.text")]) for _ in range(2)]

    assert checked[:2] == [0, read_twice[0] - 1]
    assert sorted(checked) == list(range(read_twice[0]))
    assert read_twice[0] > 5


def opened(path: Path, said: list[str] | None = None) -> store.ArrowRows:
    """The rows of a file with a text, by the cache; what was said of the cache is added."""
    column = store.stored_field("input.text", elman.fields.Text("text"))
    heard: list[str] = []
    found = store.open_stored(files.find_files(path), [column], lambda table, bad: table, BadRows(), heard.append)[0]
    if said is not None:
        said += [line for line in heard if line.startswith("cache")]
    return found


def a_source(folder: Path, name: str) -> Path:
    """Every source has entries of one size."""
    path = folder / f"{name}.csv"
    path.write_text("text\n" + f"{name}\n" * 200)
    return path


def kept_sources(own_cache: Path) -> set[str]:
    return {cache.read_checked(path)["source"][0] for path in own_cache.glob("tables/*/manifest.json")}


@pytest.fixture
def three_of_a_kind(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three sources, of which the cache can hold two; a was used last, then c, and b."""
    sources = [a_source(tmp_path, name) for name in "abc"]
    for age, path in zip((1, 3, 2), sources, strict=True):
        folder = opened(path).path.parent
        os.utime(folder, (1e9 - age, 1e9 - age))
        size = sum(file.stat().st_size for file in folder.iterdir())
    gc.collect()
    monkeypatch.setenv("ELMAN_CACHE_GB", str(2.5 * size / 1e9))
    return sources


def test_what_was_not_used_for_longest_is_removed_until_all_is_within_the_limit(three_of_a_kind, tmp_path, own_cache):
    said: list[str] = []

    opened(a_source(tmp_path, "d"), said)

    assert kept_sources(own_cache) == {"a", "d"}
    assert [line.split()[1] for line in said] == ["b.csv", "c.csv"]
    assert "last used on 2001-09-09" in said[0]
    assert not list(own_cache.glob("tables/.partial-*"))
    assert len(list(own_cache.glob("tables/index/*.json"))) == 4


def test_opening_is_using(three_of_a_kind, tmp_path, own_cache):
    opened(three_of_a_kind[1])
    gc.collect()
    opened(a_source(tmp_path, "d"))

    assert kept_sources(own_cache) == {"b", "d"}


def test_what_is_within_the_limit_stays(three_of_a_kind, tmp_path, own_cache, monkeypatch):
    monkeypatch.delenv("ELMAN_CACHE_GB")
    said: list[str] = []
    opened(a_source(tmp_path, "d"), said)
    assert kept_sources(own_cache) == set("abcd")
    monkeypatch.setenv("ELMAN_CACHE_GB", "inf")
    opened(a_source(tmp_path, "e"), said)

    assert kept_sources(own_cache) == set("abcde")
    assert not said


def test_what_this_process_reads_is_never_removed(three_of_a_kind, tmp_path, own_cache, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE_GB", "0")
    stored = opened(three_of_a_kind[1])

    other = opened(a_source(tmp_path, "d"))

    assert kept_sources(own_cache) == {"b", "d"}
    assert [one.values("input.text", np.array([7]), str) for one in (stored, other)] == [["b"], ["d"]]


@pytest.mark.parametrize("value", ["lots", "-1", "nan"])
def test_a_limit_that_is_none_is_refused_before_anything_is_read(value, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE_GB", value)
    monkeypatch.setattr(store, "_write", lambda *_: pytest.fail("read"))
    with pytest.raises(
        DataError, match=f"ELMAN_CACHE_GB: .* must be a number of GB, at least 0, or inf, got '{value}'"
    ):
        trained(write(tmp_path), in_memory=0)


def test_a_limit_that_is_none_is_refused_where_everything_is_in_the_cache_too(tmp_path, monkeypatch):
    path = a_source(tmp_path, "a")
    opened(path)
    monkeypatch.setenv("ELMAN_CACHE_GB", "lots")
    with pytest.raises(DataError, match="ELMAN_CACHE_GB"):
        opened(path)


def test_a_person_is_told_whether_a_source_is_read_or_comes_from_the_cache(tmp_path, own_cache, capsys):
    path, said = write(tmp_path), []
    for turn in range(3):
        if turn == 2:
            (entry,) = own_cache.glob("tables/*/rows.arrow")
            entry.write_bytes(entry.read_bytes()[:-1])
        elman.train(path, input="text", target="label", hidden=4, epochs=1, data={"in_memory": 0})
        said += [line for line in capsys.readouterr().err.splitlines() if line.startswith("source")]

    size = f"source    {path.name}: {path.stat().st_size / 1e6:.3g} MB, "
    made = f"read once and kept in the cache, {own_cache}, which can be deleted"
    again = f"read from the cache, {own_cache}"
    assert said == [size + made, size + again, size + "damaged in the cache and so " + made]


def test_a_training_says_what_it_removed(tmp_path, own_cache, monkeypatch, capsys):
    opened(a_source(tmp_path, "a"))
    gc.collect()
    monkeypatch.setenv("ELMAN_CACHE_GB", "0")
    options = {"data": {"in_memory": 0}, "hidden": 4, "epochs": 1}

    elman.train(write(tmp_path), input="text", target="label", **options)

    assert "cache     a.csv removed (" in capsys.readouterr().err
