"""Classes: of a row, of each step of one, or any number of them a row.

A row is a class; a list of labels, one a step, where None is a true label that is not known and so is not scored; or a
set of classes.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any


def accuracy(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Share of rows whose class, or whole set of classes, is right, 0 to 1; of lists of labels, share of the labels.

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
    labels, each label counts as a row. 0 where there are none at all, because all sets are empty.

    Example:
        >>> macro_f1(["a", "b", "b"], ["a", "b", "a"]), macro_f1([{"a"}, {"b"}], [{"a", "b"}, {"b"}])
        (66.66666666666666, 83.33333333333333)
    """
    hits, total = _counted(predicted, true)
    return 100 * sum(2 * hits[label] / count for label, count in total.items()) / len(total) if total else 0.0


def micro_f1(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """F1 = 2 hits / (2 hits + false alarms + misses), counted over all classes together, 0 to 100; 0 without any.

    Where each row has one class it is 100 times the accuracy.

    Example:
        >>> micro_f1([{"a"}, {"b", "c"}], [{"a", "b"}, {"b"}])
        66.66666666666667
    """
    hits, total = _counted(predicted, true)
    return 100 * 2 * hits.total() / total.total() if total else 0.0


def _counted(predicted: Sequence[Any], true: Sequence[Any]) -> tuple[Counter[Any], Counter[Any]]:
    """How often each class is both predicted and true; how often it is either, twice where it is both."""
    said, is_so = flat(predicted, true)
    if all(isinstance(row, (set, frozenset)) for row in is_so):
        hits = Counter(label for p, t in zip(said, is_so, strict=True) for label in p & t)
        return hits, Counter(label for row in chain(said, is_so) for label in sorted(row, key=str))
    # Here and there in the order of the rows, so that sums are the same in every process.
    return Counter(t for p, t in zip(said, is_so, strict=True) if p == t), Counter(said) + Counter(is_so)


def flat(predicted: Sequence[Any], true: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The labels that are known, of all rows one after the other, where rows are lists of labels; else the rows."""
    if not all(isinstance(row, (list, tuple)) for row in true):
        return predicted, true
    pairs = list(zip(predicted, true, strict=True))
    if any(len(p) != len(t) for p, t in pairs):
        raise ValueError("each row must have as many labels predicted as true")
    known = [(said, label) for p, t in pairs for said, label in zip(p, t, strict=True) if label is not None]
    return [said for said, _ in known], [label for _, label in known]
