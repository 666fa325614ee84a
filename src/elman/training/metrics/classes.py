"""Classes: of a row, or of each step of one."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any


def accuracy(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Share of rows whose class is right, 0 to 1; where a row is a list of labels, share of the labels.

    Example:
        >>> accuracy(["a", "b"], ["a", "a"]), accuracy([["O", "B"], ["O"]], [["O", "B"], ["B"]])
        (0.5, 0.6666666666666666)
    """
    said, is_so = flat(predicted, true)
    hits: int = sum(p == t for p, t in zip(said, is_so, strict=True))
    return hits / len(is_so)


def macro_f1(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean over the classes of F1 = 2 hits / (2 hits + false alarms + misses), 0 to 100.

    The classes are those that were predicted or are true in some row, as in scikit-learn; where a row is a list of
    labels, each label counts as a row.

    Example:
        >>> macro_f1(["a", "b", "b"], ["a", "b", "a"])
        66.66666666666666
    """
    said, is_so = flat(predicted, true)
    hits = Counter(t for p, t in zip(said, is_so, strict=True) if p == t)
    total = Counter(said) + Counter(is_so)  # in the order of the rows, so that sums are the same in every process
    return 100 * sum(2 * hits[label] / count for label, count in total.items()) / len(total)


def flat(predicted: Sequence[Any], true: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The labels of all rows, one after the other, where rows are lists of labels; else the rows."""
    if not all(isinstance(row, (list, tuple)) for row in true):
        return predicted, true
    pairs = list(zip(predicted, true, strict=True))
    if any(len(p) != len(t) for p, t in pairs):
        raise ValueError("each row must have as many labels predicted as true")
    return list(chain.from_iterable(p for p, _ in pairs)), list(chain.from_iterable(t for _, t in pairs))
