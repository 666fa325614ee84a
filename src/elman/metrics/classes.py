"""Metrics of classes: one per row, one per step, or a set per row.

A row is a class; a list of labels, one per step, where a true label of None is unknown and not scored; or a set of
classes.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any


def accuracy(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Fraction of rows with the correct class, or exactly the correct set of classes, 0 to 1; for lists of labels, the
    fraction of correct labels.

    Example:
        >>> accuracy(["a", "b"], ["a", "a"]), accuracy([["O", "B"], ["O"]], [["O", "B"], ["B"]])
        (0.5, 0.6666666666666666)
    """
    labels, truth = flat(predicted, true)
    correct: int = sum(p == t for p, t in zip(labels, truth, strict=True))
    return correct / len(truth)


def macro_f1(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Mean over the classes of F1 = 2 TP / (2 TP + FP + FN), 0 to 100, of true positives, false positives and false
    negatives.

    The classes are those that are predicted or true in some row, as in scikit-learn; if a row is a list of labels, each
    label counts as a row. 0 if there are no classes, because all sets are empty.

    Example:
        >>> macro_f1(["a", "b", "b"], ["a", "b", "a"]), macro_f1([{"a"}, {"b"}], [{"a", "b"}, {"b"}])
        (66.66666666666666, 83.33333333333333)
    """
    correct, total = _counted(predicted, true)
    return 100 * sum(2 * correct[label] / count for label, count in total.items()) / len(total) if total else 0.0


def micro_f1(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """F1 = 2 TP / (2 TP + FP + FN), counted over all classes together, 0 to 100; 0 without classes.

    If each row has one class, it is 100 times the accuracy.

    Example:
        >>> micro_f1([{"a"}, {"b", "c"}], [{"a", "b"}, {"b"}])
        66.66666666666667
    """
    correct, total = _counted(predicted, true)
    return 100 * 2 * correct.total() / total.total() if total else 0.0


def _counted(predicted: Sequence[Any], true: Sequence[Any]) -> tuple[Counter[Any], Counter[Any]]:
    """By class the true positives TP, and 2 TP + FP + FN: how often it is predicted plus how often it is true."""
    labels, truth = flat(predicted, true)
    if all(isinstance(row, (set, frozenset)) for row in truth):
        correct = Counter(label for p, t in zip(labels, truth, strict=True) for label in p & t)
        return correct, Counter(label for row in chain(labels, truth) for label in sorted(row, key=str))
    # In both cases in the order of the rows, so that sums are the same in every process.
    return Counter(t for p, t in zip(labels, truth, strict=True) if p == t), Counter(labels) + Counter(truth)


def flat(predicted: Sequence[Any], true: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The known labels of all rows in one list, if rows are lists of labels; else the rows."""
    if not all(isinstance(row, (list, tuple)) for row in true):
        return predicted, true
    pairs = list(zip(predicted, true, strict=True))
    if any(len(p) != len(t) for p, t in pairs):
        raise ValueError("each row must have as many labels predicted as true")
    known = [pair for p, t in pairs for pair in zip(p, t, strict=True) if pair[1] is not None]
    return [label for label, _ in known], [label for _, label in known]
