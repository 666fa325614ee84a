"""The scores of a network: its weighted loss, and every metric of its answers, by name."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.fields import Fields, Symbols, Target
from elman.metrics import METRICS, SIGNED, signature, with_references
from elman.types import Json


class Judged:
    """What a network makes of one target, in the order of the rows.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        self.losses = np.zeros(rows)  # summed over a row's steps
        self.steps = np.zeros(rows, np.int64)  # how many losses that is
        self.predictions: list[Any] = [None] * rows
        self.probabilities: list[Any] = [None] * rows  # None where there are no classes
        self.truth: list[Any] = [None] * rows
        self.keys: list[Any] = [None] * rows  # what tells inputs apart, where rows of one input belong together

    @classmethod
    def joined(cls, parts: Sequence["Judged"]) -> "Judged":
        """All of these rows, for metrics: without probabilities."""
        whole = cls(sum(len(part.losses) for part in parts))
        whole.losses = np.concatenate([part.losses for part in parts])
        whole.steps = np.concatenate([part.steps for part in parts])
        whole.predictions, whole.truth, whole.keys = (
            [value for part in parts for value in getattr(part, name)] for name in ("predictions", "truth", "keys")
        )
        return whole

    @property
    def loss(self) -> float:
        """The mean, in nats where it is a likelihood."""
        return float(self.losses.sum() / max(1, self.steps.sum()))


def wants_answers(fields: Fields) -> bool:
    """Whether a metric looks at answers; what is only gone on with is scored by its loss alone."""
    return any(not from_loss(metric) for field in fields.targets.values() for metric in field.metrics)


def scores_of(judged: Mapping[str, Judged], fields: Fields, answers: bool = True) -> dict[str, float]:
    """The weighted loss, and every metric; without answers those that follow from the loss."""
    scores = {"loss": sum(field.weight * judged[name].loss for name, field in fields.targets.items())}
    for name, field in fields.targets.items():
        found = answer_scores(judged[name], field, field.metrics) if answers else {}
        found |= {metric: METRICS[metric].score(judged[name].loss) for metric in field.metrics if from_loss(metric)}
        scores |= {metric_name(fields, name, metric): found[metric] for metric in field.metrics if metric in found}
    return scores


def answer_scores(judged: Judged, field: Target, metrics: Sequence[str]) -> dict[str, float]:
    """Those of these metrics of a target that look at its answers."""
    wanted = [metric for metric in metrics if not from_loss(metric)]
    predicted, true = _held_together(judged, field) if wanted else ([], [])  # without one nobody asked for answers
    return {metric: METRICS[metric].score(predicted, true) for metric in wanted}


def from_loss(metric: str) -> bool:
    """Whether a metric is made of the loss alone."""
    return METRICS[metric].from_loss


def signatures_of(judged: Mapping[str, Judged], fields: Fields) -> dict[str, str]:
    """How BLEU and chrF were counted, by metric as in `scores_of`; empty where there are none."""
    signatures = {}
    for name, field in fields.targets.items():
        signed = [metric for metric in field.metrics if metric in SIGNED]
        references = [texts for _, texts in with_references(*_held_together(judged[name], field))] if signed else []
        for metric in signed:
            signatures[metric_name(fields, name, metric)] = signature(metric, references)
    return signatures


def symbols_of(judged: Mapping[str, Judged], fields: Fields) -> int:
    """How many symbols were scored, ends included, of all targets that are written in symbols."""
    written = [name for name, field in fields.targets.items() if isinstance(field, Symbols)]
    return sum(int(judged[name].steps.sum()) for name in written)


def _held_together(judged: Judged, field: Target) -> tuple[list[Any], list[Any]]:
    """Answers and truths; where rows of one input belong together, one answer and all the truths of each input."""
    predictions, true = field.compared(judged.predictions), field.compared(judged.truth)
    if field.references != "all":
        return list(predictions), list(true)
    truths: dict[Hashable, list[Any]] = {}
    first: dict[Hashable, Any] = {}
    for key, prediction, truth in zip(judged.keys, predictions, true, strict=True):
        truths.setdefault(key, []).append(truth)
        first.setdefault(key, prediction)
    return list(first.values()), list(truths.values())


def metric_name(fields: Fields, target: str, metric: str) -> str:
    """What a metric of a target is called among the scores."""
    return metric if len(fields.targets) == 1 else f"{target}.{metric}"


def leading_metric(fields: Fields) -> str:
    """The metric that decides which weights are best: the first of the first target."""
    name, field = next(iter(fields.targets.items()))
    return metric_name(fields, name, field.metrics[0])


def finite(figures: Json) -> Json:
    """The figures with None for what is infinite or not a number, which JSON cannot say."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}
