"""What a written text adds to one that is read: the heads over its symbols, and the figures that it is scored by."""

from typing import Literal

from torch import nn

from elman.layers.heads import AdaptiveSoftmax, Projection, SampledSoftmax

SAMPLES = 1000  # symbols that a sampled softmax compares with
SCORES = ("bleu", "chrf", "exact_match", "wer", "per", "cer")

Softmax = Literal["full", "adaptive", "sampled"]
Score = Literal["bleu", "chrf", "exact_match", "wer", "per", "cer"]


def default_scores(level: str, spaced: bool) -> tuple[str, ...]:
    """What a text is scored by where nothing else is asked for."""
    if level in ("character", "byte"):
        return "cer", "exact_match"
    return ("wer", "exact_match") if spaced else ("bleu", "chrf", "exact_match")


def loss_scores(level: str) -> tuple[str, ...]:
    """The names of the mean loss: of a character or byte in nats and in bits, of a word as its perplexity."""
    return ("nats", "bits") if level in ("character", "byte") else ("perplexity",)


def make_head(softmax: Softmax, input_size: int, symbols: int, samples: int, size: int | None) -> nn.Module:
    """The module from features (N, H) to the logits or log-probabilities of all symbols, (N, V).

    Args:
        softmax: "full", "adaptive" or "sampled".
        input_size: H.
        symbols: V, by falling frequency.
        samples: of a sampled softmax.
        size: of the vectors that the head shares with an embedding; None: it shares none.
    """
    if softmax == "adaptive":
        return AdaptiveSoftmax(input_size, symbols)
    if softmax == "sampled":
        return SampledSoftmax(input_size, symbols, samples, size)
    return Projection(input_size, symbols, size)
