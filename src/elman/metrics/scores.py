"""The scores of a network: its weighted loss and every metric of its predictions, by name."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.fields import Fields, Symbols, Target
from elman.metrics import METRICS, SIGNED, signature, with_references
from elman.types import Json


class Predictions:
    """The predictions of a network for one target, in the order of the rows, with their losses and true values.

    Args:
        rows: number of rows.
    """

    def __init__(self, rows: int) -> None:
        self.losses = np.zeros(rows)  # summed over a row's steps
        self.steps = np.zeros(rows, np.int64)  # number of losses in the sum
        self.predictions: list[Any] = [None] * rows
        self.probabilities: list[Any] = [None] * rows  # None without classes
        self.truth: list[Any] = [None] * rows
        self.keys: list[Any] = [None] * rows  # identifies the input, if rows with the same input are scored together

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """All rows of the parts, for metrics: without probabilities."""
        whole = cls(sum(len(part.losses) for part in parts))
        whole.losses = np.concatenate([part.losses for part in parts])
        whole.steps = np.concatenate([part.steps for part in parts])
        whole.predictions, whole.truth, whole.keys = (
            [value for part in parts for value in getattr(part, name)] for name in ("predictions", "truth", "keys")
        )
        return whole

    @property
    def loss(self) -> float:
        """The mean loss per step, in nats if it is a likelihood."""
        return float(self.losses.sum() / max(1, self.steps.sum()))


def wants_answers(fields: Fields) -> bool:
    """Whether any metric needs predictions; others follow from the loss alone."""
    return any(not from_loss(metric) for field in fields.targets.values() for metric in field.metrics)


def scores_of(predictions: Mapping[str, Predictions], fields: Fields, answers: bool = True) -> dict[str, float]:
    """The weighted loss and every metric; without `answers` only those that follow from the loss."""
    scores = {"loss": sum(fields.weight(name) * predictions[name].loss for name, field in fields.targets.items())}
    for name, field in fields.targets.items():
        values = answer_scores(predictions[name], field, field.metrics) if answers else {}
        values |= {
            metric: METRICS[metric].score(predictions[name].loss) for metric in field.metrics if from_loss(metric)
        }
        scores |= {metric_name(fields, name, metric): values[metric] for metric in field.metrics if metric in values}
    return scores


def answer_scores(predictions: Predictions, field: Target, metrics: Sequence[str]) -> dict[str, float]:
    """Those of the given metrics that need predictions."""
    wanted = [metric for metric in metrics if not from_loss(metric)]
    predicted, true = _grouped(predictions, field) if wanted else ([], [])  # else there may be no predictions
    return {metric: METRICS[metric].score(predicted, true) for metric in wanted}


def from_loss(metric: str) -> bool:
    """Whether a metric follows from the loss alone."""
    return METRICS[metric].from_loss


def signatures_of(predictions: Mapping[str, Predictions], fields: Fields) -> dict[str, str]:
    """The signatures of BLEU and chrF, by metric as in `scores_of`; empty without these metrics."""
    signatures = {}
    for name, field in fields.targets.items():
        signed = [metric for metric in field.metrics if metric in SIGNED]
        references = [texts for _, texts in with_references(*_grouped(predictions[name], field))] if signed else []
        for metric in signed:
            signatures[metric_name(fields, name, metric)] = signature(metric, references)
    return signatures


def symbols_of(predictions: Mapping[str, Predictions], fields: Fields) -> int:
    """The number of scored symbols, ends included, of all targets that consist of symbols."""
    symbols = [name for name, field in fields.targets.items() if isinstance(field, Symbols)]
    return sum(int(predictions[name].steps.sum()) for name in symbols)


def _grouped(predictions: Predictions, field: Target) -> tuple[list[Any], list[Any]]:
    """Predicted and true values; if rows with the same input are scored together, one prediction and all true values of
    each input."""
    predicted, true = field.compared(predictions.predictions), field.compared(predictions.truth)
    if field.references != "all":
        return list(predicted), list(true)
    truths: dict[Hashable, list[Any]] = {}
    first: dict[Hashable, Any] = {}
    for key, prediction, truth in zip(predictions.keys, predicted, true, strict=True):
        truths.setdefault(key, []).append(truth)
        first.setdefault(key, prediction)
    return list(first.values()), list(truths.values())


def metric_name(fields: Fields, target: str, metric: str) -> str:
    """The name of a target's metric among the scores."""
    return metric if len(fields.targets) == 1 else f"{target}.{metric}"


def leading_metric(fields: Fields) -> str:
    """The metric that selects the best weights: the first one of the first target."""
    name, field = next(iter(fields.targets.items()))
    return metric_name(fields, name, field.metrics[0])


def finite(figures: Json) -> Json:
    """The figures with None in place of infinity and NaN, which JSON does not have."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}
