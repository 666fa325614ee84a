"""CTC decoding: likelihoods, texts and alignments are those of brute force over all paths."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from elman.decoding import ctc
from elman.decoding.ctc import align, greedy, least_steps, log_likelihood, prefix_beam, read_path
from elman.errors import ArgumentError

RANDOM = np.random.default_rng(0)


def random_logs(steps: int, symbols: int, sharp: float = 1.0) -> np.ndarray:
    scores = sharp * RANDOM.standard_normal((steps, symbols))
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def all_texts(logs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every text, summed path by path."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(logs.shape[1]), repeat=len(logs)):
        text = tuple(read_path(path))
        found[text] = found.get(text, 0.0) + math.exp(sum(logs[t, symbol] for t, symbol in enumerate(path)))
    return found


SMALL = [(steps, symbols, sharp) for steps in (1, 2, 4, 6) for symbols in (2, 3, 4) for sharp in (0.5, 3.0)]


@pytest.mark.parametrize(("steps", "symbols", "sharp"), SMALL)
def test_the_likelihood_is_the_sum_over_all_paths(steps, symbols, sharp):
    logs = random_logs(steps, symbols, sharp)

    for text, chance in all_texts(logs).items():
        assert math.exp(log_likelihood(logs, text)) == pytest.approx(chance, rel=1e-9)
        assert least_steps(text) <= steps


@pytest.mark.parametrize(("steps", "symbols", "sharp"), SMALL)
def test_a_wide_enough_prefix_beam_finds_the_likeliest_text(steps, symbols, sharp):
    logs = random_logs(steps, symbols, sharp)

    chances = all_texts(logs)

    assert chances[tuple(prefix_beam(logs, 5000))] == pytest.approx(max(chances.values()), rel=1e-9)


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_no_prefix_beam_is_less_likely_than_the_likeliest_path(width):
    better = 0
    for _ in range(100):
        logs = random_logs(8, 4, 1.0)
        found, plain = log_likelihood(logs, prefix_beam(logs, width)), log_likelihood(logs, greedy(logs))
        assert found >= plain
        better += found > plain + 1e-9
    assert better  # or the search finds nothing of its own


def test_the_likeliest_path_is_read_without_its_blanks_and_repeats():
    logs = np.log(np.eye(3)[[0, 1, 1, 0, 1, 2, 2, 0]] * 0.9 + 0.03)

    assert greedy(logs) == prefix_beam(logs, 4) == [1, 1, 2]


@pytest.mark.parametrize(("steps", "symbols", "sharp"), [case for case in SMALL if case[0] > 1])
def test_symbols_stand_where_the_likeliest_path_of_their_text_has_them(steps, symbols, sharp):
    logs = random_logs(steps, symbols, sharp)

    for text in all_texts(logs):
        places = align(logs, text)
        paths = [path for path in product(range(symbols), repeat=steps) if tuple(read_path(path)) == text]
        best = max(paths, key=lambda path: sum(logs[t, symbol] for t, symbol in enumerate(path)))
        assert len(places) == len(text)
        ours = [0] * steps
        for symbol, (begin, end) in zip(text, places, strict=True):
            ours[begin:end] = [symbol] * (end - begin)
        assert ours == list(best)


def test_a_beam_of_no_prefix_is_refused():
    with pytest.raises(ArgumentError, match="beam must be at least 1"):
        prefix_beam(np.zeros((2, 2)), 0)


def test_a_row_without_steps_reads_as_nothing():
    none = np.zeros((0, 4))

    assert greedy(none) == prefix_beam(none, 3) == align(none, []) == []
    assert log_likelihood(none, []) == 0
    assert log_likelihood(none, [1]) == -math.inf


@pytest.mark.parametrize("sharp", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("steps", [1, 2, 7, 60, 500])
def test_the_likelihood_is_that_of_torch(steps, sharp):
    for seed in range(20):
        random = np.random.default_rng(seed)
        logs = random_logs(steps, 6, sharp)
        symbols = random.integers(1, 6, random.integers(0, steps + 2))
        lengths = torch.tensor([steps]), torch.tensor([len(symbols)])
        loss = torch.nn.functional.ctc_loss(
            torch.from_numpy(logs)[:, None], torch.from_numpy(symbols)[None], *lengths, 0, "none"
        )

        found = log_likelihood(logs, symbols)

        assert found == pytest.approx(-float(loss), rel=1e-12, abs=1e-9)
        assert (found == -math.inf) == (least_steps(symbols) > steps)


def test_the_prefix_beam_finds_the_same_with_many_symbols_as_by_sorting_all(monkeypatch):
    logs = [random_logs(12, 300, 2.0).round(1) for _ in range(20)]  # rounded, so that scores tie
    found = [prefix_beam(row, 6) for row in logs]

    def by_sorting(scores, width):
        best = np.argsort(-scores, kind="stable")[:width]
        return best[scores[best] > -np.inf]

    monkeypatch.setattr(ctc, "_best", by_sorting)

    assert [prefix_beam(row, 6) for row in logs] == found
