"""Baselines that answer without a network: the target of the nearest training row, and the best constant answer."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.data import BadRows, encode, parse
from elman.data.layouts import Tables
from elman.errors import MissingExtraError
from elman.fields import Fields, Symbols
from elman.inference.batches import input_keys
from elman.metrics import METRICS
from elman.metrics.scores import Predictions, answer_scores

BLOCK = 500  # rows whose similarity to all training rows is in memory at once
CANDIDATES = 50  # most frequent targets that are tried as a constant answer

Merit = Callable[[list[Any]], float]  # of answers to the test rows: their first metric, signed so that higher is better


def scores_of_answers(kind: str, tables: Tables, fields: Fields) -> dict[str, float]:
    """The figures of one of `ANSWERS` on the test rows: the metrics of answers.

    They are comparable with a network's: on the same rows, with the same targets and references.

    Args:
        kind: a name of `ANSWERS`.
        tables: with a test split.
        fields: fitted, with one input, and one target that is generated or a class.
    """
    ((input, _),), ((target, field),) = fields.inputs.items(), fields.targets.items()
    assert tables.test is not None
    truth: Callable[[Any], Any] = field.truth if isinstance(field, Symbols) else lambda value: value
    train = parse(tables.train, fields, BadRows(skip=True)).values
    kept, test = encode(parse(tables.test, fields, BadRows(skip=True)), fields, BadRows(skip=True))
    predictions = Predictions(len(test))
    predictions.truth = list(map(truth, kept.values[f"target.{target}"]))
    predictions.keys = input_keys(fields, test, np.arange(len(test)))

    def score(answers: list[Any], metrics: Sequence[str] = field.metrics) -> dict[str, float]:
        predictions.predictions = answers
        return answer_scores(predictions, field, metrics)

    def merit(answers: list[Any]) -> float:
        metric = next(name for name in field.metrics if not METRICS[name].from_loss)
        figure = score(answers, [metric])[metric]
        return figure if METRICS[metric].higher_is_better else -figure

    targets = list(map(truth, train[f"target.{target}"]))
    known, queries = (list(side[f"input.{input}"]) for side in (train, kept.values))
    return score(ANSWERS[kind](known, targets, queries, merit))


def nearest(known: list[Any], targets: list[Any], queries: list[Any], merit: Merit) -> list[Any]:
    """The target of the training row with the most similar input.

    Texts are compared by the cosine of TF-IDF vectors over words and pairs of words, or for single words over
    letter n-grams of one to three; arrays by their Euclidean distance, after linear interpolation to the length of the
    longest known one.
    """
    if known and isinstance(known[0], np.ndarray):
        return [targets[row] for row in _nearest_arrays(known, queries)]
    return _nearest_texts(list(map(_as_text, known)), targets, list(map(_as_text, queries)))


def _nearest_arrays(known: list[np.ndarray], queries: list[np.ndarray]) -> list[int]:
    """The nearest row of `known` for each of `queries`, the first of equally near ones."""
    steps = max(map(len, known))
    flat = np.stack([_resampled(one, steps) for one in known]).reshape(len(known), -1).astype(np.float32)
    squares = np.square(flat).sum(1)
    rows: list[int] = []
    for begin in range(0, len(queries), BLOCK):
        arrays = [_resampled(one, steps) for one in queries[begin : begin + BLOCK]]
        block = np.stack(arrays).reshape(-1, flat.shape[1]).astype(np.float32)
        rows += (squares - 2 * block @ flat.T).argmin(1).tolist()  # the square of the query is the same for all
    return rows


def _resampled(array: np.ndarray, steps: int) -> np.ndarray:
    """An array (T, ...) with `steps` steps, by linear interpolation."""
    if len(array) == steps:
        return array
    places = np.linspace(0, len(array) - 1, steps)
    low, fraction = places.astype(int), (places % 1).reshape(-1, *[1] * (array.ndim - 1))
    resampled: np.ndarray = array[low] * (1 - fraction) + array[np.minimum(low + 1, len(array) - 1)] * fraction
    return resampled


def _nearest_texts(known: list[str], targets: list[Any], queries: list[str]) -> list[Any]:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError:
        raise MissingExtraError("scikit-learn", "demo", "the most similar training row") from None
    words = any(" " in text for text in known[:100])
    tokens = (
        {"ngram_range": (1, 2), "token_pattern": r"\w+|[^\w\s]"}
        if words
        else {"analyzer": "char", "ngram_range": (1, 3)}
    )
    vectors = TfidfVectorizer(**tokens)
    matrix = vectors.fit_transform(known).T.tocsr()
    answers: list[Any] = []
    for begin in range(0, len(queries), BLOCK):
        similarity = vectors.transform(queries[begin : begin + BLOCK]) @ matrix
        answers += [targets[int(row.indices[row.data.argmax()]) if row.nnz else 0] for row in similarity]
    return answers


def constant(known: list[Any], targets: list[Any], queries: list[Any], merit: Merit) -> list[Any]:
    """The constant answer that scores best on the test rows, among the most frequent training targets."""
    frequent = [value for value, _ in Counter(targets).most_common(CANDIDATES)]
    return max(([value] * len(queries) for value in frequent), key=merit)


# A new baseline is one function here and one line in this table.
ANSWERS: dict[str, Callable[..., list[Any]]] = {"nearest": nearest, "constant": constant}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(value)
