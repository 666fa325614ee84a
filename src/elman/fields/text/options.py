"""The options of a text field, held against each other."""

from typing import TYPE_CHECKING

from elman.checks import check_choice, check_range, check_share, fail, shown
from elman.errors import ConfigError
from elman.fields.text.scores import SCORES

if TYPE_CHECKING:
    from elman.fields.text.field import Text

LEVELS = ("word", "character", "byte", "bpe", "unigram")
SUBWORDS = ("bpe", "unigram")
LEAST_SUBWORDS = 300  # there are 256 bytes, and the specials
CHOICES = {
    "level": LEVELS,
    "split": ("word", "space"),
    "vectors_words": ("training", "all"),
    "characters": ("none", "bilstm", "cnn"),
    "softmax": ("full", "adaptive", "sampled"),
    "references": ("one", "all"),
}
SHARES = ("dropout", "word_dropout", "vector_dropout", "label_smoothing")
COUNTS = ("min_count", "embedding", "longest", "samples")


def check_text_options(field: "Text") -> None:
    """Refuse options that are out of range, or contradict each other.

    Raises:
        ArgumentError: out of range.
        ConfigError: a contradiction.
    """
    for option, choices in CHOICES.items():
        check_choice(field.name, option, getattr(field, option), choices)
    for score in field.scores or ():
        check_choice(field.name, "metrics", score, SCORES)
    for option in SHARES:
        check_share(field.name, option, getattr(field, option))
    for option in COUNTS:
        if getattr(field, option) is not None:
            check_range(field.name, option, getattr(field, option), low=1)
    if field.max_vocabulary is not None:
        low = LEAST_SUBWORDS if field.level in SUBWORDS else 3
        check_range(field.name, "max_vocabulary", field.max_vocabulary, low=low)
    _check_level(field)
    if field.vectors is None and (field.vectors_words == "all" or not field.tune):
        _refuse(field, "vectors", "name a file where vectors_words or tune is set", "none")
    if field.samples is not None and field.softmax != "sampled":
        _refuse(field, "samples", 'be left out unless softmax is "sampled"', str(field.samples))
    if field.softmax == "adaptive" and field.tied:
        _refuse(field, "softmax", "be full or sampled where tied is set", shown(field.softmax))
    if field.softmax != "full" and field.label_smoothing:
        _refuse(field, "softmax", "be full where label_smoothing is set", shown(field.softmax))


def _check_level(field: "Text") -> None:
    """What only some levels have."""
    if field.level == "byte" and (field.min_count or field.max_vocabulary) is not None:
        must = "be left out at the byte level, which has all 256 bytes"
        option = "max_vocabulary" if field.min_count is None else "min_count"
        _refuse(field, option, must, str(field.min_count or field.max_vocabulary))
    if field.level in SUBWORDS and field.min_count is not None:
        must = f"be left out at the {field.level} level, which knows every text"
        _refuse(field, "min_count", must, str(field.min_count))
    if field.level == "word":
        return
    if field.vectors is not None:
        _refuse(field, "level", 'be "word" where vectors are given', shown(field.level))
    if field.split != "word":
        _refuse(field, "level", f'be "word" where split is {field.split!r}', shown(field.level))
    if field.characters != "none":
        _refuse(field, "level", 'be "word" where characters are read inside words', shown(field.level))


def _refuse(field: "Text", option: str, must: str, got: str) -> None:
    fail(f"column {field.name!r}", option, must, got, error=ConfigError)
