"""Metrics of ranks: how well scores separate positives from negatives, for any threshold."""

from collections.abc import Sequence

import numpy as np


def auc(predicted: Sequence[float], true: Sequence[bool]) -> float:
    """The area under the ROC curve, true positive rate over false positive rate, 0 to 1 (Hanley & McNeil 1982).

    It is the fraction of pairs of a positive and a negative in which the positive has the higher score, a tie counted
    half; NaN if all are positive, or none.

    Example:
        >>> auc([0.9, 0.2, 0.2, 0.1], [True, True, False, False])
        0.875
    """
    scores, positive = np.asarray(predicted, np.float64), np.asarray(true, bool)
    order, counts = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    rank = (np.cumsum(counts) - (counts - 1) / 2)[order.reshape(-1)]  # from 1; equal scores have their mean rank
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    return float((rank[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
