"""Strips of digits: a word for each digit, no picture in two parts; the nearest one answers; what is said is drawn."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import elman
from elman.data import Table
from elman.data.layouts import Tables
from elman.errors import ElmanError
from elman.insight import draw_captions
from elman.recipes.baselines.answers import scores_of_answers
from elman.recipes.datasets.digit_strips import WORDS, digit_strips


@pytest.fixture(scope="module")
def strips() -> Tables:
    return digit_strips()


def alone(table: Table) -> dict[bytes, str]:
    """The strips of one digit, without what is blank beside it, and the digit's name."""
    found = {}
    for strip, words in zip(table.column("strip"), table.column("words"), strict=True):
        if " " not in words:
            inked = np.flatnonzero(strip.any(0))
            found[strip[:, inked[0] : inked[-1] + 1].tobytes()] = words
    return found


def test_each_part_has_its_rows_and_no_picture_is_in_two(strips):
    assert [len(table) for table in strips] == [20_000, 1_000, 2_000]
    train, valid, test = map(alone, strips)
    assert (len(train) > 1_100, len(valid) > 120, len(test) > 220) == (True, True, True)
    assert not train.keys() & valid.keys()
    assert not train.keys() & test.keys()
    assert not valid.keys() & test.keys()


def test_a_strip_has_one_to_five_digits_in_a_row_and_a_word_for_each(strips):
    for table in strips:
        counts = np.bincount([len(words.split()) for words in table.column("words")], minlength=6)
        assert counts[0] == 0
        assert (counts[1:] > len(table) / 7).all()
        assert {word for words in table.column("words") for word in words.split()} == set(WORDS)
        for strip, words in zip(table.column("strip")[:200], table.column("words")[:200], strict=True):
            inked = np.flatnonzero(strip.any(0))
            assert strip.shape == (8, 40)
            assert 200 < strip.max() <= 255
            assert len(words.split()) * 8 - 7 <= inked[-1] - inked[0] + 1 <= len(words.split()) * 8
    starts = [int(np.flatnonzero(strip.any(0))[0]) for strip in strips.test.column("strip")]
    assert set(starts) >= set(range(1, 32))


def test_strips_are_the_same_every_time(strips):
    again = digit_strips().valid
    assert again.column("words") == strips.valid.column("words")
    np.testing.assert_array_equal(again.column("strip"), strips.valid.column("strip"))


def test_the_nearest_strip_answers():
    known = {"strip": [np.zeros((8, 8)), np.full((8, 8), 5), np.full((8, 8), 9)], "words": ["zero", "five", "nine"]}
    asked = {"strip": [np.full((8, 8), 6), np.full((8, 8), 7), np.full((8, 8), 100)], "words": ["five", "five", "zero"]}
    image = {"kind": "image", "size": "8x8", "channels": 1, "features": 2}
    text = {"kind": "text", "min_count": 1, "metrics": ["exact_match"]}
    fields = elman.train(known, input={"strip": image}, target={"words": text}, hidden=2, epochs=1, quiet=True,
                         data={"valid_fraction": 0.0, "test_fraction": 0.0}).fields  # fmt: skip

    tables = Tables(Table(known, "train"), None, Table(asked, "test"))

    assert scores_of_answers("nearest", tables, fields) == {"exact_match": pytest.approx(2 / 3)}  # 7 is as near to 9
    asked["words"] = ["five", "five", "nine"]
    assert scores_of_answers("nearest", tables._replace(test=Table(asked, "test")), fields) == {"exact_match": 1.0}


@pytest.mark.parametrize("shape", [(8, 40), (8, 40, 1), (30, 20, 3), (30, 20, 4), (4, 400)])
def test_captions_are_drawn_and_what_is_wrong_is_red(shape):
    pictures = [np.random.default_rng(0).integers(0, 17, shape) for _ in range(2)]
    right, wrong = (
        np.asarray(
            Pillow.open(io.BytesIO(draw_captions(pictures, ["$one", "two"], [first, "two"]))).convert("RGB"), int
        )
        for first in ("$one", "six")
    )

    def red(picture: np.ndarray) -> int:
        return int(((picture[:, :, 0] > 150) & (picture[:, :, 1] < 90) & (picture[:, :, 2] < 90)).sum())

    assert red(wrong) > red(right) + 50


def test_no_picture_has_no_captions():
    with pytest.raises(ElmanError, match="the pictures must be one or more, got none"):
        draw_captions([], [], [])
