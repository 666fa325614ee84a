"""Spoken digits: every clip once, none in two parts, strings of clips of their own part; many files, one digest."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from elman.data import PublicFile, fetch_together
from elman.data.layouts import Tables
from elman.errors import DataError
from elman.media.audio import read_clip
from elman.recipes.datasets import DATASETS, FSDD_WITHOUT
from elman.recipes.datasets.fsdd import WORDS

PARTS = ("train", "valid", "test")


@cache
def tables(name: str) -> Tables:
    return DATASETS[name]()


@pytest.mark.parametrize(
    ("name", "rows"),
    [("fsdd", (2520, 180, 300)), ("fsdd_without_theo", (2250, 250, 500)), ("fsdd_joined", (3000, 200, 300))],
)
def test_each_part_has_its_rows(real_data, name, rows):
    assert tuple(map(len, tables(name))) == rows


@pytest.mark.parametrize("name", ["fsdd", *FSDD_WITHOUT])
def test_a_clip_stands_once_and_its_name_says_what_it_is(real_data, name):
    rows = [row for table in tables(name) for row in zip(*map(table.column, ("clip", "digit", "speaker")), strict=True)]

    assert len({clip for clip, _, _ in rows}) == len(rows) == 3000
    for clip, digit, speaker in rows:
        assert Path(clip).name.startswith(f"{WORDS.index(digit)}_{speaker}_")


def test_each_digit_has_the_sounds_that_the_dictionary_lists_first(real_data):
    sounds = {
        "zero": "Z IH R OW", "one": "W AH N", "two": "T UW", "three": "TH R IY", "four": "F AO R", "five": "F AY V",
        "six": "S IH K S", "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N",
    }  # fmt: skip
    for table, plain in zip(tables("fsdd_phonemes"), tables("fsdd"), strict=True):
        assert table.column("phonemes") == [sounds[digit] for digit in plain.column("digit")]
        assert {name: table.column(name) for name in plain.columns} == plain.columns


def test_the_first_five_takes_test_as_the_data_set_has_it(real_data):
    takes = [{int(Path(clip).stem.rpartition("_")[2]) for clip in table.column("clip")} for table in tables("fsdd")]

    assert takes == [{*range(8, 50)}, {5, 6, 7}, {0, 1, 2, 3, 4}]


def test_a_new_speaker_was_never_heard_and_each_is_new_once(real_data):
    new = set()
    for name in FSDD_WITHOUT:
        train, valid, test = (set(table.column("speaker")) for table in tables(name))
        assert test == {name.removeprefix("fsdd_without_")}
        assert train == valid == set(tables("fsdd").train.column("speaker")) - test
        new |= test

    assert len(new) == len(FSDD_WITHOUT) == 6


def test_a_string_is_its_words_one_after_the_other_from_its_own_part(real_data):
    for part in PARTS:
        official, joined = getattr(tables("fsdd"), part), getattr(tables("fsdd_joined"), part)
        clips: dict[str, list[np.ndarray]] = {word: [] for word in WORDS}
        for path, digit in zip(official.column("clip"), official.column("digit"), strict=True):
            clips[digit].append(read_clip(path).samples)
        assert {len(words.split()) for words in joined.column("words")} == {3, 4, 5}
        for (samples, rate), words in list(zip(joined.column("clip"), joined.column("words"), strict=True))[:10]:
            first, last = words.split()[0], words.split()[-1]
            assert rate == 8000
            assert any(np.array_equal(samples[: len(clip)], clip) for clip in clips[first])
            assert any(np.array_equal(samples[-len(clip) :], clip) for clip in clips[last])


def test_strings_are_the_same_each_time(real_data):
    again = DATASETS["fsdd_joined"]()

    for part in PARTS:
        first, second = getattr(tables("fsdd_joined"), part), getattr(again, part)
        assert first.column("words") == second.column("words")
        pairs = zip(first.column("clip"), second.column("clip"), strict=True)
        assert all(np.array_equal(one[0], other[0]) for one, other in pairs)


@pytest.fixture
def published(tmp_path, monkeypatch, own_cache) -> tuple[list[PublicFile], str]:
    """Three files at their addresses, and the digest of all."""
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    sources, digest = [], hashlib.sha256()
    for name in "abc":
        path = tmp_path / "there" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name * 9)
        digest.update(path.read_bytes())
        sources.append(PublicFile(f"set/{name}", path.as_uri()))
    return sources, digest.hexdigest()


def test_many_files_are_fetched_once(published, own_cache):
    sources, digest = published

    paths = fetch_together("the set", sources, digest)

    assert [path.read_text() for path in paths] == ["a" * 9, "b" * 9, "c" * 9]
    assert {path.parent for path in paths} == {own_cache / "set"}
    gone = [source._replace(address="file:///gone") for source in sources]
    assert fetch_together("the set", gone, digest) == paths


def test_other_bytes_than_those_that_were_published_are_refused_and_not_kept(published, own_cache):
    sources, digest = published
    Path(sources[1].address.removeprefix("file://")).write_text("other")

    with pytest.raises(DataError, match="the set must have together the SHA-256"):
        fetch_together("the set", sources, digest)

    assert not own_cache.exists()


def test_a_file_that_was_changed_in_the_cache_is_refused(published, own_cache):
    sources, digest = published
    fetch_together("the set", sources, digest)[2].write_text("other")

    with pytest.raises(DataError, match="Delete the files of set and try again"):
        fetch_together("the set", sources, digest)
