"""A recipe: a worked example as data. Columns, network, published figures; no code for a particular task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elman.config.configuration import merged
from elman.metrics import METRICS
from elman.types import Json

NEEDS_VECTORS = "VECTORS"  # placeholder in a recipe for the file that the user names
Goal = float | tuple[float, float]
SECTIONS = ("data", "input", "target", "model", "train", "decode")


def reaches(metric: str, figure: float, goal: Goal) -> bool:
    """Whether a figure reaches a goal, or lies within its range; the rates of a round trip, which are not metrics, are
    better if higher."""
    if isinstance(goal, tuple):
        return goal[0] <= figure <= goal[1]
    higher = metric not in METRICS or METRICS[metric].higher_is_better
    return figure >= goal if higher else figure <= goal


class Published:
    """Figures that someone reported: `Published("who", accuracy=0.849)`; rates are fractions."""

    def __init__(self, who: str, **figures: float) -> None:
        self.who, self.figures = who, figures


@dataclass(frozen=True)
class Setting:
    """One variant of a recipe.

    Attributes:
        name: "" if a recipe has only one setting.
        data: a name of `elman.recipes.datasets.DATASETS`.
        split, seeds: see `Recipe`.
        document: the configuration.
        metric: the metric of the published figures.
        goals: figures to reach by metric, see `Recipe`.
        baselines: the baselines to beat, see `Recipe`.
        published: see `Recipe`.
        show, show_rows, faults: see `Recipe`.
        round_trip: see `Recipe`; {} for none.
    """

    name: str
    data: str
    split: str
    seeds: int
    document: Json
    metric: str
    goals: Mapping[str, Goal]
    baselines: list[Json]
    published: list[Published]
    show: list[Any]
    show_rows: int
    round_trip: Json
    faults: bool


@dataclass(frozen=True)
class Recipe:
    """A worked example on real data.

    Attributes:
        name: of `elman recipe NAME`.
        about: one line for the list of recipes.
        data: a name of `elman.recipes.datasets.DATASETS`.
        split: the split on which the figures are measured, in words.
        size: number of rows, in words, for the list.
        minutes: approximate time on 2 cores for one seed, baselines included.
        input, target, model, train, decode: as in a configuration; `data_options` is its `[data]`.
        metric: the metric of the published figures.
        goals: figures to reach, by setting and metric; (lowest, highest) for a range.
        beats: by metric the fraction of each baseline's figure to reach, such as {"perplexity": 0.75}: at most three
            quarters of it, because lower is better.
        baselines: the baselines to beat, the main one first. {"name": ..., "model": {...}, "train": {...}} is another
            network on the same data; its sections "input" and "target" replace those of the recipe, and its "data"
            overrides single keys. Instead of a model, "answer" names one of `baselines.answers.ANSWERS`, "naive" one
            of `baselines.naive.NAIVE`, "rolling": 24 scores readings by the 24 before them (`baselines.rolling`), and
            "markov": 2 predicts each generated symbol from the two before it (`baselines.markov`).
        published: figures that others reported.
        show: values that are traced step by step at the end, or used as prompts; for several inputs a dictionary each,
            which may name other columns, by which the inputs are looked up in the training split.
        show_rows: number of rows of the test split to show, with their generated and actual targets.
        faults: faults are injected into the test split; `auc` measures how well a network that predicts the next
            reading, and the baselines, detect them, see `elman.recipes.baselines.rolling`.
        settings: variants by name, each a configuration that overrides the recipe's; the first is the default. A
            setting may also have its own `metric`, `split`, `seeds`, `baselines`, `published` and `show`, and as
            `dataset` the name of other data, or several names, one for each seed.
        round_trip: {"setting": ..., "each": n, ...}: for every distinct input n targets are generated, with the other
            options as in `[decode]`. `unseen` is the fraction of them that is not in the training split; `agreement`
            is the fraction from which the network of the named setting predicts the original input. "recipe" is the
            recipe of that setting, if it is another one, on the same data. Baselines that are networks make the same
            round trip.
        seeds: number of seeds that `make results` runs.
    """

    name: str
    about: str
    data: str
    split: str
    size: str
    minutes: float
    metric: str
    baselines: list[Json]
    input: Json = field(default_factory=dict)
    target: Json = field(default_factory=dict)
    model: Json = field(default_factory=dict)
    train: Json = field(default_factory=dict)
    decode: Json = field(default_factory=dict)
    data_options: Json = field(default_factory=dict)
    goals: Mapping[str, Mapping[str, Goal]] = field(default_factory=dict)
    beats: Mapping[str, float] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    show: list[Any] = field(default_factory=list)
    show_rows: int = 0
    faults: bool = False
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

    def setting(self, name: str, seed: int = 0) -> Setting:
        """One of the settings, with the recipe's values as defaults; of several data sets that of the seed."""
        own = self.settings[name]
        data = own.get("dataset", self.data)
        document: Json = {
            section: getattr(self, "data_options" if section == "data" else section) for section in SECTIONS
        }
        document = merged(document, {section: own[section] for section in SECTIONS if section in own})
        return Setting(
            name,
            data if isinstance(data, str) else data[seed % len(data)],
            own.get("split", self.split),
            own.get("seeds", self.seeds),
            document,
            own.get("metric", self.metric),
            self.goals.get(name, {}),
            own.get("baselines", self.baselines),
            own.get("published", self.published),
            own.get("show", self.show),
            self.show_rows,
            own.get("round_trip", {}),
            self.faults,
        )


def goal_words(goal: Goal | list[float] | None) -> str:
    """A goal as text: a figure, or a range such as 0.77 to 0.83; empty if there is none.

    Example:
        >>> goal_words(0.0265), goal_words((0.77, 0.83)), goal_words(None)
        ('0.0265', '0.77 to 0.83', '')
    """
    bounds = goal if isinstance(goal, list | tuple) else [] if goal is None else [goal]
    return " to ".join(f"{bound:.4g}" for bound in bounds)
