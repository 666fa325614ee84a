"""The options of a text field, checked against each other."""

from collections.abc import Sequence
from typing import Protocol

from elman.checks import check_choice, check_fraction, check_range, fail, shown
from elman.errors import ConfigError
from elman.fields.text.scores import SCORES

TOKENIZERS = ("word", "character", "byte", "bpe", "unigram")
SUBWORDS = ("bpe", "unigram")
LEAST_SUBWORDS = 300  # there are 256 bytes, and the specials
CHOICES = {
    "tokenizer": TOKENIZERS,
    "split": ("word", "space"),
    "vectors_words": ("training", "all"),
    "characters": ("none", "bilstm", "cnn"),
    "softmax": ("full", "adaptive", "sampled"),
    "references": ("one", "all"),
}
RATES = ("dropout", "word_dropout", "vector_dropout", "label_smoothing")
COUNTS = ("min_count", "embedding", "longest", "samples")


class TextOptions(Protocol):
    """The options of a text field, see `Text`."""

    @property
    def name(self) -> str: ...
    @property
    def tokenizer(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def min_count(self) -> int | None: ...
    @property
    def max_vocabulary(self) -> int | None: ...
    @property
    def vectors(self) -> str | None: ...
    @property
    def vectors_words(self) -> str: ...
    @property
    def tune(self) -> bool: ...
    @property
    def characters(self) -> str: ...
    @property
    def softmax(self) -> str: ...
    @property
    def samples(self) -> int | None: ...
    @property
    def tied(self) -> bool: ...
    @property
    def label_smoothing(self) -> float: ...
    @property
    def scores(self) -> Sequence[str] | None: ...


def check_text_options(field: TextOptions) -> None:
    """Refuse options that are out of range, or contradict each other.

    Raises:
        ArgumentError: out of range.
        ConfigError: a contradiction.
    """
    for option, choices in CHOICES.items():
        check_choice(field.name, option, getattr(field, option), choices)
    for score in field.scores or ():
        check_choice(field.name, "metrics", score, SCORES)
    for option in RATES:
        check_fraction(field.name, option, getattr(field, option))
    for option in COUNTS:
        if getattr(field, option) is not None:
            check_range(field.name, option, getattr(field, option), low=1)
    if field.max_vocabulary is not None:
        low = LEAST_SUBWORDS if field.tokenizer in SUBWORDS else 3
        check_range(field.name, "max_vocabulary", field.max_vocabulary, low=low)
    _check_tokenizer(field)
    if field.vectors is None and (field.vectors_words == "all" or not field.tune):
        _refuse(field, "vectors", "name a file where vectors_words or tune is set", "none")
    if field.samples is not None and field.softmax != "sampled":
        _refuse(field, "samples", 'be left out unless softmax is "sampled"', str(field.samples))
    if field.softmax == "adaptive" and field.tied:
        _refuse(field, "softmax", "be full or sampled where tied is set", shown(field.softmax))
    if field.softmax != "full" and field.label_smoothing:
        _refuse(field, "softmax", "be full where label_smoothing is set", shown(field.softmax))


def _check_tokenizer(field: TextOptions) -> None:
    """Options that only some tokenizers have."""
    if field.tokenizer == "byte" and (field.min_count or field.max_vocabulary) is not None:
        must = "be left out with the tokenizer byte, which has all 256 bytes"
        option = "max_vocabulary" if field.min_count is None else "min_count"
        _refuse(field, option, must, str(field.min_count or field.max_vocabulary))
    if field.tokenizer in SUBWORDS and field.min_count is not None:
        must = f"be left out with the tokenizer {field.tokenizer}, which knows every text"
        _refuse(field, "min_count", must, str(field.min_count))
    if field.tokenizer == "word":
        return
    if field.vectors is not None:
        _refuse(field, "tokenizer", 'be "word" where vectors are given', shown(field.tokenizer))
    if field.split != "word":
        _refuse(field, "tokenizer", f'be "word" where split is {field.split!r}', shown(field.tokenizer))
    if field.characters != "none":
        _refuse(field, "tokenizer", 'be "word" where characters are read inside words', shown(field.tokenizer))


def _refuse(field: TextOptions, option: str, must: str, got: str) -> None:
    fail(f"column {field.name!r}", option, must, got, error=ConfigError)
