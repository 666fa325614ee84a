"""What the options of a search change in the scores of the next symbol: penalties, and symbols that are ruled out."""

import numpy as np

from elman.decoding.options import Decoding

NEVER = -np.inf  # the score of a symbol that is ruled out


def are_constrained(decoding: Decoding) -> bool:
    """Whether `constrained` changes any score."""
    return bool(
        decoding.repetition_penalty != 1
        or decoding.forbidden
        or decoding.no_repeat_ngram is not None
        or decoding.min_length
    )


def constrained(
    log_probabilities: np.ndarray, history: np.ndarray, generated: np.ndarray, end: int, decoding: Decoding
) -> np.ndarray:
    """The scores of the next symbol as `decoding` wants them, (N, V); -inf where a symbol is ruled out.

    Args:
        log_probabilities: (N, V), overwritten except where a repetition penalty needs them afterwards.
        history: (N, T), the symbols of the prompt and those generated since.
        generated: (N,), how many of them were generated.
        end: the symbol that ends a sequence.
        decoding: the options.
    """
    last_resort = log_probabilities[:, end].copy()
    scores = log_probabilities
    if decoding.repetition_penalty != 1:
        scores = log_probabilities.copy()
        penalized = np.take_along_axis(log_probabilities, history, 1) * decoding.repetition_penalty
        np.put_along_axis(scores, history, penalized.astype(scores.dtype), 1)
    if decoding.forbidden:
        scores[:, list(decoding.forbidden)] = NEVER
    if decoding.no_repeat_ngram is not None and history.shape[1] >= decoding.no_repeat_ngram:
        _rule_out_ngrams(scores, history, decoding.no_repeat_ngram)
    if decoding.min_length:
        scores[generated < decoding.min_length, end] = NEVER
    if decoding.no_repeat_ngram is not None or decoding.min_length:
        stuck = scores.max(1) == NEVER
        scores[stuck, end] = last_resort[stuck]
    return scores


def _rule_out_ngrams(scores: np.ndarray, history: np.ndarray, n: int) -> None:
    """Rule out each symbol that would complete an n-gram which the history (N, T) already has."""
    ngrams = np.lib.stride_tricks.sliding_window_view(history, n, axis=1)  # (N, windows, n)
    newest = history[:, None, history.shape[1] - n + 1 :]  # (N, 1, n - 1)
    rows, windows = np.nonzero((ngrams[..., :-1] == newest).all(-1))
    scores[rows, ngrams[rows, windows, -1]] = NEVER
