"""The options of a training that have a short name: one table for `elman.train` and for the command line.

It is apart from `elman.config.configuration`, which needs pydantic, so that `elman --help` stays instant.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from elman.types import Json


class ShortOption(NamedTuple):
    """A configuration key with a short name."""

    key: str  # as section.key
    help: str  # one line for the command line


SHORT_OPTIONS = {
    "topology": ShortOption(
        "model.topology",
        "one-to-one, one-to-many, many-to-one, many-to-many, next-step or encoder-decoder; inferred.",
    ),
    "cell": ShortOption(
        "model.cell",
        "lstm (default), gru, mingru, rnn, rnn-relu, rnn-identity, lstm-norm, gru-norm, memoryless.",
    ),
    "layers": ShortOption("model.layers", "Number of recurrent layers. (default: 1)"),
    "hidden": ShortOption("model.hidden", "Hidden size of a layer, in each direction. (default: 128)"),
    "bidirectional": ShortOption("model.bidirectional", "Read the input forwards and backwards."),
    "epochs": ShortOption(
        "train.epochs", "Passes over the training rows, at most. (default: 20; more for small tables)"
    ),
    "minutes": ShortOption("train.minutes", "Minutes to train, at most."),
    "seed": ShortOption("train.seed", "Seed of all random numbers. (default: 0)"),
    "id": ShortOption("data.id", "Column that names a row's sequence (long format)."),
    "time": ShortOption("data.time", "Column that orders a sequence's steps (long format)."),
    "horizon": ShortOption("data.horizon", "Steps to forecast; each row is a step."),
    "window": ShortOption("data.window", "Steps of history to read. (default: 4 horizons)"),
    "known": ShortOption("data.known", "Future covariate: a column whose values over the horizon are known."),
    "bad_rows": ShortOption("data.bad_rows", "Refuse a bad row, or skip, count and list it."),
}


def given_options(arguments: Mapping[str, Any]) -> Json:
    """The short options among a function's arguments that are not None, by name.

    >>> given_options({"source": "reviews.csv", "out": None} | dict.fromkeys(SHORT_OPTIONS) | {"hidden": 64})
    {'hidden': 64}
    """
    return {name: arguments[name] for name in SHORT_OPTIONS if arguments[name] is not None}
