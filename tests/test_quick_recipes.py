"""Every recipe runs from its data to its figures with --quick."""

import json
from functools import cache

import pytest

import elman
from elman.recipes import RECIPES, follow
from elman.recipes.datasets import DATASETS, UCR

SETTINGS = [
    pytest.param(recipe, setting, id=f"{recipe.name}-{setting}".rstrip("-"))
    for recipe in RECIPES.values()
    for setting in recipe.settings
]
READ = {name: cache(read) for name, read in DATASETS.items()}  # once for all settings
WITHOUT_FILES = {"rotten_tomatoes", "digit_strips", "bach_melodies", *UCR}  # data that comes with a package
MINUTES = 2


@pytest.mark.parametrize(("recipe", "setting"), SETTINGS)
def test_a_quick_run_gives_every_figure_and_keeps_the_models(recipe, setting, tmp_path, request, monkeypatch):
    data = recipe.setting(setting).data
    if data not in WITHOUT_FILES:
        request.getfixturevalue("real_data")
    monkeypatch.setitem(DATASETS, data, READ[data])
    result = follow(recipe, setting, quick=True, out=tmp_path / "out")

    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())
    chosen = recipe.setting(setting)
    wanted = {chosen.metric, *chosen.goals, *recipe.beats}
    assert figures == result.figures
    assert figures["metrics"].keys() >= wanted
    assert [entry["name"] for entry in baselines(figures)] == [entry["name"] for entry in chosen.baselines]
    ranges = {metric for metric, goal in chosen.goals.items() if isinstance(goal, tuple)}  # which nothing must beat
    assert all(entry.keys() >= wanted - ranges for entry in baselines(figures))
    assert "claims nothing" in figures["split"]
    assert figures["split"].startswith("validation") == ("test" not in result.model.metrics)
    assert figures["minutes"] < MINUTES
    assert len(result.traces) + len(result.generated) == len(chosen.show) + chosen.show_rows
    assert all(chosen.metric in row for row in result.table())
    looks = chosen.document["model"].get("attention") == "dot"
    assert (tmp_path / "out" / "attention.png").exists() == looks
    assert (tmp_path / "out" / "trace.png").exists() == (bool(result.traces) and chosen.metric == "accuracy")
    assert (tmp_path / "out" / "captions.png").exists() == (recipe.name == "caption")
    assert (tmp_path / "out" / "forecast.png").exists() == ("horizon" in chosen.document["data"])
    assert (tmp_path / "out" / "anomalies.png").exists() == chosen.faults
    next_verb = result.next_command().split()[1]
    assert (next_verb == "forecast") == ("horizon" in chosen.document["data"])
    assert (next_verb == "detect") == chosen.faults
    model = elman.load(tmp_path / "out" / "model")
    assert model.fields.learned() == result.model.fields.learned()
    assert (tmp_path / "out" / "baseline").exists() == any("model" in entry for entry in chosen.baselines)


def baselines(figures):
    return [figures["baseline"], *figures["other_baselines"]]
