"""What a recipe is: a worked example as data. Columns, network, what others reached; no code that knows a task."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elman.checks import check_choice, fail
from elman.config import merged
from elman.data import Table
from elman.directory import check_free, to_json, write_directory
from elman.errors import Interrupted
from elman.experiment import run
from elman.inference import Step
from elman.model import Model
from elman.parts import Tables
from elman.recipes.datasets import DATASETS, glove_vectors
from elman.training import Reporter
from elman.types import Json

QUICK_ROWS = 1000
NEEDS_VECTORS = "VECTORS"  # stands in a recipe for the file that the user names


class Published:
    """Figures that someone reported: `Published("who", accuracy=0.849)`; rates are fractions."""

    def __init__(self, who: str, **figures: float) -> None:
        self.who, self.figures = who, figures


@dataclass(frozen=True)
class Recipe:
    """A worked example on real data.

    Attributes:
        name: what `elman recipe NAME` calls it.
        about: one line for the list of recipes.
        data: a name of `elman.recipes.datasets.DATASETS`.
        split: the part of the data that the figures are of, in words.
        size: rows, in words, for the list.
        minutes: on 2 cores, about, a seed, baseline included.
        input, target, model, train: as in a configuration.
        metric: the metric that published figures and goals are in.
        baseline: what the figures must beat, by name: {"name": ..., "model": {...}, "train": {...}}.
        published: figures that others reported.
        goal: the figure to reach, a setting each ("" where there are none).
        show: values that are traced step by step at the end.
        settings: variants by name, each a configuration laid over the recipe's; the first is the default.
        seeds: how many `make results` runs.
    """

    name: str
    about: str
    data: str
    split: str
    size: str
    minutes: float
    input: Json
    target: Json
    model: Json
    train: Json
    metric: str
    baseline: Json
    goal: Mapping[str, float]
    published: list[Published] = field(default_factory=list)
    show: list[str] = field(default_factory=list)
    settings: Mapping[str, Json] = field(default_factory=lambda: {"": {}})
    seeds: int = 3

    def summary(self) -> Json:
        """One row of the list of recipes."""
        settings = ", ".join(name for name in self.settings if name)
        return {
            "recipe": self.name,
            "about": self.about,
            "settings": settings,
            "data": self.size,
            "minutes": self.minutes,
        }

    def document(self, setting: str) -> Json:
        """The configuration of one setting."""
        own = {"input": self.input, "target": self.target, "model": self.model, "train": self.train}
        return merged(own, self.settings[setting])


@dataclass
class Result:
    """What following a recipe gave."""

    figures: Json  # as written to metrics.json
    folder: Path
    model: Path
    example: str
    traces: list[tuple[str, list[Step]]]
    metric: str

    def table(self) -> list[Json]:
        """The figures beside the baseline's and the published ones, a row each."""
        setting, quick = self.figures["setting"], "--quick" in self.figures["split"]
        ours = f"elman recipe {self.figures['recipe']}" + f" ({setting})" * bool(setting)
        ours += ", --quick: claims nothing" * quick
        rows = [{"who": ours, self.metric: self.figures["metrics"][self.metric]}]
        rows.append(
            {"who": f"baseline: {self.figures['baseline']['name']}", self.metric: self.figures["baseline"][self.metric]}
        )
        return rows + [{"who": who, self.metric: figure} for who, figure in self.figures["published"].items()]


def follow(
    recipe: Recipe,
    setting: str | None = None,
    seed: int = 0,
    quick: bool = False,
    out: Path | None = None,
    force: bool = False,
    vectors: Path | None = None,
    reporter: Reporter | None = None,
) -> Result:
    """Train a recipe's network and its baseline, score both on the test split, and write metrics.json and both models.

    Args:
        recipe: the recipe.
        setting: one of its settings; the first if None.
        seed: of every random draw.
        quick: a part of the data and one epoch: shows that all works, its figures claim nothing.
        out: folder to write; runs/<recipe>-<setting> if None.
        force: replace the folder if it exists.
        vectors: word vectors for a setting that wants them; the 20,000 words of ELMAN_DATA if None.
        reporter: what the person sees; None: nothing.

    Raises:
        ArgumentError: no such setting, or the folder is taken.
        DataError: the data, or the vectors, cannot be had.
    """
    reporter = reporter or Reporter(quiet=True)
    setting = next(iter(recipe.settings)) if setting is None else setting
    check_choice(f"recipe {recipe.name}", "setting", setting, recipe.settings)
    folder = check_free(out or Path("runs") / (f"{recipe.name}-{setting}" if setting else recipe.name), force)
    document = _with_vectors(recipe.document(setting), vectors)
    if vectors is not None and document == recipe.document(setting):
        fail(f"recipe {recipe.name}", "vectors", "be left out for a setting that takes none", repr(str(vectors)))
    document = merged(document, {"train": {"seed": seed} | ({"epochs": 1} if quick else {})})
    tables = DATASETS[recipe.data]()
    if quick:
        tables = Tables(*(table and _part(table, seed) for table in tables))  # type: ignore[arg-type]
    begin = time.perf_counter()
    model = _run(recipe, document, tables, reporter)
    reporter.note(f"\nbaseline  {recipe.baseline['name']}")
    baseline = _run(recipe, _baseline_document(recipe, document), tables, reporter)
    figures = {
        "recipe": recipe.name,
        "setting": setting,
        "split": recipe.split + (" (a part of it: --quick claims nothing)" if quick else ""),
        "seed": seed,
        "minutes": round((time.perf_counter() - begin) / 60, 2),
        "metrics": _test_metrics(model),
        "baseline": {"name": recipe.baseline["name"], **_test_metrics(baseline)},
        "published": {entry.who: entry.figures[recipe.metric] for entry in recipe.published},
    }
    write_directory(folder, {"metrics.json": to_json(figures)}, force)
    model.save(folder / "model")
    baseline.save(folder / "baseline")
    traces = [(value, model.trace(value)) for value in recipe.show]
    return Result(figures, folder, folder / "model", recipe.show[0], traces, recipe.metric)


def _run(recipe: Recipe, document: Json, tables: Tables, reporter: Reporter) -> Model:
    """One whole training: what is cut short has no figures."""
    model = run(document, tables, None, reporter=reporter)
    if model.metrics["training"]["ended"] == "interrupted":
        raise Interrupted(f"recipe {recipe.name} was interrupted; nothing was written.")
    return model


def _baseline_document(recipe: Recipe, document: Json) -> Json:
    """The same data and fields, another network."""
    train = merged(document["train"], recipe.baseline.get("train", {}))
    return {**document, "model": recipe.baseline["model"], "train": train}


def _with_vectors(document: Json, vectors: Path | None) -> Json:
    """The document with the file of word vectors in the place that wants one."""
    for name, options in document["input"].items():
        if options.get("vectors") != NEEDS_VECTORS:
            continue
        document = merged(document, {"input": {name: {"vectors": str(vectors or glove_vectors())}}})
    return document


def _part(table: Table, seed: int) -> Table:
    if len(table) <= QUICK_ROWS:
        return table
    return table.take(np.random.default_rng(seed).permutation(len(table))[:QUICK_ROWS].tolist())


def _test_metrics(model: Model) -> dict[str, Any]:
    return {name: value for name, value in model.metrics["test"].items() if name != "loss"}
