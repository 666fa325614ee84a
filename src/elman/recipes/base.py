"""What a recipe is: a worked example as data. Columns, network, what others reached; no code that knows a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elman.config import merged
from elman.metrics import METRICS
from elman.types import Json

NEEDS_VECTORS = "VECTORS"  # stands in a recipe for the file that the user names
Goal = float | tuple[float, float]
SECTIONS = ("data", "input", "target", "model", "train", "decode")


def reaches(metric: str, figure: float, goal: Goal) -> bool:
    """Whether a figure is as good as a goal, or within its range; the shares of a round trip, which are no metrics, are
    good if high."""
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
    """One way to follow a recipe.

    Attributes:
        name: "" where a recipe has one setting only.
        data: a name of `elman.recipes.datasets.DATASETS`.
        split, seeds: see `Recipe`.
        document: the configuration.
        metric: the metric that published figures are in.
        goals: figures to reach by metric, see `Recipe`.
        baselines: what the figures must beat, see `Recipe`.
        published: see `Recipe`.
        show, show_rows, faults: see `Recipe`.
        round_trip: see `Recipe`; {} where there is none.
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
        name: what `elman recipe NAME` calls it.
        about: one line for the list of recipes.
        data: a name of `elman.recipes.datasets.DATASETS`.
        split: the part of the data that the figures are of, in words.
        size: rows, in words, for the list.
        minutes: on 2 cores, about, a seed, baselines included.
        input, target, model, train, decode: as in a configuration; `reading` as its `[data]`.
        metric: the metric that published figures are in.
        goals: by setting the figures to reach, by metric, (lowest, highest) where a figure must lie between two; left
            out where there are none.
        beats: by metric what share of each baseline's figure is to be reached, such as {"perplexity": 0.75}: at most
            three quarters of it, for less is better there.
        baselines: what the figures must beat, the first of them first of all. {"name": ..., "model": {...}, "train":
            {...}} is another network on the same data, where it may have sections "input" and "target" of its own in
            place of the recipe's, and "data" over it. In place of a model "answer" names one of
            `baselines.answers.ANSWERS`, "naive" one of `baselines.naive.NAIVE`, "rolling": 24 scores readings by those
            before them (`baselines.rolling`), and "markov": 2 tells each symbol that is written from the two before it
            (`baselines.markov`).
        published: figures that others reported.
        show: values that are traced step by step at the end, or written from; a dictionary each of several inputs,
            or of other columns, by which the inputs are looked up in the training split.
        show_rows: so many rows of the test split are shown too, with what was written and what is there.
        faults: the test part's series gets faults, and it is counted how well a network that tells the next reading,
            and the baselines, find them (`auc`), see `elman.recipes.baselines.rolling`.
        settings: variants by name, each a configuration laid over the recipe's; the first is the default. One may also
            have a `metric`, `split`, `seeds`, `baselines`, `published` and `show` of its own, and as `dataset` a name
            of other data; or several names, of which each seed takes another.
        round_trip: {"setting": ..., "each": n, ...}: of every distinct input n targets are written, with the other
            options as in `[decode]`; it is counted how many training does not have (`unseen`), and of how many the
            network of the named setting, which reads what this one writes, tells rightly what its own target has
            (`agreement`). A "recipe" names the recipe of that setting, where it is another one, on the same data.
            Baselines that are networks make the same round trip.
        seeds: how many `make results` runs.
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
    reading: Json = field(default_factory=dict)
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
        """One of the settings, with what the recipe says for all of them; of several data sets that of the seed."""
        own = self.settings[name]
        data = own.get("dataset", self.data)
        document: Json = {section: getattr(self, "reading" if section == "data" else section) for section in SECTIONS}
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
    """A goal for people: a figure, or a range such as 0.77 to 0.83; nothing where there is none.

    Example:
        >>> goal_words(0.0265), goal_words((0.77, 0.83)), goal_words(None)
        ('0.0265', '0.77 to 0.83', '')
    """
    bounds = goal if isinstance(goal, list | tuple) else [] if goal is None else [goal]
    return " to ".join(f"{bound:.4g}" for bound in bounds)
