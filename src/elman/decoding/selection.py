"""The best symbols by their scores: of each hypothesis, or of all hypotheses of a group together."""

import numpy as np

BLOCK = 16  # symbols of which only the highest is partitioned at first, a power of 2
CHUNK = 1 << 17  # scores that are worked on at a time, few enough to stay in a processor's cache
MODERATE = 40.0  # where the highest logit is within this, float32 holds the sum of powers as it is


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """log sum over v of exp(logits_v) of each row, (N, V) -> (N,): what makes log-probabilities of logits."""
    rows, size = logits.shape
    shift = logits[np.arange(rows), logits.argmax(1)]
    shift[np.abs(shift) < MODERATE] = 0  # row by row, so that a row's sum does not depend on its batch
    sums = np.empty_like(shift)
    step = max(1, CHUNK // size)
    scratch = np.empty((min(step, rows), size), logits.dtype)
    for begin in range(0, rows, step):
        part = logits[begin : begin + step]
        powers = scratch[: len(part)]
        if shift[begin : begin + step].any():
            part = np.subtract(part, shift[begin : begin + step, None], out=powers)
        np.exp(part, out=powers)
        np.einsum("nv->n", powers, out=sums[begin : begin + step])  # several times faster than `sum`
    found: np.ndarray = shift + np.log(sums)
    return found


def highest(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k highest scores of each row, (N, V) -> (N, k), falling, and their symbols; of equal ones the first leads."""
    if k == 1:
        symbols = scores.argmax(1)[:, None]
        return np.take_along_axis(scores, symbols, 1), symbols
    rows, size = scores.shape
    blocks = size // BLOCK
    if blocks < 2 * k:
        return _partitioned(scores, k)
    # They are in the blocks whose highest are highest, or after the last block: few are left to be sorted. A block's
    # symbols lie `blocks` apart, so that all blocks are compared at once.
    best = np.argpartition(_block_highest(scores, blocks), blocks - k, 1)[:, blocks - k :]
    few = (np.arange(BLOCK)[:, None] * blocks + best[:, None, :]).reshape(rows, BLOCK * k)
    rest = np.arange(blocks * BLOCK, size)
    if len(rest):
        few = np.concatenate([few, np.broadcast_to(rest, (rows, len(rest)))], 1)
    few.sort(1)
    found, at = _partitioned(scores[np.arange(rows)[:, None], few], k)
    return found, np.take_along_axis(few, at, 1)


def _block_highest(scores: np.ndarray, blocks: int) -> np.ndarray:
    """The highest score of each block, (N, V) -> (N, blocks): symbols `blocks` apart, `BLOCK` of them, make one."""
    rows, half = len(scores), blocks * BLOCK // 2
    found = np.empty((rows, blocks), scores.dtype)
    step = max(1, CHUNK // (2 * half))
    scratch = np.empty((min(step, rows), half), scores.dtype)
    for begin in range(0, rows, step):
        part = scores[begin : begin + step]
        folded, width = scratch[: len(part)], half
        np.maximum(part[:, :half], part[:, half : 2 * half], out=folded)
        while width > blocks:
            width //= 2
            np.maximum(folded[:, :width], folded[:, width : 2 * width], out=folded[:, :width])
        found[begin : begin + step] = folded[:, :blocks]
    return found


def _partitioned(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """As `highest`, by a partition of the whole row."""
    size = scores.shape[1]
    at = np.argpartition(scores, size - k, 1)[:, size - k :] if k < size else np.tile(np.arange(size), (len(scores), 1))
    at = -np.sort(-at, 1)
    found = np.take_along_axis(scores, at, 1)
    # Sorted upwards and turned: a NaN, which must be seen, then leads, and of equal scores the first symbol.
    order = np.argsort(found, 1, kind="stable")[:, ::-1]
    return np.take_along_axis(found, order, 1), np.take_along_axis(at, order, 1)


def best_continuations(
    scores: np.ndarray, totals: np.ndarray, groups: np.ndarray, capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best continuations of all hypotheses of a group together, as many as the group has capacity for.

    Args:
        scores: (N, V) of the next symbol.
        totals: (N,) of the hypotheses so far.
        groups: (N,), the group of each hypothesis, sorted.
        capacity: (groups,) continuations that each group may have, at least 1 for those in `groups`.

    Returns: parents (M,) and symbols (M,), sorted by group.
    """
    most = int(capacity[groups].max())
    found, symbols = highest(scores, min(most, scores.shape[1]))  # of one hypothesis no more can be among the best
    found = found + totals[:, None]
    sizes = np.bincount(groups)
    sizes = sizes[sizes > 0]
    first = np.cumsum(sizes) - sizes
    group = np.repeat(np.arange(len(sizes)), sizes)
    table = np.full((len(sizes), int(sizes.max()), found.shape[1]), -np.inf, found.dtype)
    table[group, np.arange(len(groups)) - first[group]] = found
    table = table.reshape(len(sizes), -1)
    best, at = _partitioned(table, min(most, table.shape[1]))
    within = np.arange(best.shape[1]) < capacity[groups[first]][:, None]
    # Not `best > -inf`: a NaN must be kept, so that it is seen.
    which, column = np.nonzero(within & (best != -np.inf))
    parents, place = np.divmod(at[which, column], found.shape[1])
    parents += first[which]
    return parents, symbols[parents, place]
