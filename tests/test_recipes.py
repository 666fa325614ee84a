"""The recipes reach their goals: the figures of the README, made anew. Minutes each, so run by `make test-slow`."""

from statistics import median

import pytest

from elman.recipes import RECIPES, follow
from elman.recipes.results import page, summaries

SETTINGS = [(recipe, setting) for recipe in RECIPES.values() for setting in recipe.settings]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("recipe", "setting"), SETTINGS, ids=lambda value: getattr(value, "name", value) or "only")
def test_the_median_over_the_seeds_reaches_the_goal(recipe, setting, tmp_path, request):
    if recipe.data == "sst2":
        request.getfixturevalue("real_data")
    runs = [follow(recipe, setting, seed, out=tmp_path / str(seed)).figures for seed in range(recipe.seeds)]
    assert median(run["metrics"][recipe.metric] for run in runs) >= recipe.goal[setting]
    assert max(run["minutes"] for run in runs) <= 10


def test_the_page_of_results_says_what_the_runs_said():
    run = {"recipe": "sst2", "setting": "glove", "split": "test", "minutes": 2.0, "published": {"LSTM": 0.849}}
    figures = [
        run | {"metrics": {"accuracy": value}, "baseline": {"name": "b", "accuracy": 0.8}}
        for value in (0.85, 0.87, 0.86)
    ]

    (entry,) = summaries(figures)

    assert entry["values"] == [0.85, 0.87, 0.86]
    assert (entry["median"], entry["baseline"], entry["goal"]) == (0.86, 0.8, 0.845)
    assert "| sst2 | glove | test | accuracy | **0.86** | 0.85 to 0.87 | 3 | 0.845 | 0.8 | 2 |" in page([entry])
    assert "| sst2 | LSTM | 0.849 |" in page([entry])
