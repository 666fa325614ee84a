"""Ranks: how well scores tell the true ones from the others, whatever the threshold."""

from collections.abc import Sequence

import numpy as np


def auc(predicted: Sequence[float], true: Sequence[bool]) -> float:
    """Share of the pairs of a true and a false one in which the true one's score is higher, a tie counted half, 0 to 1.

    The area under the curve of hits over false alarms (Hanley & McNeil 1982); not a number where all are true, or none.

    Example:
        >>> auc([0.9, 0.2, 0.2, 0.1], [True, True, False, False])
        0.875
    """
    scores, is_so = np.asarray(predicted, np.float64), np.asarray(true, bool)
    order, counts = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    rank = (np.cumsum(counts) - (counts - 1) / 2)[order.reshape(-1)]  # from 1; that of equal scores is their mean
    hits, others = int(is_so.sum()), int((~is_so).sum())
    if not hits or not others:
        return float("nan")
    return float((rank[is_so].sum() - hits * (hits + 1) / 2) / (hits * others))
