"""The recipes reach their goals: the figures of docs/, made anew. Minutes each, so run by `make test-slow`."""

import json
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import pytest

from elman.metrics import METRICS
from elman.recipes import RECIPES, follow
from elman.recipes.base import reaches
from elman.recipes.datasets import FSDD_WITHOUT, UCR
from elman.recipes.report import results
from elman.recipes.report.results import page, summaries
from elman.recipes.runner.follow import Result

SETTINGS = [(recipe, setting) for recipe in RECIPES.values() for setting in recipe.settings]
SLACK = 1.5  # the minutes of a recipe are about right on two quiet cores


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize(("recipe", "setting"), SETTINGS, ids=lambda value: getattr(value, "name", value) or "only")
def test_the_median_over_the_seeds_reaches_the_goals(recipe, setting, tmp_path, request):
    chosen = recipe.setting(setting)
    goals = chosen.goals
    if not goals and not recipe.beats:
        pytest.skip(f"{recipe.name} {setting} has no goal")
    if chosen.data not in {"rotten_tomatoes", "digit_strips", "bach_melodies", *UCR}:
        request.getfixturevalue("real_data")
    runs = [follow(recipe, setting, seed, out=tmp_path / str(seed)).figures for seed in range(chosen.seeds)]
    for metric, goal in goals.items():
        assert reaches(metric, median(run["metrics"][metric] for run in runs), goal), metric
    for metric, share in recipe.beats.items():
        for beaten in zip(*([run["baseline"], *run["other_baselines"]] for run in runs), strict=True):
            figure, other = median(run["metrics"][metric] for run in runs), median(entry[metric] for entry in beaten)
            assert reaches(metric, figure, share * other), beaten[0]["name"]
            assert figure != other, beaten[0]["name"]
    assert median(run["minutes"] for run in runs) <= SLACK * recipe.minutes


@pytest.mark.parametrize(
    ("metric", "figure", "goal", "does"),
    [
        ("accuracy", 0.8, 0.8, True),
        ("accuracy", 0.7, 0.8, False),
        ("nats", 1.41, 1.42, True),
        ("per", 0.08, 0.072, False),
        ("unseen", 0.5, 0.6, False),
        ("coverage", 0.77, (0.77, 0.83), True),
        ("coverage", 0.76, (0.77, 0.83), False),
        ("coverage", 0.9, (0.77, 0.83), False),
    ],
)
def test_a_goal_is_reached_from_the_side_that_is_better(metric, figure, goal, does):
    assert reaches(metric, figure, goal) is does


@pytest.mark.parametrize(
    ("per", "split", "said"),
    [(0.07, "test", "goal: met"), (0.08, "test", "goal: missed in per"), (0.9, "a part: --quick", "goal")],
)
def test_the_table_says_whether_the_goals_are_met(per, split, said):
    figures = {"recipe": "pronounce", "setting": "", "split": split, "metrics": {"exact_match": 0.7, "per": per}}
    figures |= {"baseline": {"name": "b", "exact_match": 0.2}, "other_baselines": [], "published": {"LSTM": 0.71}}
    goals = {"exact_match": 0.7, "per": 0.072}

    ours, goal, baseline, published = Result(figures, Path(), None, [], [], "exact_match", goals, "").table()

    assert (ours["exact_match"], ours["per"]) == (0.7, per)
    assert goal == {"who": said, **goals}
    assert (baseline["per"], published) == (None, {"who": "LSTM", "exact_match": 0.71})
    assert len(Result(figures, Path(), None, [], [], "exact_match", {}, "").table()) == 3


def test_each_seed_of_a_setting_with_several_data_sets_takes_another():
    digits = RECIPES["digits"]
    new, official = digits.setting("new-speaker"), digits.setting("official")

    data = [digits.setting("new-speaker", seed).data for seed in range(new.seeds)]

    assert data == list(FSDD_WITHOUT)
    assert digits.setting("new-speaker", new.seeds).data == data[0]
    assert (official.seeds, official.split) == (digits.seeds, digits.split) != (new.seeds, new.split)
    places = [new.split.index(name.removeprefix("fsdd_without_")) for name in data]
    assert places == sorted(places)


def test_goals_are_of_metrics_that_there_are_and_what_is_beaten_is_run():
    """A goal of a metric that is never counted would only be found out after hours."""
    shares = {"unseen", "agreement"}
    for recipe, name in SETTINGS:
        setting = recipe.setting(name)
        named = {setting.metric, *setting.goals, *recipe.beats} - (shares if setting.round_trip else set())
        assert named <= METRICS.keys()
        assert not recipe.beats or setting.baselines


def test_series_of_all_sets_that_the_package_holds_are_told_by_one_configuration():
    recipe = RECIPES["anomaly"]
    settings = [recipe.setting(name) for name in recipe.settings]
    assert {setting.data for setting in settings} == set(UCR)
    assert all(setting.document == settings[0].document for setting in settings)


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
    assert "| 3 | 0.77 to 0.83 | 0.8 | 2 |" in page([entry | {"goal": (0.77, 0.83)}])


def test_each_metric_of_the_results_has_its_own_goal_and_only_one_has_the_published_figures():
    run = {"recipe": "name", "setting": "write", "split": "test", "minutes": 1.0, "published": {"who": 0.5}}
    figures = run | {"metrics": {"cer": 0.9, "unseen": 0.7, "agreement": 0.8}, "baseline": {"name": "b", "cer": 1.0}}

    entries = {entry["metric"]: entry for entry in summaries([figures])}

    assert {metric: entry["goal"] for metric, entry in entries.items()} == {
        "cer": None,
        "unseen": 0.6,
        "agreement": 0.7,
    }
    assert [metric for metric, entry in entries.items() if entry["published"]] == ["agreement"]
    assert "unless stated otherwise" in page(entries.values())


def test_results_keep_the_run_folders_and_train_nothing_twice(tmp_path, monkeypatch):
    """What was measured is taken as it stands; what is missing is trained."""
    followed = []

    def fake(recipe, setting, seed, out, force):
        followed.append((setting, seed, force))
        figures = {"recipe": recipe.name, "setting": setting, "seed": seed, "split": "test", "minutes": 1.0}
        figures |= {"metrics": {"accuracy": 0.5}, "baseline": {"name": "none"}, "published": {}}
        out.mkdir(parents=True, exist_ok=True)
        (out / "metrics.json").write_text(json.dumps(figures))
        return SimpleNamespace(figures=figures)

    monkeypatch.setattr(results, "follow", fake)
    jobs = [results.Job("anomaly", setting, 1, tmp_path, False) for setting in ["gun-point", "arrow-head"]]
    assert [job.folder().name for job in jobs] == ["anomaly-gun-point-seed1", "anomaly-arrow-head-seed1"]
    first = [results.measured(job) for job in jobs]
    assert [results.measured(job) for job in jobs] == first
    assert followed == [("gun-point", 1, False), ("arrow-head", 1, False)]
    results.measured(jobs[0]._replace(force=True))
    assert followed[2:] == [("gun-point", 1, True)]
