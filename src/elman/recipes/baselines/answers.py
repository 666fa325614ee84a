"""Answers without a network, which a network must beat: those of the most similar training row, and always the same."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.data import BadRows, encode, parse
from elman.errors import MissingExtraError
from elman.fields import Fields, Symbols
from elman.inference.batches import input_keys
from elman.metrics import METRICS
from elman.metrics.scores import Judged, answer_scores
from elman.training.datasets import Tables

TOGETHER = 500  # rows whose similarity to all training rows is in memory at once
MOST_TRIED = 50  # frequent targets among which the best constant answer is looked for

Merit = Callable[[list[Any]], float]  # of answers to the test rows: their first metric, signed so that more is better


def scores_of_answers(kind: str, tables: Tables, fields: Fields) -> dict[str, float]:
    """The figures of one of `ANSWERS` on the test rows: those metrics that look at answers.

    They are on the scale of a network's: of the same rows, against the same truths, with the same references.

    Args:
        kind: a name of `ANSWERS`.
        tables: with a test part.
        fields: one input and one target, that is written or a class, fitted.
    """
    ((input, _),), ((target, field),) = fields.inputs.items(), fields.targets.items()
    assert tables.test is not None
    truth: Callable[[Any], Any] = field.truth if isinstance(field, Symbols) else lambda value: value
    train = parse(tables.train, fields, BadRows(skip=True)).values
    kept, test = encode(parse(tables.test, fields, BadRows(skip=True)), fields, BadRows(skip=True))
    judged = Judged(len(test))
    judged.truth = list(map(truth, kept.values[f"target.{target}"]))
    judged.keys = input_keys(fields, test, np.arange(len(test)))

    def score(answers: list[Any], metrics: Sequence[str] = field.metrics) -> dict[str, float]:
        judged.predictions = answers
        return answer_scores(judged, field, metrics)

    def merit(answers: list[Any]) -> float:
        metric = next(name for name in field.metrics if not METRICS[name].from_loss)
        figure = score(answers, [metric])[metric]
        return figure if METRICS[metric].higher_is_better else -figure

    targets = list(map(truth, train[f"target.{target}"]))
    known, asked = (list(side[f"input.{input}"]) for side in (train, kept.values))
    return score(ANSWERS[kind](known, targets, asked, merit))


def nearest(known: list[Any], targets: list[Any], asked: list[Any], merit: Merit) -> list[Any]:
    """The target of the training row whose input is most like.

    Of texts that is the largest cosine of TF-IDF vectors over words and pairs of words, or where inputs are one word,
    over their letters, one to three at a time; of arrays the smallest Euclidean distance, where
    those of another length than the longest known one are stretched to it.
    """
    if known and isinstance(known[0], np.ndarray):
        return [targets[row] for row in _nearest_arrays(known, asked)]
    return _nearest_texts(list(map(_as_text, known)), targets, list(map(_as_text, asked)))


def _nearest_arrays(known: list[np.ndarray], asked: list[np.ndarray]) -> list[int]:
    """The row of `known` that is nearest to each of `asked`, the first of equally near ones."""
    steps = max(map(len, known))
    flat = np.stack([_stretched(one, steps) for one in known]).reshape(len(known), -1).astype(np.float32)
    squares = np.square(flat).sum(1)
    found: list[int] = []
    for begin in range(0, len(asked), TOGETHER):
        rows = [_stretched(one, steps) for one in asked[begin : begin + TOGETHER]]
        block = np.stack(rows).reshape(-1, flat.shape[1]).astype(np.float32)
        found += (squares - 2 * block @ flat.T).argmin(1).tolist()  # the square of the asked one is the same for all
    return found


def _stretched(array: np.ndarray, steps: int) -> np.ndarray:
    """An array (T, ...) as one of so many steps, each on the line between the two nearest."""
    if len(array) == steps:
        return array
    places = np.linspace(0, len(array) - 1, steps)
    low, share = places.astype(int), (places % 1).reshape(-1, *[1] * (array.ndim - 1))
    found: np.ndarray = array[low] * (1 - share) + array[np.minimum(low + 1, len(array) - 1)] * share
    return found


def _nearest_texts(known: list[str], targets: list[Any], asked: list[str]) -> list[Any]:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError:
        raise MissingExtraError("scikit-learn", "demo", "the most similar training row") from None
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


def constant(known: list[Any], targets: list[Any], asked: list[Any], merit: Merit) -> list[Any]:
    """The one answer to everything that scores best on the test rows, among the targets most frequent in training."""
    often = [value for value, _ in Counter(targets).most_common(MOST_TRIED)]
    return max(([value] * len(asked) for value in often), key=merit)


# A new answer is one function here and one line in this table.
ANSWERS: dict[str, Callable[..., list[Any]]] = {"nearest": nearest, "constant": constant}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(value)
