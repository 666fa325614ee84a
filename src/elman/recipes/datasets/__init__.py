"""The data of the recipes. A new data set is one file here and one line in this table."""

from collections.abc import Callable

from elman.data.layouts import Tables
from elman.recipes.datasets.bach_melodies import bach_melodies
from elman.recipes.datasets.cmudict import cmudict
from elman.recipes.datasets.digit_strips import digit_strips
from elman.recipes.datasets.etth1 import etth1
from elman.recipes.datasets.fsdd import FSDD_WITHOUT, fsdd, fsdd_joined, fsdd_phonemes
from elman.recipes.datasets.names import names
from elman.recipes.datasets.poly_music import jsb_chorales, nottingham
from elman.recipes.datasets.rotten_tomatoes import rotten_tomatoes
from elman.recipes.datasets.sgd import sgd
from elman.recipes.datasets.shared.glove import glove_vectors
from elman.recipes.datasets.snips import snips
from elman.recipes.datasets.sst2 import sst2
from elman.recipes.datasets.tatoeba import tatoeba
from elman.recipes.datasets.tatoeba_english import tatoeba_english
from elman.recipes.datasets.tinyshakespeare import tinyshakespeare
from elman.recipes.datasets.ucr import UCR

DATASETS: dict[str, Callable[[], Tables]] = {
    "bach_melodies": bach_melodies,
    "cmudict": cmudict,
    "digit_strips": digit_strips,
    "etth1": etth1,
    "fsdd": fsdd,
    "fsdd_joined": fsdd_joined,
    "fsdd_phonemes": fsdd_phonemes,
    "jsb_chorales": jsb_chorales,
    "names": names,
    "nottingham": nottingham,
    "rotten_tomatoes": rotten_tomatoes,
    "sgd": sgd,
    "snips": snips,
    "sst2": sst2,
    "tatoeba": tatoeba,
    "tatoeba_english": tatoeba_english,
    "tinyshakespeare": tinyshakespeare,
    **FSDD_WITHOUT,
    **UCR,
}

__all__ = [
    "DATASETS",
    "FSDD_WITHOUT",
    "UCR",
    "bach_melodies",
    "cmudict",
    "digit_strips",
    "etth1",
    "fsdd",
    "fsdd_joined",
    "fsdd_phonemes",
    "glove_vectors",
    "jsb_chorales",
    "names",
    "nottingham",
    "rotten_tomatoes",
    "sgd",
    "snips",
    "sst2",
    "tatoeba",
    "tatoeba_english",
    "tinyshakespeare",
]
