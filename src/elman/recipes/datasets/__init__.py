"""The data of the recipes. A new data set is one file here and one line in this table."""

from collections.abc import Callable

from elman.parts import Tables
from elman.recipes.datasets.glove import glove_vectors
from elman.recipes.datasets.rotten_tomatoes import rotten_tomatoes
from elman.recipes.datasets.sst2 import sst2

DATASETS: dict[str, Callable[[], Tables]] = {
    "rotten_tomatoes": rotten_tomatoes,
    "sst2": sst2,
}

__all__ = ["DATASETS", "glove_vectors", "rotten_tomatoes", "sst2"]
