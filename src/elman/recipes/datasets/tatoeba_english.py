"""The English side of Tatoeba: distinct sentences, for next-word prediction."""

from elman.data import Table
from elman.data.layouts import Tables
from elman.recipes.datasets.shared.splits import fixed_split
from elman.recipes.datasets.tatoeba import HELD_OUT, sentence_pairs


def tatoeba_english() -> Tables:
    """Column `text`: 116,830 distinct sentences of any length; 2,000 each for validation and test.

    Raises:
        DataError: the file is not available.
    """
    sentences = list(dict.fromkeys(english for english, _ in sentence_pairs()))
    fraction = HELD_OUT / len(sentences)
    return fixed_split(Table({"text": sentences}, "tatoeba"), fraction, fraction)
