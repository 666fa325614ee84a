"""The tags of a linear-chain conditional random field: the best path of each row, and the marginals of every step."""

import numpy as np

from elman.checks import check_shape, fail


def viterbi(
    scores: np.ndarray,
    lengths: np.ndarray,
    start: np.ndarray,
    transitions: np.ndarray,
    end: np.ndarray,
    allowed: np.ndarray | None = None,
    allowed_first: np.ndarray | None = None,
) -> tuple[list[list[int]], np.ndarray]:
    """The best allowed path of each row (Viterbi 1967) and its score:

        s(y) = start[y_0] + sum_t scores[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_last]

    Of tags that are as good as one another the first is taken, from the row's end on.

    Args:
        scores: (B, T, K) of each tag at each step; the padding is never read.
        lengths: (B,) integers, real steps of each row, 0 to T.
        start: (K,) of a row's first tag.
        transitions: (K, K), from row to column.
        end: (K,) of a row's last tag.
        allowed: (K, K) booleans, which transitions a path may take; None: all.
        allowed_first: (K,) booleans, which tags a path may begin with; None: all.

    Returns: the paths, one list of tags per row, and their scores (B,); of a row without steps [] and 0.

    Raises:
        ArgumentError: shapes that do not fit, lengths out of range.

    Example:
        >>> scores = np.array([[[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]])
        >>> zeros = np.zeros(3)
        >>> paths, best = viterbi(scores, np.array([2]), zeros, np.zeros((3, 3)), zeros)
        >>> paths, best.tolist()
        ([[1, 0]], [5.0])
    """
    scores, lengths = _real(scores, lengths, start, transitions, end)
    _check("allowed", allowed, "K K", len(start))
    _check("allowed_first", allowed_first, "K", len(start))
    rows, steps, tags = scores.shape
    if steps == 0:
        return [[] for _ in range(rows)], np.zeros(rows, scores.dtype)
    into = transitions if allowed is None else np.where(allowed, transitions, -np.inf).astype(transitions.dtype)
    first = start if allowed_first is None else np.where(allowed_first, start, -np.inf).astype(start.dtype)
    columns = np.ascontiguousarray(scores.transpose(1, 2, 0))  # (T, K, B): the long axis last
    best = np.empty_like(columns)
    best[0] = first[:, None] + columns[0]
    moves = np.empty((tags, tags, rows), scores.dtype)  # from, to, row
    for t in range(1, steps):
        # Only differences between tags count here: without the highest, long rows lose no digits.
        before = best[t - 1] - best[t - 1].max(0)
        np.add(before[:, None], into[:, :, None], out=moves)
        moves.max(0, out=best[t])
        best[t] += columns[t]
    row = np.arange(rows)
    last = np.maximum(lengths - 1, 0)
    tag = (best[last, :, row] + end).argmax(1)
    path = np.repeat(tag[:, None], steps, 1)
    back = np.ascontiguousarray(into.T)  # to row, from column
    for t in range(steps - 1, 0, -1):
        tag = np.where(t < lengths, (best[t - 1].T + back[tag]).argmax(1), tag)
        path[:, t - 1] = tag
    found = [tags[:length] for tags, length in zip(path.tolist(), lengths.tolist(), strict=True)]
    return found, _path_score(scores, path, lengths, start, transitions, end)


