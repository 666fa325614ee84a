"""The figures of the documentation: run all recipes with all their seeds, write docs/results.json and docs/results.md.

    python -m elman.recipes.report.results --out docs --jobs 2

Each training uses one thread, so that the figures do not depend on the number of cores, and `--jobs` run in parallel.
The results of each training stay in a folder of --runs; existing results are used again without --force.
"""

import argparse
import json
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from elman.errors import ElmanError
from elman.recipes import RECIPES, follow
from elman.recipes.base import goal_words
from elman.types import Json

HEAD = """# Results

Written by `make results` from `docs/results.json`; not by hand. Rates are fractions, F1 is on the 0-100 scale.
Each figure is the median over the seeds, with the lowest and the highest; minutes are for one seed on one core,
baseline included.

| recipe | setting | split | metric | median | lowest to highest | seeds | goal | baseline | minutes |
|---|---|---|---|---|---|---|---|---|---|
"""


class Job(NamedTuple):
    recipe: str
    setting: str
    seed: int
    runs: Path
    force: bool

    def folder(self) -> Path:
        """The folder of its results."""
        setting, seed = f"-{self.setting}" * bool(self.setting), f"-seed{self.seed}" * bool(self.seed)
        return self.runs / f"{self.recipe}{setting}{seed}"


def main() -> None:
    """Run the given recipes and write both files; figures of other recipes stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(RECIPES), help="recipes; all if none is given")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run folders are")
    parser.add_argument("--force", action="store_true", help="train again and replace existing results")
    options = parser.parse_args()
    jobs = [
        Job(name, setting, seed, options.runs, options.force)
        for name in options.names
        for setting in RECIPES[name].settings
        for seed in range(RECIPES[name].setting(setting).seeds)
    ]
    context = multiprocessing.get_context("spawn")
    path, figures = options.out / "results.json", []
    kept = json.loads(path.read_text()) if path.is_file() else []
    with ProcessPoolExecutor(
        options.jobs, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        for figure in pool.map(measured, jobs):  # written after each, so that no result is lost
            figures += [figure] if figure is not None else []
            entries = combined(kept, summaries(figures))
            path.write_text(json.dumps(entries, indent=1) + "\n")
            (options.out / "results.md").write_text(page(entries))
    print(f"written to {path} and {options.out / 'results.md'}")


def combined(kept: Iterable[Json], fresh: Sequence[Json]) -> list[Json]:
    """Entries in the order of the recipes; new entries replace old ones."""
    run = {(entry["recipe"], entry["setting"]) for entry in fresh}
    entries = [entry for entry in kept if (entry["recipe"], entry["setting"]) not in run] + [*fresh]
    return sorted(entries, key=lambda entry: (list(RECIPES).index(entry["recipe"]), entry["setting"], entry["metric"]))


def summaries(figures: Iterable[Json]) -> list[Json]:
    """One entry per recipe, setting and metric, over the seeds."""
    groups: dict[tuple[str, str], list[Json]] = {}
    for figure in figures:
        groups.setdefault((figure["recipe"], figure["setting"]), []).append(figure)
    entries = []
    for (recipe, setting), runs in groups.items():
        for metric in runs[0]["metrics"]:
            values = [run["metrics"][metric] for run in runs]
            chosen = RECIPES[recipe].setting(setting)
            entries.append(
                {
                    "recipe": recipe,
                    "setting": setting,
                    "metric": metric,
                    "split": runs[0]["split"],
                    "values": values,
                    "median": median(values),
                    "minutes": median(run["minutes"] for run in runs),
                    "baseline": _median(
                        [run["baseline"][metric] for run in runs if run["baseline"].get(metric) is not None]
                    ),
                    "published": runs[0]["published"] if metric == chosen.metric else {},
                    "goal": chosen.goals.get(metric),
                }
            )
    return entries


def _median(values: list[float]) -> float | None:
    return median(values) if values else None


def page(entries: Iterable[Json]) -> str:
    """The Markdown page of the entries."""
    lines, published = [], []
    for entry in entries:
        low, high, goal = min(entry["values"]), max(entry["values"]), goal_words(entry["goal"])
        lines.append(
            f"| {entry['recipe']} | {entry['setting']} | {entry['split']} | {entry['metric']} "
            f"| **{entry['median']:.4g}** | {low:.4g} to {high:.4g} | {len(entry['values'])} | {goal} "
            f"| {'' if entry['baseline'] is None else format(entry['baseline'], '.4g')} | {entry['minutes']:.2g} |"
        )
        published += [f"| {entry['recipe']} | {who} | {figure} |" for who, figure in entry["published"].items()]
    table = (
        "\n\nPublished, on the same split unless stated otherwise:\n\n| recipe | who | figure |\n|---|---|---|\n"
        + "\n".join(dict.fromkeys(published))
    )
    return HEAD + "\n".join(lines) + (table if published else "") + "\n"


def measured(job: Job) -> Json | None:
    """The figures of one training, which may exist already; None if its data are not available."""
    path = job.folder() / "metrics.json"
    if path.is_file() and not job.force:
        figures: Json = json.loads(path.read_text())
    else:
        try:
            figures = follow(RECIPES[job.recipe], job.setting, job.seed, out=job.folder(), force=job.force).figures
        except ElmanError as error:
            print(f"{job.recipe} {job.setting} seed {job.seed} left out: {error}", flush=True)
            return None
    metric = RECIPES[job.recipe].setting(job.setting).metric
    baseline = figures["baseline"].get(metric)
    print(
        f"{job.recipe} {job.setting} seed {job.seed}: {metric} {figures['metrics'][metric]:.4f}, "
        f"baseline {'none' if baseline is None else format(baseline, '.4f')}, {figures['minutes']:.1f} minutes",
        flush=True,
    )
    return figures


if __name__ == "__main__":
    main()
