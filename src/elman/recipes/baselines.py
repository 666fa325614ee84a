"""Answers without a network, which a network must beat: those of the most similar training row, and always the same."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from elman.errors import MissingExtraError
from elman.fields import Fields, Target
from elman.parts import Tables
from elman.training.metrics import METRICS
from elman.types import Json

TOGETHER = 500  # rows whose similarity to all training rows is in memory at once
MOST_TRIED = 50  # frequent targets among which the best constant answer is looked for


def scores_of_answers(kind: str, tables: Tables, fields: Fields) -> Json:
    """The figures of one of `ANSWERS` on the test rows: those metrics that need answers only.

    Args:
        kind: a name of `ANSWERS`.
        tables: with a test part.
        fields: one input and one target, fitted.
    """
    ((input, _),), ((target, field),) = fields.inputs.items(), fields.targets.items()
    assert tables.test is not None
    train, test = tables.train, tables.test
    answers = ANSWERS[kind](train.column(input), train.column(target), test.column(input), test.column(target), field)
    return _scores(answers, list(test.column(input)), list(test.column(target)), field)


def nearest(known: list[Any], targets: list[Any], asked: list[Any], truth: list[Any], field: Target) -> list[Any]:
    """The target of the training row whose input is most like: cosine of TF-IDF vectors over words and pairs of words.

    Inputs that are one word are compared by their letters, one to three at a time.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError:
        raise MissingExtraError("scikit-learn", "demo", "the most similar training row") from None
    known, asked = [_as_text(value) for value in known], [_as_text(value) for value in asked]
    words = any(" " in text for text in known[:100])
    cut = (
        {"ngram_range": (1, 2), "token_pattern": r"\w+|[^\w\s]"}
        if words
        else {"analyzer": "char", "ngram_range": (1, 3)}
    )
    vectors = TfidfVectorizer(**cut)
    matrix = vectors.fit_transform(known).T.tocsr()
    found: list[Any] = []
    for begin in range(0, len(asked), TOGETHER):
        likeness = vectors.transform(asked[begin : begin + TOGETHER]) @ matrix
        found += [targets[int(row.indices[row.data.argmax()]) if row.nnz else 0] for row in likeness]
    return found


def constant(known: list[Any], targets: list[Any], asked: list[Any], truth: list[Any], field: Target) -> list[Any]:
    """The one answer to everything that scores best on the test rows, among the targets most frequent in training."""
    often = [value for value, _ in Counter(map(_hashable, targets)).most_common(MOST_TRIED)]
    metric = next(name for name in field.metrics if not METRICS[name].from_loss)
    sign = 1 if METRICS[metric].higher_is_better else -1
    best = max(often, key=lambda value: sign * _scores([value] * len(asked), asked, truth, field)[metric])
    return [best] * len(asked)


# A new answer is one function here and one line in this table.
ANSWERS: dict[str, Callable[..., list[Any]]] = {"nearest": nearest, "constant": constant}


def _scores(answers: list[Any], asked: list[Any], truth: list[Any], field: Target) -> Json:
    """Figures by metric, as `elman.training.score` has them."""
    said, right = [_read(value) for value in answers], [_read(value) for value in truth]
    if field.references == "all":
        groups: dict[str, list[int]] = {}
        for row, value in enumerate(asked):
            groups.setdefault(_as_text(value), []).append(row)
        said = [said[rows[0]] for rows in groups.values()]
        right = [[right[row] for row in rows] for rows in groups.values()]
    return {name: METRICS[name].score(said, right) for name in field.metrics if not METRICS[name].from_loss}


def _as_text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple | np.ndarray) else str(value)


def _read(value: Any) -> Any:
    """A target as answers have it: tokens as one text."""
    return _as_text(value) if isinstance(value, list | tuple | np.ndarray) else value


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | np.ndarray) else value
