"""Running a recipe: train its network and its baselines, evaluate all on the test split, write the figures."""

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.checks import check_choice, fail
from elman.config.configuration import merged
from elman.data import Table
from elman.data.layouts import Tables
from elman.errors import Interrupted
from elman.fields import Frames
from elman.inference import Step
from elman.inference.one_step_ahead import predicts_next_reading
from elman.model.model import Model
from elman.recipes.base import NEEDS_VECTORS, Goal, Recipe, Setting, goal_words, reaches
from elman.recipes.baselines.answers import scores_of_answers
from elman.recipes.baselines.markov import scores_of_markov
from elman.recipes.baselines.naive import scores_of_naive
from elman.recipes.baselines.rolling import scores_of_network, scores_of_rolling
from elman.recipes.datasets import DATASETS, glove_vectors
from elman.recipes.runner.examples import make_examples, save_examples, with_inputs
from elman.recipes.runner.pictures import pictures_of
from elman.recipes.runner.round_trip import round_trip
from elman.storage import check_free, to_json, write_directory
from elman.training import Reporter
from elman.training.train import run
from elman.types import Json

QUICK_ROWS = 300  # of each split
QUICK_STEPS = 600  # of each split, if rows are the steps of a series
QUICK_CHARACTERS = 20_000  # of one long text
# Baselines without a network, by their key in a recipe: (its value, the data, the network) -> figures.
SIMPLE: dict[str, Callable[[Any, Tables, Model], Mapping[str, float]]] = {
    "answer": lambda kind, tables, model: scores_of_answers(kind, tables, model.fields),
    "naive": scores_of_naive,
    "rolling": scores_of_rolling,
    "markov": lambda order, tables, model: scores_of_markov(order, tables, model.fields),
}


@dataclass
class Result:
    """The result of running a recipe."""

    figures: Json  # as written to metrics.json
    folder: Path
    model: Model
    traces: list[tuple[str, list[Step]]]  # values and their steps
    generated: list[tuple[str, str]]  # prompts and generated values
    metric: str
    goals: Mapping[str, Goal]
    example: str  # an input value to type on the command line; "" for none

    def next_command(self) -> str:
        """The command to try next."""
        run = self.folder / "model"
        if self.model.config.data.horizon is not None:
            return f"elman forecast {run} history.csv --plot forecast.png"
        if predicts_next_reading(self.model.network):
            return f"elman detect {run} new.csv --plot anomalies.png"
        frames = isinstance(self.model.target, Frames)
        if not self.example:  # several columns, from a table
            return f"elman {'generate' if frames else 'predict'} {run} --data FILE" + " --out sample" * frames
        if frames:
            prompt = "" if self.model.fields.inputs else "--prompt "
            return f"elman generate {run} {prompt}{shlex.quote(self.example)} --out sample"
        return f'elman predict {run} "{self.example}"'

    def table(self) -> list[Json]:
        """The figures, the goals, the baselines' figures and the published figures, a row each."""
        setting, quick = self.figures["setting"], "--quick" in self.figures["split"]
        ours = f"elman recipe {self.figures['recipe']}" + f" ({setting})" * bool(setting)
        ours += ", --quick: claims nothing" * quick
        detailed = [name for name in self.figures["metrics"] if name.startswith(f"{self.metric}_")]  # such as auc_spike
        columns = list(dict.fromkeys([self.metric, *detailed, *self.goals]))
        rows = [{"who": ours} | {name: self.figures["metrics"][name] for name in columns}]
        if self.goals:
            missed = [name for name, goal in self.goals.items() if not reaches(name, rows[0][name], goal)]
            goals = {name: goal_words(goal) if isinstance(goal, tuple) else goal for name, goal in self.goals.items()}
            verdict = f": missed in {', '.join(missed)}" if missed else ": met"
            rows.append({"who": "goal" + verdict * (not quick), **goals})
        baselines = [self.figures["baseline"], *self.figures["other_baselines"]]
        rows += [
            {"who": f"baseline: {entry['name']}"} | {name: entry.get(name) for name in columns} for entry in baselines
        ]
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
    """Train a recipe's network and its baselines, evaluate them on the test split, write metrics.json and the models.

    Args:
        recipe: the recipe.
        setting: one of its settings; the first if None.
        seed: of all random numbers; it also selects the data set, if a setting has several.
        quick: use a part of the data and one epoch, to see that all works; the figures claim nothing.
        out: folder to write; runs/<recipe>-<setting> if None.
        force: replace the folder if it exists.
        vectors: word vectors for a setting that uses them; the 20,000 words of ELMAN_DATA if None.
        reporter: what the person sees; None: nothing.

    Raises:
        ArgumentError: no such setting, or the folder is taken.
        DataError: the data or the vectors are not available.
    """
    reporter = reporter or Reporter(quiet=True)
    name = next(iter(recipe.settings)) if setting is None else setting
    check_choice(f"recipe {recipe.name}", "setting", name, recipe.settings)
    chosen = recipe.setting(name, seed)
    folder = check_free(out or Path("runs") / (f"{recipe.name}-{name}" if name else recipe.name), force)
    overrides: Json = {"train": {"seed": seed}}
    if quick:  # some of the rows may have a class that the training rows lack
        overrides = {"train": {"seed": seed, "epochs": 1}, "data": {"bad_rows": "skip"}}
    document = merged(_with_vectors(chosen.document, vectors), overrides)
    if vectors is not None and document == merged(chosen.document, overrides):
        fail(f"recipe {recipe.name}", "vectors", "be left out for a setting that uses none", repr(str(vectors)))
    tables = DATASETS[chosen.data]()
    chosen = replace(chosen, show=with_inputs(chosen.show, list(document["input"]), tables.train))
    if quick:
        tables = Tables(*(table and _subset(table, seed, recipe) for table in tables))  # type: ignore[arg-type]
    begin = time.perf_counter()
    model = _run(recipe, document, tables, reporter)
    measure = _measure(recipe, chosen, overrides, tables, reporter)
    figures = measure(model)
    baselines, models = _baselines(recipe, chosen, document, tables, model, measure, reporter)
    report = {
        "recipe": recipe.name,
        "setting": name,
        "split": chosen.split + (" (a part of it: --quick claims nothing)" if quick else ""),
        "seed": seed,
        "minutes": round((time.perf_counter() - begin) / 60, 2),
        "metrics": figures,
        "signatures": model.metrics.get("signatures", {}),
        "baseline": baselines[0],
        "other_baselines": baselines[1:],
        "published": {
            entry.who: entry.figures[chosen.metric] for entry in chosen.published if chosen.metric in entry.figures
        },
    }
    for metric, signature in report["signatures"].items():
        reporter.note(f"{metric}: {signature}")
    examples = make_examples(model, chosen, tables)
    write_directory(folder, {"metrics.json": to_json(report), **pictures_of(model, chosen, tables, examples)}, force)
    model.save(folder / "model", force)
    for baseline in models:
        baseline.save(folder / "baseline", force)
    generated = save_examples(model, examples.generated, folder)
    example = _example(chosen, generated)
    return Result(report, folder, model, examples.traces, generated, chosen.metric, chosen.goals, example)


