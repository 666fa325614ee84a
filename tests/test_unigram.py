"""Unigram sub-words: expectations by brute force, a likelihood that rises, the same result in every process."""

import subprocess
import sys

import numpy as np
import pytest

from elman.fields.text.unigram import CUT, _Lattice, unigram_scores

WORDS = {"abab": 5, "ab": 4, "abc": 2, "c": 1, "": 3}
TOKENS = ["a", "b", "c", "ab", "ba", "abc", "aba"]


def cuts(word: str) -> list[list[str]]:
    """Every way to cut a word into tokens."""
    if not word:
        return [[]]
    return [[token, *rest] for token in TOKENS if word.startswith(token) for rest in cuts(word[len(token) :])]


def test_likelihood_and_expectations_are_those_of_all_segmentations():
    chances = np.random.default_rng(0).dirichlet(np.ones(len(TOKENS)))
    lattice, counts = _Lattice([*WORDS], TOKENS), np.array([*WORDS.values()], float)
    expected = np.zeros(len(TOKENS))
    for word, count in WORDS.items():
        weights = [np.prod([chances[TOKENS.index(token)] for token in cut]) for cut in cuts(word)]
        for cut, weight in zip(cuts(word), weights, strict=True):
            for token in cut:
                expected[TOKENS.index(token)] += count * weight / sum(weights)
        assert lattice.likelihood(chances)[[*WORDS].index(word)] == pytest.approx(sum(weights), rel=1e-12)

    np.testing.assert_allclose(lattice.expected(chances, counts), expected, rtol=1e-12)


def test_fewer_sub_words_give_the_lattice_of_those():
    kept = np.array([0, 1, 2, 5])
    fewer, anew = _Lattice([*WORDS], TOKENS).without(kept), _Lattice([*WORDS], [TOKENS[index] for index in kept])
    chances, counts = np.array([0.3, 0.3, 0.1, 0.3]), np.array([*WORDS.values()], float)
    assert np.array_equal(fewer.expected(chances, counts), anew.expected(chances, counts))


def test_what_words_have_in_common_is_kept_and_every_letter():
    letters = list("abcdefgilnorstuwyz")
    words = {f"{stem}{ending}": 3 for stem in ("read", "lift", "burn") for ending in ("", "ing", "er", "s")}
    scores = unigram_scores(words, letters, most=len(letters) + 6)
    assert set(letters) <= scores.keys()
    assert {"read", "lift", "burn"} <= scores.keys()
    assert len(scores) == len(letters) + 6
    assert max(scores.values()) < 0


def test_long_words_and_letters_that_never_stand_have_finite_scores():
    scores = unigram_scores({"ab" * 5 * CUT: 2, "b": 1}, ["a", "b", "z"], most=5)
    assert np.isfinite([*scores.values()]).all()
    assert scores["z"] < scores["b"]
    assert unigram_scores({}, ["a", "b"], most=5).keys() == {"a", "b"}


def test_every_process_learns_the_same():
    program = (
        "from elman.fields import Text; field = Text('x', tokenizer='unigram', max_vocabulary=320);"
        "field.fit([f'the lower newest widest number{n % 7} lowest' for n in range(200)]); print(field.learned())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert "merges" not in runs[0].stdout
    assert len(runs[0].stdout) > 2000
