"""The English side of Tatoeba: distinct sentences, to learn which word comes next."""

from elman.data import Table
from elman.recipes.datasets.shared.splits import shared_out
from elman.recipes.datasets.tatoeba import HELD_OUT, sentence_pairs
from elman.training.datasets import Tables


def tatoeba_english() -> Tables:
    """Column `text`: 116,830 distinct sentences of any length; 2,000 validate and 2,000 test.

    Raises:
        DataError: the file cannot be had.
    """
    sentences = list(dict.fromkeys(english for english, _ in sentence_pairs()))
    share = HELD_OUT / len(sentences)
    return shared_out(Table({"text": sentences}, "tatoeba"), share, share)
