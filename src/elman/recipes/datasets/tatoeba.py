"""Tatoeba (tatoeba.org, CC BY 2.0): English sentences and French translations by volunteers."""

import zipfile
from collections.abc import Sequence
from unicodedata import normalize

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables
from elman.recipes.datasets.shared.splits import fixed_split

ARCHIVE: PublicFile = github(
    "tatoeba-eng-fra/fra-eng.zip",
    "modelexlab/data",
    "adddaf33ac35572bcfeb421efec29435e7ea9332",
    "fra-eng.zip",
    "161c93f18da3a7e6df611ed961426613260de8af06ccf8c79c977afe5135ac44",
)
FILE = "fra-eng/fra.txt"
LONGEST = 12  # words, separated by white space
HELD_OUT = 2000  # groups of sentences for validation, and as many for test


def tatoeba() -> Tables:
    """Columns `english` and `french`: 160,254 pairs of at most 12 words a side; no sentence is in two splits.

    Pairs that share a sentence of either language stay together, and so do pairs that share one with these: 104,746
    groups, 2,000 each for validation and test. So no test sentence of either direction is in the training split, and
    all translations of a test sentence are rows of the test split: they are its references.

    Raises:
        DataError: the file is not available.
    """
    pairs = [pair for pair in sentence_pairs() if max(len(side.split()) for side in pair) <= LONGEST]
    groups = connected(pairs)
    fraction = HELD_OUT / len(set(groups))
    columns = {"english": [side for side, _ in pairs], "french": [side for _, side in pairs]}
    return fixed_split(Table(columns, "tatoeba"), fraction, fraction, groups)


def connected(pairs: Sequence[tuple[str, str]]) -> list[int]:
    """The group of each pair: one number for all pairs connected by shared sentences, on either side.

    Example:
        >>> connected([("Go.", "Va !"), ("Hi.", "Salut !"), ("Oh.", "Salut !"), ("Oh.", "Hé !"), ("Va !", "Allez !")])
        [0, 1, 1, 1, 4]
    """
    leaders = list(range(len(pairs)))  # for each pair an earlier pair of its group, or itself

    def first(pair: int) -> int:
        while leaders[pair] != pair:
            leaders[pair] = leaders[leaders[pair]]
            pair = leaders[pair]
        return pair

    seen: tuple[dict[str, int], dict[str, int]] = {}, {}  # the first pair of each sentence, by side
    for number, pair in enumerate(pairs):
        for side, known in zip(pair, seen, strict=True):
            one, other = sorted((first(known.setdefault(side, number)), first(number)))
            leaders[other] = one
    return [first(number) for number in range(len(pairs))]


def sentence_pairs() -> list[tuple[str, str]]:
    """All distinct pairs, in the order of the file: Unicode composed (NFC), white space as single plain spaces.

    The French sentences have no-break spaces of several widths before punctuation.
    """
    with zipfile.ZipFile(fetch(ARCHIVE)) as archive:
        lines = archive.read(FILE).decode("utf-8").removesuffix("\n").split("\n")
    sides = ([" ".join(normalize("NFC", side).split()) for side in line.split("\t")[:2]] for line in lines)
    return list(dict.fromkeys((english, french) for english, french in sides))