def marginals(
    scores: np.ndarray, lengths: np.ndarray, start: np.ndarray, transitions: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """The probability of every tag at every step over all paths (forward-backward), (B, T, K); zeros in the padding.

    Each path y has the probability exp s(y) / sum over all paths y' of exp s(y'), see `viterbi` for s and for the args:

        a_0 = start + scores_0,   a_t = scores_t + log sum over i of exp(a_(t-1, i) + transitions_i)

    and so from the end back; at each step the two sums, less the step's own score, are a softmax away from the answer
    (Rabiner 1989, "A tutorial on hidden Markov models"). In float64; the highest of each step is taken off on the way,
    so that long rows lose no digits.

    Raises:
        ArgumentError: shapes that do not fit, lengths out of range.

    Example:
        >>> scores = np.log(np.array([[[0.2, 0.8], [0.5, 0.5]]]))
        >>> marginals(scores, np.array([2]), np.zeros(2), np.zeros((2, 2)), np.zeros(2)).round(3).tolist()
        [[[0.2, 0.8], [0.5, 0.5]]]
    """
    scores, lengths = _real(scores.astype(np.float64), lengths, start, transitions, end)
    rows, steps, _ = scores.shape
    if steps == 0:
        return scores
    turned = _turned(lengths, steps)  # (B, T), the steps of each row from its end back
    row = np.arange(rows)[:, None]
    before = _path_sums(scores, start, transitions)
    after = _path_sums(scores[row, turned], end, transitions.T)[row, turned]
    logits = before + after - scores
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    real = np.arange(steps) < lengths[:, None]
    found: np.ndarray = np.where(real[..., None], powers / powers.sum(-1, keepdims=True), 0)
    return found


def _path_sums(scores: np.ndarray, first: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """log of the sum over the paths that lead to each step and tag, less the highest of the step, (B, T, K).

    The sum is a product with exp(transitions) once the highest is taken off, many times faster than powers of
    (B, K, K). Where that might lose a term that counts, the step is done in logarithms.
    """
    top = transitions.max()
    weights = np.exp(transitions.astype(np.float64) - top)
    found = np.empty_like(scores)
    reached = first + scores[:, 0]
    for t in range(scores.shape[1]):
        if t:
            before = found[:, t - 1]
            sums = np.exp(before) @ weights
            if sums.min(initial=1) > SAFE:
                reached = np.log(sums) + (scores[:, t] + top)
            else:
                reached = np.logaddexp.reduce(before[:, :, None] + transitions, 1) + scores[:, t]
        found[:, t] = reached - reached.max(-1, keepdims=True)
    return found


# Terms of a sum above this that are too small for a float64, below e^-708, are lost in it anyway.
SAFE = 1e-200


def _path_score(
    scores: np.ndarray,
    path: np.ndarray,
    lengths: np.ndarray,
    start: np.ndarray,
    transitions: np.ndarray,
    end: np.ndarray,
) -> np.ndarray:
    """s(y) of each row's path (B, T), (B,); 0 for a row without steps."""
    rows, steps, _ = scores.shape
    gains = np.take_along_axis(scores, path[..., None], 2)[..., 0]
    gains[:, 0] += start[path[:, 0]]
    gains[:, 1:] += transitions[path[:, :-1], path[:, 1:]]
    real = np.arange(steps) < lengths[:, None]
    last = path[np.arange(rows), np.maximum(lengths - 1, 0)]
    total: np.ndarray = np.where(real, gains, 0).sum(1) + np.where(lengths > 0, end[last], 0)
    return total


def _turned(lengths: np.ndarray, steps: int) -> np.ndarray:
    """The real steps of each row in reverse, the padding where it is, (B, T)."""
    at = np.arange(steps)
    return np.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)


def _real(
    scores: np.ndarray, lengths: np.ndarray, start: np.ndarray, transitions: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with zeros in the padding, and the lengths as int64."""
    tags = len(start)
    check_shape("CRF", "scores", scores.shape, "B T K", K=tags)
    check_shape("CRF", "lengths", lengths.shape, "B", B=len(scores))
    for name, array, shape in (("start", start, "K"), ("transitions", transitions, "K K"), ("end", end, "K")):
        _check(name, array, shape, tags)
    steps = scores.shape[1]
    if lengths.dtype.kind not in "iu":
        fail("CRF", "lengths", "be integers", str(lengths.dtype))
    if len(lengths) and not (lengths.min() >= 0 and lengths.max() <= steps):
        fail("CRF", "lengths", f"lie between 0 and T = {steps}", str(lengths.tolist()))
    real = np.arange(steps) < lengths[:, None]
    return np.where(real[..., None], scores, np.zeros((), scores.dtype)), lengths.astype(np.int64)


def _check(name: str, array: np.ndarray | None, shape: str, tags: int) -> None:
    if array is not None:
        check_shape("CRF", name, array.shape, shape, K=tags)
