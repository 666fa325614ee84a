"""The data of the recipes: how many rows, what one looks like, and that no part holds what another tests."""

from functools import cache
from pathlib import Path
from unicodedata import is_normalized

import pytest

from elman.data import Table
from elman.data.layouts import Tables
from elman.recipes.datasets import DATASETS
from elman.recipes.datasets.cmudict import ENTRY

PARTS = [  # data set, rows of each part
    ("snips", (13_084, 700, 700)),
    ("tinyshakespeare", (11, 2, None)),
    ("tatoeba", (154_169, 3_025, 3_060)),
    ("tatoeba_english", (112_830, 2_000, 2_000)),
    ("cmudict", (118_606, 2_671, 13_456)),
    ("sgd", (12_406, 1_524, 1_504)),
    ("names", (14_398, 1_797, 1_817)),
]
ROWS = [  # data set, part, row, what stands there
    (
        "snips",
        "test",
        0,
        {
            "tokens": ["add", "sabrina", "salerno", "to", "the", "grime", "instrumentals", "playlist"],
            "slots": ["O", "B-artist", "I-artist", "O", "O", "B-playlist", "I-playlist", "O"],
            "intent": "AddToPlaylist",
        },
    ),
    ("tatoeba", "train", 0, {"english": "Go.", "french": "Va !"}),
    ("tatoeba_english", "test", 0, {"text": "I stood."}),
    ("cmudict", "test", 0, {"word": "'course", "phonemes": ["K", "AO", "R", "S"]}),
    ("names", "test", 0, {"name": "Haddad", "language": "Arabic"}),
    (
        "sgd",
        "test",
        2,
        {
            "history": "system: I have found 9 restaurants. Andes Cafe San Mateo is a great restaurant in San Mateo. "
            "user: What's their phone number?",
            "reply": "Their number is [phone_number].",
            "dialogue": "1_00004",
        },
    ),
]
APART = [  # data set, the column of which no value stands in two parts
    ("tatoeba", "english"),
    ("tatoeba", "french"),
    ("tatoeba_english", "text"),
    ("cmudict", "word"),
    ("sgd", "dialogue"),
    ("names", "name"),
]


@cache
def tables(name: str) -> Tables:
    return DATASETS[name]()


def given(tables: Tables) -> list[Table]:
    return [table for table in tables if table is not None]


@pytest.fixture(autouse=True)
def _real(real_data: Path) -> None:
    """Every test of this file needs the data."""


@pytest.mark.parametrize(("name", "rows"), PARTS, ids=str)
def test_each_part_has_its_rows(name, rows):
    assert tuple(table and len(table) for table in tables(name)) == rows


@pytest.mark.parametrize(("name", "part", "row", "cells"), ROWS, ids=lambda value: str(value)[:20])
def test_a_row_looks_as_it_should(name, part, row, cells):
    table = getattr(tables(name), part)
    assert {column: table.column(column)[row] for column in table.columns} == cells


@pytest.mark.parametrize(("name", "column"), APART)
def test_nothing_stands_in_two_parts(name, column):
    train, valid, test = (set(table.column(column)) for table in given(tables(name)))
    assert not train & valid
    assert not train & test
    assert not valid & test


@pytest.mark.parametrize("name", ["tatoeba", "tatoeba_english", "cmudict", "names"])
def test_no_row_stands_twice(name):
    rows = [
        str(cells) for table in given(tables(name)) for cells in zip(*map(table.column, table.columns), strict=True)
    ]
    assert len(set(rows)) == len(rows)


def test_snips_has_a_slot_for_each_token_and_few_kinds():
    for table in given(tables("snips")):
        assert all(len(t) == len(s) > 0 for t, s in zip(table.column("tokens"), table.column("slots"), strict=True))
    train = tables("snips").train
    assert len(set(train.column("intent"))) == 7
    assert len({slot for slots in train.column("slots") for slot in slots}) == 72


def test_tiny_shakespeare_is_the_text_as_it_stands_cut_once(real_data):
    train, valid, test = tables("tinyshakespeare")
    train_text, valid_text = "".join(train.column("text")), "".join(valid.column("text"))

    assert train_text + valid_text == (real_data / "tinyshakespeare" / "input.txt").read_bytes().decode()
    assert (len(train_text), len(valid_text), test) == (1_003_854, 111_540, None)


def test_translations_are_short_composed_and_all_there():
    pairs = [pair for table in given(tables("tatoeba"))
             for pair in zip(table.column("english"), table.column("french"), strict=True)]  # fmt: skip

    assert max(len(side.split()) for pair in pairs for side in pair) == 12
    assert all(is_normalized("NFC", side) and side == " ".join(side.split()) for pair in pairs for side in pair)
    assert len(pairs) == 160_254
    assert len(set(tables("tatoeba").test.column("english"))) == 2_117
    assert len(set(tables("tatoeba").test.column("french"))) == 2_903


def test_pronunciations_have_no_stress_and_variants_stay_together():
    symbols = {symbol for table in given(tables("cmudict")) for cell in table.column("phonemes") for symbol in cell}
    words = [set(table.column("word")) for table in given(tables("cmudict"))]

    assert len(symbols) == 39
    assert all(symbol.isalpha() for symbol in symbols)
    assert set("".join(set.union(*words))) == set("abcdefghijklmnopqrstuvwxyz'-")
    assert len(words[2]) / sum(map(len, words)) == pytest.approx(0.1, abs=1e-4)
    test = tables("cmudict").test
    assert len(test) > len(set(test.column("word")))


def test_an_entry_of_the_dictionary_is_taken_apart():
    lines = ["aalborg(2) AA1 L B AO0 R G # place, danish", "d'artagnan D AH0 # foreign", "a EY1", "a.d. EY1 D IY1"]
    found = [entry and entry.groups() for entry in map(ENTRY.fullmatch, lines)]

    assert found == [("aalborg", "AA1 L B AO0 R G"), ("d'artagnan", "D AH0"), ("a", "EY1"), None]


def test_replies_have_names_for_values_and_histories_their_speakers():
    for table in given(tables("sgd")):
        assert all(history.startswith(("user: ", "system: ")) for history in table.column("history"))
        assert all(history.count("user: ") == 1 for history in table.column("history"))
    replies = tables("sgd").train.column("reply")
    assert 0.4 < sum("[" in reply for reply in replies) / len(replies) < 0.6


def test_names_are_of_18_languages_in_each_part():
    for table in given(tables("names")):
        assert len(set(table.column("language"))) == 18
        assert all(name == name.strip() != "" for name in table.column("name"))
