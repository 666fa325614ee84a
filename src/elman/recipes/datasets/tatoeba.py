"""Tatoeba (tatoeba.org, CC BY 2.0): English sentences and French translations by volunteers."""

import zipfile
from unicodedata import normalize

from elman.data import Source, Table, fetch, github
from elman.parts import Tables
from elman.recipes.datasets.shares import shared_out

ARCHIVE: Source = github(
    "tatoeba-eng-fra/fra-eng.zip",
    "modelexlab/data",
    "adddaf33ac35572bcfeb421efec29435e7ea9332",
    "fra-eng.zip",
    "161c93f18da3a7e6df611ed961426613260de8af06ccf8c79c977afe5135ac44",
)
FILE = "fra-eng/fra.txt"
LONGEST = 12  # words, which white space parts
HELD_OUT = 2000  # distinct English sentences for validation, and as many for the test


def tatoeba() -> Tables:
    """Columns `english` and `french`: 160,254 pairs of at most 12 words a side, shared out by English sentence.

    2,000 distinct sentences validate and 2,000 test, each with all of its translations as rows: they are references.

    Raises:
        DataError: the file cannot be had.
    """
    pairs = [pair for pair in sentence_pairs() if max(len(side.split()) for side in pair) <= LONGEST]
    english, french = [side for side, _ in pairs], [side for _, side in pairs]
    share = HELD_OUT / len(set(english))
    return shared_out(Table({"english": english, "french": french}, "tatoeba"), share, share, english)


def sentence_pairs() -> list[tuple[str, str]]:
    """All distinct pairs, in the order of the file: Unicode composed (NFC), white space as single plain spaces.

    French has unbroken spaces of several widths before its signs.
    """
    with zipfile.ZipFile(fetch(ARCHIVE)) as archive:
        lines = archive.read(FILE).decode("utf-8").removesuffix("\n").split("\n")
    sides = ([" ".join(normalize("NFC", side).split()) for side in line.split("\t")[:2]] for line in lines)
    return list(dict.fromkeys((english, french) for english, french in sides))
