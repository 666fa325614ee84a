"""Worked examples on real data. A new recipe is one file here and one line in this table."""

from elman.checks import check_choice
from elman.recipes.base import Published, Recipe, Result, follow
from elman.recipes.sentiment import RECIPE as SENTIMENT
from elman.recipes.sst2 import RECIPE as SST2

RECIPES: dict[str, Recipe] = {
    "sentiment": SENTIMENT,
    "sst2": SST2,
}


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ArgumentError: there is none.
    """
    check_choice("recipe", "the name", name, RECIPES)
    return RECIPES[name]


__all__ = ["RECIPES", "Published", "Recipe", "Result", "find", "follow"]
