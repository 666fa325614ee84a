"""Tiny Shakespeare (Karpathy 2015): 1,115,394 characters of plays as one text."""

from elman.data import PublicFile, Table, blocks_of, fetch, github
from elman.data.layouts import Tables

TEXT: PublicFile = github(
    "tinyshakespeare/input.txt",
    "karpathy/char-rnn",
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e",
    "data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)
TRAINING = 0.9  # fraction of the characters


def tinyshakespeare() -> Tables:
    """Column `text`, blocks that join to the text: its first nine tenths for training, its last tenth for validation;
    no test split.

    Published figures are on this validation split, which they also used for early stopping.

    Raises:
        DataError: the file is not available.
    """
    text = fetch(TEXT).read_bytes().decode("utf-8")
    cut = int(TRAINING * len(text))
    train, valid = blocks_of(text[:cut]), blocks_of(text[cut:])
    return Tables(Table({"text": train}, "tinyshakespeare"), Table({"text": valid}, "tinyshakespeare, last tenth"))
