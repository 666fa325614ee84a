"""The facts of a model in one dictionary, from its run directory, without building the network."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from elman.storage.manifest import sha256
from elman.storage.read import Directory
from elman.types import Json

MODEL_FILES = ("config.json", "fields.json", "metrics.json", "weights.safetensors")


def info(path: str | Path) -> Json:
    """The same as `Model.info`, from a run directory, with every file verified.

    Raises:
        DataError: there is no run directory.
        IntegrityError: a file is missing, changed or damaged.
    """
    directory = Directory(path, MODEL_FILES)
    for name in directory.names:
        directory.read(name)
    document, metrics = directory.json("config.json"), directory.json("metrics.json")
    weights = sha256(directory.read("weights.safetensors"))
    try:
        return facts(document["config"], document["network"], metrics, weights) | {
            "run": str(path),
            "digest": directory.digest,
        }
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        directory.refuse("config.json", "describe a network", f"{type(error).__name__}: {error}")


def facts(config: Mapping[str, Any], network: Mapping[str, Any], metrics: Json, weights: str) -> Json:
    """The facts of a model: fields, topology, cell, sizes, parameters, state policy, metrics, digests.

    Args:
        config: the configuration, as in config.json.
        network: the facts of the network, as in config.json: {"parameters": {"all", "trained"}, "state"}.
        metrics: as in metrics.json.
        weights: the SHA-256 of weights.safetensors.

    Returns: the facts; "run" and "digest" are None for a model that was never saved.
    """
    options = dict(config["model"])
    topology = options.pop("topology")
    # Without a target the network continues its input: it is the target.
    sources, predicted = (config["input"], config["target"]) if config["target"] else ({}, config["input"])
    inputs, targets = (
        [{"name": name, "kind": column["kind"]} for name, column in side.items()] for side in (sources, predicted)
    )
    return {
        "run": None,
        "elman": version("elman"),
        "input": inputs[0] if len(inputs) == 1 else inputs,
        "target": targets[0] if len(targets) == 1 else targets,
        "topology": topology,
        "cell": options.pop("cell", None),
        "sizes": options,
        "parameters": dict(network["parameters"]),
        "state": str(network["state"]),
        "metrics": metrics,
        "weights": weights,
        "digest": None,
    }
