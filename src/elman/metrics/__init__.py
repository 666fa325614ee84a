"""Metrics of predictions. Rates are fractions; F1, BLEU and chrF are on the 0-100 scale."""

from elman.metrics.base import Metric
from elman.metrics.classes import accuracy, macro_f1, micro_f1
from elman.metrics.errors import cer, per, wer
from elman.metrics.forecasts import coverage, mase
from elman.metrics.likelihood import bits, nats, nll, perplexity, pinball
from elman.metrics.numbers import mae, mse
from elman.metrics.ranks import auc
from elman.metrics.spans import span_f1
from elman.metrics.texts import SIGNED, bleu, chrf, exact_match, signature, with_references

METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy, True),
    "macro_f1": Metric(macro_f1, True),
    "micro_f1": Metric(micro_f1, True),
    "span_f1": Metric(span_f1, True),
    "mse": Metric(mse, False),
    "mae": Metric(mae, False),
    "mase": Metric(mase, False),
    "coverage": Metric(coverage, True),
    "auc": Metric(auc, True),
    "nats": Metric(nats, False, from_loss=True),
    "bits": Metric(bits, False, from_loss=True),
    "nll": Metric(nll, False, from_loss=True),
    "perplexity": Metric(perplexity, False, from_loss=True),
    "pinball": Metric(pinball, False, from_loss=True),
    "bleu": Metric(bleu, True),
    "chrf": Metric(chrf, True),
    "exact_match": Metric(exact_match, True),
    "wer": Metric(wer, False),
    "cer": Metric(cer, False),
    "per": Metric(per, False),
}

__all__ = [
    "METRICS",
    "SIGNED",
    "Metric",
    "accuracy",
    "auc",
    "bits",
    "bleu",
    "cer",
    "chrf",
    "coverage",
    "exact_match",
    "macro_f1",
    "mae",
    "mase",
    "micro_f1",
    "mse",
    "nats",
    "nll",
    "per",
    "perplexity",
    "pinball",
    "signature",
    "span_f1",
    "wer",
    "with_references",
]
