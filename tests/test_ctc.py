"""CTC: likelihoods, answers and places are those of brute force over all paths, in any batch."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from elman.errors import ArgumentError
from elman.layers.ctc import align, ctc_loss, greedy, least_steps, log_likelihood, prefix_beam, read_path

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


def test_the_loss_of_a_row_does_not_depend_on_its_batch_or_its_padding():
    logs = torch.randn(4, 6, 5, dtype=torch.float64).log_softmax(-1)
    targets, lengths, sizes = torch.randint(1, 5, (4, 3)), torch.tensor([6, 3, 5, 0]), torch.tensor([3, 1, 2, 0])
    together = ctc_loss(logs, lengths, targets, sizes)

    for row in range(4):
        length, size = int(lengths[row]), int(sizes[row])
        alone = ctc_loss(logs[[row], :length], lengths[[row]], targets[[row], :size], sizes[[row]])
        assert alone.item() == pytest.approx(together[row].item(), abs=1e-6)
        assert alone.item() == pytest.approx(
            -log_likelihood(logs[row, :length].numpy(), targets[row, :size].tolist()), abs=1e-5
        )
    targets[0, 3:], targets[1, 1:], targets[2, 2:] = 4, 4, 4
    assert torch.equal(ctc_loss(logs, lengths, targets, sizes), together)


def test_a_row_without_steps_reads_as_nothing_and_as_nothing_else():
    logs, none = torch.zeros(2, 3, 4).log_softmax(-1), torch.tensor([0, 0])

    assert ctc_loss(logs, none, torch.ones(2, 1, dtype=torch.long), torch.tensor([0, 1])).tolist() == [0, math.inf]
    assert ctc_loss(logs[:, :0], none, torch.ones(2, 0, dtype=torch.long), none).tolist() == [0, 0]
    assert greedy(np.zeros((0, 4))) == prefix_beam(np.zeros((0, 4)), 3) == []
    assert log_likelihood(np.zeros((0, 4)), [1]) == -math.inf


def test_the_gradient_of_padding_is_zero():
    scores = torch.randn(2, 5, 3, requires_grad=True)
    loss = ctc_loss(scores.log_softmax(-1), torch.tensor([5, 2]), torch.tensor([[1, 2], [2, 0]]), torch.tensor([2, 1]))

    loss.sum().backward()

    assert scores.grad[1, 2:].abs().max() == 0
    assert scores.grad[1, :2].abs().max() > 0


def test_a_beam_of_no_prefix_is_refused():
    with pytest.raises(ArgumentError, match="beam must be at least 1"):
        prefix_beam(np.zeros((2, 2)), 0)
