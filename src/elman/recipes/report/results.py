"""Every figure that the documentation quotes: run all recipes with all their seeds, write docs/results.json and .md.

    python -m elman.recipes.report.results --out docs --jobs 2

Each training takes one thread, so that the figures do not hang on the number of cores, and `--jobs` run side by side.
What each training wrote stays in a folder of --runs; one that is there already is not run again without --force.
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
Each figure is the median over the seeds, with the lowest and the highest; minutes are those of one seed on one core,
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
        """Where what it writes stands."""
        setting, seed = f"-{self.setting}" * bool(self.setting), f"-seed{self.seed}" * bool(self.seed)
        return self.runs / f"{self.recipe}{setting}{seed}"


def main() -> None:
    """Run what was asked for and write both files; figures of recipes that were not run stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(RECIPES), help="recipes; all without one")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run folders stand")
    parser.add_argument("--force", action="store_true", help="train anew what stands there")
    asked = parser.parse_args()
    jobs = [
        Job(name, setting, seed, asked.runs, asked.force)
        for name in asked.names
        for setting in RECIPES[name].settings
        for seed in range(RECIPES[name].setting(setting).seeds)
    ]
    context = multiprocessing.get_context("spawn")
    path, figures = asked.out / "results.json", []
    kept = json.loads(path.read_text()) if path.is_file() else []
    with ProcessPoolExecutor(asked.jobs, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for figure in pool.map(measured, jobs):  # written after each, so that nothing measured is lost
            figures += [figure] if figure is not None else []
            entries = together(kept, summaries(figures))
            path.write_text(json.dumps(entries, indent=1) + "\n")
            (asked.out / "results.md").write_text(page(entries))
    print(f"written to {path} and {asked.out / 'results.md'}")


def together(kept: Iterable[Json], fresh: Sequence[Json]) -> list[Json]:
    """Entries in the order of the recipes; of those that were measured again the fresh ones."""
    run = {(entry["recipe"], entry["setting"]) for entry in fresh}
    entries = [entry for entry in kept if (entry["recipe"], entry["setting"]) not in run] + [*fresh]
    return sorted(entries, key=lambda entry: (list(RECIPES).index(entry["recipe"]), entry["setting"], entry["metric"]))


def summaries(figures: Iterable[Json]) -> list[Json]:
    """One entry a recipe, setting and metric, over the seeds."""
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
        "\n\nPublished, on the same split where nothing else is said:\n\n| recipe | who | figure |\n|---|---|---|\n"
        + "\n".join(dict.fromkeys(published))
    )
    return HEAD + "\n".join(lines) + (table if published else "") + "\n"


def measured(job: Job) -> Json | None:
    """The figures of one training, which may have been before; None where its data cannot be had."""
    written = job.folder() / "metrics.json"
    if written.is_file() and not job.force:
        figures: Json = json.loads(written.read_text())
    else:
        try:
            figures = follow(RECIPES[job.recipe], job.setting, job.seed, out=job.folder(), force=job.force).figures
        except ElmanError as error:
            print(f"{job.recipe} {job.setting} seed {job.seed} left out: {error}", flush=True)
            return None
    metric = RECIPES[job.recipe].setting(job.setting).metric
    beside = figures["baseline"].get(metric)
    print(
        f"{job.recipe} {job.setting} seed {job.seed}: {metric} {figures['metrics'][metric]:.4f}, "
        f"baseline {'none' if beside is None else format(beside, '.4f')}, {figures['minutes']:.1f} minutes",
        flush=True,
    )
    return figures


if __name__ == "__main__":
    main()
