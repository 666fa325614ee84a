"""Connectionist temporal classification: symbols in their order, each at some of the steps that are read, or none."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.checks import check_range

BLANK = 0  # the id of "no symbol here"


def ctc_loss(logs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """-log p(symbols) of each row in nats, (B,) (Graves et al. 2006):

        p(symbols) = sum over the paths that read as them of the product over t of p(path_t)

    A path has a symbol or a blank at each step; it reads as its symbols, of which equal neighbours are one, less the
    blanks. Infinite where a row has fewer steps than `least_steps` of its symbols.

    Args:
        logs: (B, T, K) log-probabilities, finite in the padding too.
        lengths: (B,) real steps, 0 to T.
        targets: (B, S) ids of symbols; what stands in the padding is never read.
        target_lengths: (B,) real symbols, 0 to S.

    Example:
        >>> logs = torch.full((1, 2, 2), 0.5).log()
        >>> ctc_loss(logs, torch.tensor([2]), torch.tensor([[1]]), torch.tensor([1])).exp()
        tensor([1.3333])
    """
    some = lengths > 0
    real = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
    loss: Tensor = logs.new_zeros(len(logs)).masked_fill(~some & (target_lengths > 0), torch.inf)
    if not bool(some.any()):
        return loss + 0 * logs.sum()
    found = F.ctc_loss(
        logs[some].transpose(0, 1).float(),
        targets.masked_fill(~real, BLANK)[some],
        lengths[some],
        target_lengths[some],
        BLANK,
        "none",
    )
    return loss.masked_scatter(some, found.to(loss.dtype))


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


def log_likelihood(logs: np.ndarray, symbols: Sequence[int]) -> float:
    """log p(symbols) of one row: log-probabilities (T, K)."""
    row = torch.from_numpy(np.asarray(logs, np.float64))[None]
    if not len(logs):
        return 0.0 if not symbols else -np.inf
    lengths = torch.tensor([len(logs)]), torch.tensor([len(symbols)])
    targets = torch.tensor([list(symbols)], dtype=torch.long)
    loss = F.ctc_loss(row.transpose(0, 1), targets, *lengths, BLANK, "none")
    return -float(loss[0])


def greedy(logs: np.ndarray) -> list[int]:
    """What the likeliest path of one row reads as: log-probabilities (T, K) -> ids."""
    return read_path(logs.argmax(-1).tolist()) if len(logs) else []


def prefix_beam(logs: np.ndarray, width: int) -> list[int]:
    """The likeliest symbols of one row that a search over prefixes finds (Hannun et al. 2014, arXiv 1408.2873).

    A prefix holds the sum over all paths that read as it, of those that end with a blank and of the others apart; after
    each step the `width` likeliest prefixes are kept. With enough of them the answer is the likeliest of all. Never
    less likely than `greedy`: what is found is held against it by the exact sum.

    Args:
        logs: (T, K) log-probabilities.
        width: prefixes that are kept, at least 1.

    Raises:
        ArgumentError: no width.

    Example:
        >>> logs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))  # blank is likelier at each step
        >>> greedy(logs), prefix_beam(logs, 2)  # but one symbol, 0.64, is likelier than none, 0.36
        ([], [1])
    """
    check_range("CTC", "beam", width, low=1)
    prefixes: list[tuple[int, ...]] = [()]
    ended, open_ = np.zeros(1), np.full(1, -np.inf)  # (N,) of the paths that end with a blank, and of the others
    for step in np.asarray(logs, np.float64):
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
            if parent is not None:  # both ways lead to one prefix
                same[at] = np.logaddexp(same[at], longer[parent, prefix[-1]])
                longer[parent, prefix[-1]] = -np.inf
        blank = total + step[BLANK]
        scores = np.concatenate([np.logaddexp(blank, same), longer.ravel()])
        best = np.argsort(-scores, kind="stable")[:width]
        best = best[scores[best] > -np.inf]
        kept = [divmod(at - len(rows), len(step)) for at in best.tolist() if at >= len(rows)]
        stay = best[best < len(rows)]
        # Those that stay come first, which changes nothing: the order among prefixes plays no part.
        prefixes = [prefixes[at] for at in stay.tolist()] + [(*prefixes[at], symbol) for at, symbol in kept]
        ended = np.concatenate([blank[stay], np.full(len(kept), -np.inf)])
        open_ = np.concatenate([same[stay], [longer[at, symbol] for at, symbol in kept]])
    found, plain = list(prefixes[int(np.logaddexp(ended, open_).argmax())]), greedy(logs)
    if found == plain or log_likelihood(logs, found) >= log_likelihood(logs, plain):
        return found
    return plain


class Stretch(NamedTuple):
    """The steps at which a symbol stands: from `begin` up to `end`, which is not one of them."""

    begin: int
    end: int


def align(logs: np.ndarray, symbols: Sequence[int]) -> list[Stretch]:
    """Where each symbol stands on the likeliest path that reads as these symbols (Viterbi).

    Args:
        logs: (T, K) log-probabilities, T at least `least_steps`.
        symbols: ids, none of them blank.

    Example:
        >>> logs = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]))
        >>> align(logs, [1, 2])
        [Stretch(begin=1, end=3), Stretch(begin=3, end=4)]
    """
    if not len(symbols):
        return []
    states = np.full(2 * len(symbols) + 1, BLANK)  # blank, symbol, blank, symbol, ..., blank
    states[1::2] = symbols
    skips = np.zeros(len(states), bool)  # over the blank between two symbols that differ
    skips[3::2] = states[3::2] != states[1:-2:2]
    steps = np.asarray(logs, np.float64)[:, states]  # (T, 2 S + 1)
    best = np.full(len(states), -np.inf)
    best[:2] = steps[0, :2]
    came = np.zeros(steps.shape, np.int64)  # how many states before the one that it came from stands
    for t in range(1, len(steps)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        came[t] = ways.argmax(0)
        best = ways.max(0) + steps[t]
    state = len(states) - (1 if best[-1] > best[-2] else 2)
    path = [state]
    for t in range(len(steps) - 1, 0, -1):
        state -= int(came[t, state])
        path.append(state)
    at = np.array(path[::-1])
    found = (np.flatnonzero(at == 2 * index + 1) for index in range(len(symbols)))
    return [Stretch(int(where[0]), int(where[-1]) + 1) for where in found]
