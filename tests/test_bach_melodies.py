"""The melodies of Bach's chorales: parts that share no tune, keys and first notes that fit."""

from importlib.util import find_spec
from itertools import combinations, pairwise

import pytest

from elman.recipes.datasets import bach_melodies
from elman.recipes.datasets.bach_melodies import SHARED, tunes


def test_tunes_that_share_intervals_anywhere_are_one_also_by_way_of_others():
    assert tunes([[1, 2, 3], [5, 5], [9, 2, 3, 4], [3, 4], [5, 5, 1]], shared=2) == ["0", "1", "0", "0", "1"]
    assert tunes([[1], [1]], shared=2) == ["0", "1"]


@pytest.mark.skipif(find_spec("music21") is None, reason="needs the scores in music21")
def test_no_part_shares_twelve_intervals_with_training_and_training_is_in_every_key():
    from elman.media.music.pitches import parse_pitch

    def runs(melody: list) -> set[tuple[int, ...]]:
        pitches = [parse_pitch(pitch) for pitch, _ in melody if pitch != "rest"]
        steps = [after - before for before, after in pairwise(pitches)]
        return {tuple(steps[at : at + SHARED]) for at in range(len(steps) - SHARED + 1)}

    parts = bach_melodies()
    known = [set().union(*map(runs, part.column("melody"))) for part in parts]
    assert [bool(one & other) for one, other in combinations(known, 2)] == [False] * 3
    keys = parts.train.column("key")
    assert [len(set(keys[at : at + 12])) for at in range(0, len(keys), 12)] == [12] * (len(keys) // 12)
    for part in parts:
        assert part.column("first") == [melody[0][0] for melody in part.column("melody")]
        assert len(part) >= 30
