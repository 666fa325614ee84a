"""The CMU Pronouncing Dictionary: English words and how they are spoken in North America."""

import re

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables
from elman.recipes.datasets.shared.splits import fixed_split

DICTIONARY: PublicFile = github(
    "cmudict/cmudict.dict",
    "cmusphinx/cmudict",
    "0f8072f814306c5ee4fbf992ed853601b12c01f9",
    "cmudict.dict",
    "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
)
ENTRY = re.compile(r"([a-z'-]+)(?:\(\d+\))? ([A-Z0-9 ]+?)(?: #.*)?")  # word(variant) phonemes # comment
VALID, TEST = 0.02, 0.1


def cmudict() -> Tables:
    """Columns `word` and `phonemes`, a list of ARPAbet symbols without stress; 2 % of the words for validation,
    10 % for test.

    A word with several pronunciations has a row for each, all in one split. Words consist of lower-case letters,
    apostrophes and hyphens; 127 entries with dots, which are abbreviations, are left out.

    Raises:
        DataError: the file is not available.
    """
    words, spoken = map(list, zip(*dict.fromkeys(_entries()), strict=True))
    table = Table({"word": words, "phonemes": [phonemes.split() for phonemes in spoken]}, "cmudict")
    return fixed_split(table, VALID, TEST, words)


def first_pronunciations() -> dict[str, str]:
    """Word -> its first pronunciation: ARPAbet symbols without stress, separated by spaces.

    Raises:
        DataError: the file is not available.
    """
    return dict(reversed(_entries()))  # the first entry of a word comes last and stays


def _entries() -> list[tuple[str, str]]:
    """Words and their pronunciations, a pair for each, in the order of the dictionary."""
    entries = map(ENTRY.fullmatch, fetch(DICTIONARY).read_text(encoding="utf-8").splitlines())
    return [(entry.group(1), re.sub(r"\d", "", entry.group(2))) for entry in entries if entry]