def _example(chosen: Setting, generated: list[tuple[str, str]]) -> str:
    """An input value to type on the command line: the first example; none for several columns."""
    first = next(iter([*chosen.show, *(prompt for prompt, _ in generated)]), "")
    return first if isinstance(first, str) else ""


def _run(recipe: Recipe, document: Json, tables: Tables, reporter: Reporter) -> Model:
    """One complete training: an interrupted one has no figures."""
    model = run(document, tables, None, reporter=reporter)
    if model.metrics["training"]["ended"] == "interrupted":
        raise Interrupted(f"recipe {recipe.name} was interrupted; nothing was written.")
    return model


def _measure(
    recipe: Recipe, chosen: Setting, overrides: Json, tables: Tables, reporter: Reporter
) -> Callable[[Model], Json]:
    """The function that measures a network; for a round trip the reading network is trained first, once for all."""
    if chosen.faults:
        return lambda model: _figures(model) | scores_of_network(model, tables)
    if not chosen.round_trip:
        return _figures
    options = dict(chosen.round_trip)
    reading_recipe: Recipe = options.pop("recipe", recipe)
    reading, each = reading_recipe.setting(options.pop("setting")), options.pop("each")
    reporter.note(f"\nround trip  generated values are read by the network of {reading.name}")
    reader = _run(recipe, merged(reading.document, overrides), tables, reporter)
    return lambda writer: _figures(writer) | round_trip(writer, reader, tables, each, options)


def _baselines(
    recipe: Recipe,
    chosen: Setting,
    document: Json,
    tables: Tables,
    model: Model,
    measure: Callable[[Model], Json],
    reporter: Reporter,
) -> tuple[list[Json], list[Model]]:
    """The figures of the baselines, and the first network among them, if any."""
    figures: list[Json] = []
    models: list[Model] = []
    for baseline in chosen.baselines:
        reporter.note(f"\nbaseline  {baseline['name']}")
        simple = next(filter(baseline.__contains__, SIMPLE), None)
        if simple is not None:
            measured: Json = dict(SIMPLE[simple](baseline[simple], tables, model))
        else:
            train = merged(document["train"], baseline.get("train", {}))
            own: Json = {section: baseline[section] for section in ("input", "target") if section in baseline}
            own["data"] = merged(document["data"], baseline.get("data", {}))
            other = {**document, **own, "model": baseline["model"], "train": train}
            models.append(_run(recipe, other, tables, reporter))
            measured = measure(models[-1])
        figures.append({"name": baseline["name"], **measured})
    return figures, models[:1]


def _with_vectors(document: Json, vectors: Path | None) -> Json:
    """The document with the file of word vectors where it has the placeholder."""
    for name, options in document["input"].items():
        if options.get("vectors") != NEEDS_VECTORS:
            continue
        document = merged(document, {"input": {name: {"vectors": str(vectors or glove_vectors())}}})
    return document


def _subset(table: Table, seed: int, recipe: Recipe) -> Table:
    if recipe.data_options.get("time"):  # rows are consecutive steps
        return table.take(list(range(min(len(table), QUICK_STEPS))))
    if recipe.data_options.get("stream"):
        return Table({"text": ["".join(table.column("text"))[:QUICK_CHARACTERS]]}, table.source)
    if len(table) <= QUICK_ROWS:
        return table
    return table.take(np.random.default_rng(seed).permutation(len(table))[:QUICK_ROWS].tolist())


def _figures(model: Model) -> dict[str, Any]:
    """The metrics on the test split, or on the validation split if the data has no test split."""
    metrics: Json = model.metrics.get("test") or model.metrics["valid"]
    return {name: value for name, value in metrics.items() if name != "loss"}
