"""What a recipe shows of its network is read once, and has the inputs that the network reads."""

from elman.data import Table
from elman.recipes.pictures import with_inputs

TABLE = Table({"digit": ["two", "two", "one"], "voice": ["a", "b", "a"], "sounds": ["T", "UW", "W"]}, "digits")


def test_what_is_shown_has_the_inputs_of_the_first_row_that_has_its_values():
    show = [{"digit": "two", "voice": "b"}, {"voice": "a"}, {"sounds": "N", "voice": "c"}, "two"]

    assert with_inputs(show, ["sounds", "voice"], TABLE) == [
        {"digit": "two", "voice": "b", "sounds": "UW"},
        {"voice": "a", "sounds": "T"},
        *show[2:],
    ]
