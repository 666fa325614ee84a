"""Labelled series are read as they were published, and told apart; a file that is none is one clear error."""

import numpy as np
import pytest

from elman.errors import DataError
from elman.recipes.baselines.answers import nearest
from elman.recipes.datasets import DATASETS
from elman.recipes.datasets.ucr import SETS, read_ts

# Rows of the official training and test parts, channels, classes, and the lengths of the shortest and longest series.
PUBLISHED = {
    "acsf1": (100, 100, 1, 10, (1460, 1460)),
    "arrow_head": (36, 175, 1, 3, (251, 251)),
    "basic_motions": (40, 40, 6, 4, (100, 100)),
    "gun_point": (50, 150, 1, 2, (150, 150)),
    "italy_power_demand": (67, 1029, 1, 2, (24, 24)),
    "japanese_vowels": (270, 370, 12, 9, (7, 29)),
    "osu_leaf": (200, 242, 1, 6, (427, 427)),
    "pickup_gesture": (50, 50, 1, 10, (29, 361)),
}


@pytest.mark.parametrize("name", SETS)
def test_the_sets_have_their_published_sizes_and_every_class_validates(name):
    train, valid, test = DATASETS[name]()
    rows, tests, channels, classes, lengths = PUBLISHED[name]
    series = [one for part in (train, valid, test) for one in part.column("series")]

    assert (len(train) + len(valid), len(test)) == (rows, tests)
    assert {one.shape[1] for one in series} == {channels}
    assert (min(map(len, series)), max(map(len, series))) == lengths
    for part in (train, valid, test):
        assert len(set(part.column("class"))) == classes
    assert not any(np.isnan(one).any() for one in series)


def test_a_row_holds_channels_and_a_class(tmp_path):
    file = tmp_path / "x.ts"
    file.write_text("# about\n@problemName x\n@data\n1,2,?:4,5,6:a\n\n7:8:b\n")
    table = read_ts(file)
    assert table.column("class") == ["a", "b"]
    np.testing.assert_array_equal(table.column("series")[0], [[1, 4], [2, 5], [np.nan, 6]])
    assert table.column("series")[1].tolist() == [[7, 8]]


@pytest.mark.parametrize("line", ["1,2:3:a", "1,x:a"])
def test_a_row_that_is_none_is_refused_with_its_place(tmp_path, line):
    file = tmp_path / "x.ts"
    file.write_text(f"@data\n1,2:a\n{line}\n")
    with pytest.raises(
        DataError, match=r"^x\.ts:3: a row must hold channels of numbers, all of one length, and a class"
    ):
        read_ts(file)
    with pytest.raises(DataError, match="must be one that can be read"):
        read_ts(tmp_path / "none.ts")


def test_the_nearest_series_is_found_whatever_its_length():
    known = [np.array([[0.0], [4.0]]), np.array([[4.0], [2.0], [0.0]])]
    asked = [np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([[4.0], [0.1]]), np.array([[9.0]])]
    assert nearest(known, ["up", "down"], asked, lambda _: 0.0) == ["up", "down", "up"]
