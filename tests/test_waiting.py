"""The network never starves: reading, encoding and batching take under a twentieth of the steps' time on two cores."""

import numpy as np
import pytest

import elman
from elman.recipes import RECIPES
from elman.recipes.datasets import DATASETS
from elman.recipes.runner.follow import merged
from elman.training.train import run

MOST = 0.05
ROWS = 100_000


def recipe_data(name, setting=None):
    """One epoch of a recipe's network on its own data."""
    chosen = RECIPES[name].setting(setting or next(iter(RECIPES[name].settings)))
    return run(merged(chosen.document, {"train": {"epochs": 1}}), DATASETS[chosen.data]())


def rows_of_numbers(tmp_path, in_memory):
    """A row a sequence of 24 readings, as a file that is read into memory or through the cache."""
    random = np.random.default_rng(0)
    path = tmp_path / "readings.csv"
    names = ",".join(f"v{at}" for at in range(24)) + ",y"
    np.savetxt(path, random.normal(size=(ROWS, 25)).round(3), "%.3f", ",", header=names, comments="")
    return elman.train(path, input="v*", target="y", epochs=1, quiet=True, data={"in_memory": in_memory})


def one_long_series():
    """A series of so many steps, of which the next 24 are forecast."""
    values = np.sin(np.arange(ROWS) / 4) + np.random.default_rng(0).normal(size=ROWS) / 10
    return elman.train({"load": values}, input="load", target="load", horizon=24, epochs=1, quiet=True)


CASES = {
    "demo": lambda _: recipe_data("sentiment"),
    "sst2": lambda _: recipe_data("sst2", "scratch"),
    "rows of numbers": lambda folder: rows_of_numbers(folder, 200),
    "rows of numbers through the cache": lambda folder: rows_of_numbers(folder, 0),
    "one long series": lambda _: one_long_series(),
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES)
def test_waiting_for_data_takes_less_than_a_twentieth_of_the_steps_time(case, tmp_path, request, own_cache):
    if case == "sst2":
        request.getfixturevalue("real_data")

    model = CASES[case](tmp_path)

    waited = model.metrics["training"]["waiting"]
    print(f"{case}: {waited:.1%} of the steps' time")
    assert waited < MOST
