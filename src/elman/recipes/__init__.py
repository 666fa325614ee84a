"""Worked examples on real data. A new recipe is one file here and one line in this table."""

from elman.checks import check_choice
from elman.recipes.anomaly import RECIPE as ANOMALY
from elman.recipes.base import Published, Recipe, Setting
from elman.recipes.caption import RECIPE as CAPTION
from elman.recipes.characters import RECIPE as CHARACTERS
from elman.recipes.dialogue import RECIPE as DIALOGUE
from elman.recipes.digits import RECIPE as DIGITS
from elman.recipes.faults import RECIPE as FAULTS
from elman.recipes.forecast import RECIPE as FORECAST
from elman.recipes.melody import RECIPE as MELODY
from elman.recipes.music import RECIPE as MUSIC
from elman.recipes.name import RECIPE as NAME
from elman.recipes.next_word import RECIPE as NEXT_WORD
from elman.recipes.pronounce import RECIPE as PRONOUNCE
from elman.recipes.runner.follow import Result, follow
from elman.recipes.sentiment import RECIPE as SENTIMENT
from elman.recipes.speak import RECIPE as SPEAK
from elman.recipes.sst2 import RECIPE as SST2
from elman.recipes.tag import RECIPE as TAG
from elman.recipes.translate import RECIPE as TRANSLATE

RECIPES: dict[str, Recipe] = {
    "sentiment": SENTIMENT,
    "sst2": SST2,
    "tag": TAG,
    "next-word": NEXT_WORD,
    "characters": CHARACTERS,
    "translate": TRANSLATE,
    "pronounce": PRONOUNCE,
    "dialogue": DIALOGUE,
    "name": NAME,
    "forecast": FORECAST,
    "anomaly": ANOMALY,
    "faults": FAULTS,
    "music": MUSIC,
    "melody": MELODY,
    "digits": DIGITS,
    "speak": SPEAK,
    "caption": CAPTION,
}


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ArgumentError: there is none.
    """
    check_choice("recipe", "the name", name, RECIPES)
    return RECIPES[name]


__all__ = ["RECIPES", "Published", "Recipe", "Result", "Setting", "find", "follow"]
