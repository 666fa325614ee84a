"""The metrics by which a generated text is scored."""

from typing import Literal

SCORES = ("bleu", "chrf", "exact_match", "wer", "per", "cer")

Score = Literal["bleu", "chrf", "exact_match", "wer", "per", "cer"]


def default_scores(tokenizer: str, spaced: bool) -> tuple[str, ...]:
    """What a text is scored by where nothing else is asked for."""
    if tokenizer in ("character", "byte"):
        return "cer", "exact_match"
    return ("wer", "exact_match") if spaced else ("bleu", "chrf", "exact_match")


def loss_scores(tokenizer: str) -> tuple[str, ...]:
    """The names of the mean loss: of a character or byte in nats and in bits, of a word as its perplexity."""
    return ("nats", "bits") if tokenizer in ("character", "byte") else ("perplexity",)
