"""Labelled series of the UCR and UEA archives, on their official splits, from files inside the package aeon.

Dau et al. 2019 (arXiv 1810.07758) for one channel, Bagnall et al. 2018 (arXiv 1811.00075) for several.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from elman.checks import fail, shown
from elman.data import Table
from elman.data.layouts import Tables
from elman.errors import DataError

SETS = {  # all that are in the package
    "acsf1": "ACSF1",  # power consumption of ten kinds of appliances
    "arrow_head": "ArrowHead",  # outlines of arrow heads
    "basic_motions": "BasicMotions",  # a watch's accelerometer and gyroscope
    "gun_point": "GunPoint",  # a hand that draws a gun, or points
    "italy_power_demand": "ItalyPowerDemand",  # days of winter and of summer
    "japanese_vowels": "JapaneseVowels",  # nine speakers, cepstra of varying length
    "osu_leaf": "OSULeaf",  # outlines of leaves
    "pickup_gesture": "PickupGestureWiimoteZ",  # ten ways to pick something up, of varying length
}
VALID = 20  # rows of a class of which the first is for validation


def reader(name: str) -> Callable[[], Tables]:
    """A function that reads one of the sets: columns `series`, (T, C) a row, and `class`.

    One of every twenty rows of each class of the official training split, at least one, is for validation.
    """

    def read() -> Tables:
        train, test = (read_ts(_folder() / name / f"{name}_{split}.ts") for split in ("TRAIN", "TEST"))
        seen: dict[str, int] = {}
        numbers = []  # of each row within its class
        for label in train.column("class"):
            numbers.append(seen.get(label, 0))
            seen[label] = numbers[-1] + 1
        valid = [row for row, number in enumerate(numbers) if number % VALID == 0]
        rest = [row for row, number in enumerate(numbers) if number % VALID]
        return Tables(train.take(rest), train.take(valid), test)

    return read


UCR: dict[str, Callable[[], Tables]] = {key: reader(name) for key, name in SETS.items()}


def read_ts(path: Path) -> Table:
    """A file in the archives' own format: `@key value` lines, `@data`, and one row per line.

    A row is its channels and its class, separated by colons; a channel is numbers separated by commas, ? if missing.

    Raises:
        DataError: the file does not exist, or a line is not such a row.
    """
    series: list[np.ndarray] = []
    classes: list[str] = []
    data = False
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        fail(str(path), "the file", "be one that can be read", str(error.strerror), error=DataError)
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not data or not line:
            data = data or line.lower() == "@data"
            continue
        *channels, label = line.split(":")
        try:
            values = [[float(cell.replace("?", "nan")) for cell in channel.split(",")] for channel in channels]
            series.append(np.array(values, np.float64).T)
        except ValueError as error:
            must = "hold channels of numbers, all of one length, and a class"
            fail(f"{path.name}:{number}", "a row", must, shown(str(error)), error=DataError)
        classes.append(label)
    return Table({"series": series, "class": classes}, path.name)


def _folder() -> Path:
    package = find_spec("aeon")  # found, not imported: the import needs packages that are not needed here
    for place in package.submodule_search_locations or () if package else ():
        if (folder := Path(place) / "datasets" / "data").is_dir():
            return folder
    fail("ucr", "the package aeon", "be installed", "none", "Run pip install --no-deps aeon==1.6.0.", DataError)
