"""The sub-words of a unigram language model, learned so that the same texts give the same ones."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from elman.fields.text.digamma import digamma

LONGEST = 16  # signs of a sub-word
CUT = 32  # signs of a word that are cut at once: the product of so many probabilities is a float64
SMALLEST = 1e-9  # probability of a sub-word, so that it is one
MOST_WORDS = 100_000  # distinct words, the most frequent, that are learned from
SEEDS = 5  # times the sub-words that are wanted, to begin with
KEPT = 0.75  # fraction of the sub-words that a round of pruning leaves
DIGITS = 4  # of the scores


def unigram_scores(words: Mapping[str, int], letters: Sequence[str], most: int) -> dict[str, float]:
    """Sub-words and the logarithms of their probabilities p (Kudo 2018, arXiv 1804.10959):

        P(word) = sum over its segmentations s of the product of p(x) over the sub-words x in s

    Expectation maximisation raises the likelihood of the words, with digamma in the place of the logarithm, which
    starves what is rare. Between its rounds go the sub-words without which the likelihood falls least:

        fall(x) = expected count of x * (log P(x) - log (P(x) - p(x)))

    where P(x) is that of x as a word. Kudo takes the best segmentation in the place of the sum.

    Args:
        words: how often each occurs in the training text.
        letters: sub-words of one sign that are kept in any case, all that words are made of.
        most: sub-words, at most, those of `letters` included.

    Example:
        >>> scores = unigram_scores({"abab": 5, "ab": 4, "c": 1}, ["a", "b", "c"], most=4)
        >>> max(scores, key=scores.get), len(scores)
        ('ab', 4)
    """
    often = sorted(words.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_WORDS]
    counts: Counter[str] = Counter()
    for word, count in often:
        for begin in range(0, len(word), CUT):
            counts[word[begin : begin + CUT]] += count
    tokens, seeds = _seeds(counts, letters, SEEDS * most)
    fixed = np.arange(len(tokens)) < len(letters)
    probabilities = seeds / seeds.sum()
    weights = np.array([*counts.values()], np.float64)
    lattice, own, rows = _Lattice([*counts], tokens), _Lattice(tokens, tokens), np.arange(len(tokens))
    while True:
        for _ in range(2):
            expected = lattice.expected(probabilities, weights)
            probabilities = _maximised(expected)
        if len(tokens) <= most:
            break
        whole = own.likelihood(probabilities)[rows]
        fall = expected * (np.log(whole) - np.log(np.maximum(whole - probabilities, SMALLEST**2)))
        fall[fixed] = np.inf
        left = max(most, int(KEPT * len(tokens)))
        kept = np.sort(np.argsort(-fall, kind="stable")[:left])
        tokens, fixed, probabilities, rows = (
            [tokens[index] for index in kept],
            fixed[kept],
            probabilities[kept],
            rows[kept],
        )
        lattice, own = lattice.without(kept), own.without(kept)
    return {
        token: round(float(np.log(probability)), DIGITS)
        for token, probability in zip(tokens, probabilities, strict=True)
    }


def _seeds(words: Mapping[str, int], letters: Sequence[str], most: int) -> tuple[list[str], np.ndarray]:
    """Letters, then the substrings that cover most of the text; and how many signs each covers, at least 1."""
    found: Counter[str] = Counter()
    for word, count in words.items():
        for begin in range(len(word)):
            for end in range(begin + 1, min(begin + LONGEST, len(word)) + 1):
                found[word[begin:end]] += count
    longer = [token for token, count in found.items() if len(token) > 1 and count > 1]
    longer.sort(key=lambda token: (-found[token] * len(token), token))
    tokens = [*letters, *longer[: max(0, most - len(letters))]]
    return tokens, np.array([max(1, found[token] * len(token)) for token in tokens], np.float64)


def _maximised(expected: np.ndarray) -> np.ndarray:
    """Probabilities from expected counts, (K,)."""
    counts = np.maximum(expected, SMALLEST)
    floored: np.ndarray = np.maximum(np.exp(digamma(counts) - digamma(counts.sum(keepdims=True))), SMALLEST)
    return floored


class _Lattice:
    """All ways to cut some words into sub-words: an edge for each that occurs in a word.

    A node is a place in a word. Nodes are numbered by their place first, so that those of one place, in all words, lie
    side by side, and a pass over the places is a pass over blocks.
    """

    def __init__(self, words: Sequence[str], tokens: Sequence[str]) -> None:
        known = {token: index for index, token in enumerate(tokens)}
        edges = [
            (row, begin, end, known[word[begin:end]])
            for row, word in enumerate(words)
            for begin in range(len(word))
            for end in range(begin + 1, min(begin + LONGEST, len(word)) + 1)
            if word[begin:end] in known
        ]
        self.lengths = np.array([len(word) for word in words], np.int64)
        self.rows, self.begins, self.ends, self.ids = np.array(edges, np.int64).reshape(-1, 4).T
        self.count = len(tokens)
        self._number()

    def _number(self) -> None:
        longest = int(self.lengths.max(initial=0))
        live = [np.flatnonzero(self.lengths >= place) for place in range(longest + 1)]
        self.starts = np.cumsum([0, *(len(rows) for rows in live)])
        node = np.zeros((longest + 1, len(self.lengths)), np.int64)
        for place, rows in enumerate(live):
            node[place, rows] = self.starts[place] + np.arange(len(rows))
        self.first, self.last = node[0], node[self.lengths, np.arange(len(self.lengths))]
        self.sources, self.goals = node[self.begins, self.rows], node[self.ends, self.rows]
        self.by_end = _blocks(self.ends, longest)
        self.by_begin = _blocks(self.begins, longest)

    def without(self, kept: np.ndarray) -> "_Lattice":
        """The same words cut into the sub-words that are kept only, numbered anew."""
        renamed = np.full(self.count, -1)
        renamed[kept] = np.arange(len(kept))
        ids = renamed[self.ids]
        left = ids >= 0
        other = object.__new__(_Lattice)
        other.lengths, other.count, other.ids = self.lengths, len(kept), ids[left]
        other.rows, other.begins, other.ends = self.rows[left], self.begins[left], self.ends[left]
        other._number()
        return other

    def likelihood(self, probabilities: np.ndarray) -> np.ndarray:
        """P of each word."""
        found: np.ndarray = self._forward(probabilities)[self.last]
        return found

    def expected(self, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """How often each sub-word is expected in the words, each of which occurs `weights` times, (K,)."""
        forward, backward = self._forward(probabilities), np.zeros(self.starts[-1])
        backward[self.last] = 1
        for place in range(len(self.by_begin) - 1, -1, -1):
            edges = self.by_begin[place]
            onward = probabilities[self.ids[edges]] * backward[self.goals[edges]]
            begin, end = self.starts[place : place + 2]
            backward[begin:end] += np.bincount(self.sources[edges] - begin, onward, end - begin)
        each = weights / forward[self.last]
        through = forward[self.sources] * probabilities[self.ids] * backward[self.goals] * each[self.rows]
        counted: np.ndarray = np.bincount(self.ids, through, self.count)
        return counted

    def _forward(self, probabilities: np.ndarray) -> np.ndarray:
        """The probability of what is before each node."""
        forward = np.zeros(self.starts[-1])
        forward[self.first] = 1
        for place, edges in enumerate(self.by_end):
            onward = forward[self.sources[edges]] * probabilities[self.ids[edges]]
            begin, end = self.starts[place : place + 2]
            forward[begin:end] += np.bincount(self.goals[edges] - begin, onward, end - begin)
        return forward


def _blocks(places: np.ndarray, longest: int) -> list[np.ndarray]:
    """The edges at each place from 0 to the longest."""
    order = np.argsort(places, kind="stable")
    return np.split(order, np.searchsorted(places[order], np.arange(1, longest + 1)))
