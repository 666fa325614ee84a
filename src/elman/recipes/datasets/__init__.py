"""The data of the recipes. A new data set is one file here and one line in this table."""

from collections.abc import Callable

from elman.parts import Tables
from elman.recipes.datasets.cmudict import cmudict
from elman.recipes.datasets.etth1 import etth1
from elman.recipes.datasets.glove import glove_vectors
from elman.recipes.datasets.names import names
from elman.recipes.datasets.rotten_tomatoes import rotten_tomatoes
from elman.recipes.datasets.sgd import sgd
from elman.recipes.datasets.snips import snips
from elman.recipes.datasets.sst2 import sst2
from elman.recipes.datasets.tatoeba import tatoeba
from elman.recipes.datasets.tatoeba_english import tatoeba_english
from elman.recipes.datasets.tinyshakespeare import tinyshakespeare

DATASETS: dict[str, Callable[[], Tables]] = {
    "cmudict": cmudict,
    "etth1": etth1,
    "names": names,
    "rotten_tomatoes": rotten_tomatoes,
    "sgd": sgd,
    "snips": snips,
    "sst2": sst2,
    "tatoeba": tatoeba,
    "tatoeba_english": tatoeba_english,
    "tinyshakespeare": tinyshakespeare,
}

__all__ = [
    "DATASETS",
    "cmudict",
    "etth1",
    "glove_vectors",
    "names",
    "rotten_tomatoes",
    "sgd",
    "snips",
    "sst2",
    "tatoeba",
    "tatoeba_english",
    "tinyshakespeare",
]
