"""Symbols from the steps of connectionist temporal classification (CTC): the best text, its likelihood, alignment."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from elman.checks import check_range

BLANK = 0  # the id of "no symbol here"


def least_steps(symbols: Sequence[int] | np.ndarray) -> int:
    """Steps that these symbols need: one each, and one for the blank between equal neighbours.

    Example:
        >>> least_steps([7, 7, 3])
        4
    """
    ids = np.asarray(symbols)
    return len(ids) + int((ids[1:] == ids[:-1]).sum())


def read_path(path: Sequence[int]) -> list[int]:
    """What a path reads as.

    Example:
        >>> read_path([0, 7, 7, 0, 7, 3])
        [7, 7, 3]
    """
    return [symbol for symbol, _ in groupby(path) if symbol != BLANK]


def log_likelihood(log_probabilities: np.ndarray, symbols: Sequence[int]) -> float:
    """log p(symbols) of one row, in nats, the sum over all paths that read as them (Graves et al. 2006):

        a_t(s) = log_probabilities[t, s] + log(exp a_(t-1)(s) + exp a_(t-1)(s - 1) + exp a_(t-1)(s - 2))

    over the states s: blank, symbol, blank, ..., symbol, blank; the last term only where it skips the blank between two
    symbols that differ. In float64.

    Args:
        log_probabilities: (T, K).
        symbols: ids, none of them blank; where they need more than T steps, see `least_steps`, the answer is -inf.

    Example:
        >>> logs = np.log(np.full((2, 2), 0.5))
        >>> round(log_likelihood(logs, [1]), 4) == round(float(np.log(0.75)), 4)
        True
    """
    if not len(log_probabilities):
        return 0.0 if not len(symbols) else -np.inf
    states, skips = _chain(symbols)
    steps = np.asarray(log_probabilities, np.float64)[:, states]  # (T, 2 S + 1)
    sums = np.full(len(states), -np.inf)
    sums[:2] = steps[0, :2]
    for step in steps[1:]:
        reached = sums.copy()
        reached[1:] = np.logaddexp(reached[1:], sums[:-1])
        reached[2:] = np.logaddexp(reached[2:], np.where(skips[2:], sums[:-2], -np.inf))
        sums = reached + step
    return float(np.logaddexp.reduce(sums[-2:]))


def greedy(log_probabilities: np.ndarray) -> list[int]:
    """What the most likely path of one row reads as: log-probabilities (T, K) -> ids."""
    return read_path(log_probabilities.argmax(-1).tolist()) if len(log_probabilities) else []


def prefix_beam(log_probabilities: np.ndarray, width: int) -> list[int]:
    """The most likely symbols of one row that a search over prefixes finds (Hannun et al. 2014, arXiv 1408.2873).

    A prefix holds the sum over all paths that read as it, those that end with a blank apart from the others; after each
    step the `width` most likely prefixes are kept. With enough of them the answer is the most likely of all. It is
    compared with that of `greedy` by the exact sum, and never less likely.

    Args:
        log_probabilities: (T, K).
        width: prefixes to keep, at least 1.

    Raises:
        ArgumentError: a width below 1.

    Example:
        >>> logs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))  # blank is more likely at each step
        >>> greedy(logs), prefix_beam(logs, 2)  # but one symbol, 0.64, is more likely than none
        ([], [1])
    """
    check_range("CTC", "beam", width, low=1)
    prefixes: list[tuple[int, ...]] = [()]
    ended, open_ = np.zeros(1), np.full(1, -np.inf)  # (N,) of the paths that end with a blank, and of the others
    for step in np.asarray(log_probabilities, np.float64):
        total = np.logaddexp(ended, open_)
        rows = np.arange(len(prefixes))
        last = np.array([prefix[-1] if prefix else BLANK for prefix in prefixes])
        longer = total[:, None] + step  # (N, K), by a symbol
        longer[rows, last] = ended + step[last]  # the same symbol again only after a blank
        longer[:, BLANK] = -np.inf
        same = np.where(last == BLANK, -np.inf, open_ + step[last])
        place = {prefix: at for at, prefix in enumerate(prefixes)}
        for at, prefix in enumerate(prefixes):
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:  # two paths lead to one prefix
                same[at] = np.logaddexp(same[at], longer[parent, prefix[-1]])
                longer[parent, prefix[-1]] = -np.inf
        blank = total + step[BLANK]
        scores = np.concatenate([np.logaddexp(blank, same), longer.ravel()])
        best = _best(scores, width)
        kept = [divmod(at - len(rows), len(step)) for at in best.tolist() if at >= len(rows)]
        stay = best[best < len(rows)]
        # Those that stay come first, which changes nothing: the order among prefixes plays no part.
        prefixes = [prefixes[at] for at in stay.tolist()] + [(*prefixes[at], symbol) for at, symbol in kept]
        ended = np.concatenate([blank[stay], np.full(len(kept), -np.inf)])
        open_ = np.concatenate([same[stay], [longer[at, symbol] for at, symbol in kept]])
    found, plain = list(prefixes[int(np.logaddexp(ended, open_).argmax())]), greedy(log_probabilities)
    if found == plain or log_likelihood(log_probabilities, found) >= log_likelihood(log_probabilities, plain):
        return found
    return plain


def _best(scores: np.ndarray, width: int) -> np.ndarray:
    """Where the highest scores (N,) are, up to `width`, falling, of equal ones the first; -inf never does."""
    limit = np.partition(scores, len(scores) - width)[len(scores) - width] if width < len(scores) else -np.inf
    best = np.flatnonzero((scores >= limit) & (scores > -np.inf))
    return best[np.argsort(-scores[best], kind="stable")][:width]


class Span(NamedTuple):
    """The steps that a symbol is aligned with: from `begin` up to `end`, which is not one of them."""

    begin: int
    end: int


def align(log_probabilities: np.ndarray, symbols: Sequence[int]) -> list[Span]:
    """Where each symbol is on the most likely path that reads as these symbols (Viterbi 1967).

    Args:
        log_probabilities: (T, K), T at least `least_steps`.
        symbols: ids, none of them blank.

    Example:
        >>> logs = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]))
        >>> align(logs, [1, 2])
        [Span(begin=1, end=3), Span(begin=3, end=4)]
    """
    if not len(symbols):
        return []
    states, skips = _chain(symbols)
    steps = np.asarray(log_probabilities, np.float64)[:, states]  # (T, 2 S + 1)
    best = np.full(len(states), -np.inf)
    best[:2] = steps[0, :2]
    came = np.zeros(steps.shape, np.int64)  # how many states before the one that it came from is
    for t in range(1, len(steps)):
        sources = np.full((3, len(states)), -np.inf)
        sources[0], sources[1, 1:] = best, best[:-1]
        sources[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        came[t] = sources.argmax(0)
        best = sources.max(0) + steps[t]
    state = len(states) - (1 if best[-1] > best[-2] else 2)
    path = [state]
    for t in range(len(steps) - 1, 0, -1):
        state -= int(came[t, state])
        path.append(state)
    at = np.array(path[::-1])
    found = (np.flatnonzero(at == 2 * index + 1) for index in range(len(symbols)))
    return [Span(int(where[0]), int(where[-1]) + 1) for where in found]


def _chain(symbols: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The states of a text, (2 S + 1,): blank, symbol, blank, ..., blank; and which may be reached over a blank."""
    states = np.full(2 * len(symbols) + 1, BLANK)
    states[1::2] = symbols
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    return states, skips
