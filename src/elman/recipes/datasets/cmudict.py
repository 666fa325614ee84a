"""The CMU Pronouncing Dictionary: English words and how they are spoken in North America."""

import re

from elman.data import Source, Table, fetch, github
from elman.recipes.datasets.shared.splits import shared_out
from elman.training.datasets import Tables

DICTIONARY: Source = github(
    "cmudict/cmudict.dict",
    "cmusphinx/cmudict",
    "0f8072f814306c5ee4fbf992ed853601b12c01f9",
    "cmudict.dict",
    "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
)
ENTRY = re.compile(r"([a-z'-]+)(?:\(\d+\))? ([A-Z0-9 ]+?)(?: #.*)?")  # word(variant) phonemes # comment
VALID, TEST = 0.02, 0.1


def cmudict() -> Tables:
    """Columns `word` and `phonemes`, a list of ARPAbet symbols without stress: 2 % of the words validate, 10 % test.

    A word that is spoken in several ways has a row for each, all in one part. Words are spelled in small letters,
    apostrophes and hyphens; 127 entries with dots, which are abbreviations, are left out.

    Raises:
        DataError: the file cannot be had.
    """
    words, spoken = map(list, zip(*dict.fromkeys(_entries()), strict=True))
    table = Table({"word": words, "phonemes": [phonemes.split() for phonemes in spoken]}, "cmudict")
    return shared_out(table, VALID, TEST, words)


def first_pronunciations() -> dict[str, str]:
    """By word how it is spoken, the first way that is listed: ARPAbet symbols without stress, a space between two.

    Raises:
        DataError: the file cannot be had.
    """
    return dict(reversed(_entries()))  # the first of a word comes last, and stays


def _entries() -> list[tuple[str, str]]:
    """Words and how they are spoken, a pair for each way, in the order of the dictionary."""
    found = map(ENTRY.fullmatch, fetch(DICTIONARY).read_text(encoding="utf-8").splitlines())
    return [(entry.group(1), re.sub(r"\d", "", entry.group(2))) for entry in found if entry]
