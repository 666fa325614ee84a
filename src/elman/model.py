"""The user's handle on a trained network: its fields, its weights, its configuration, and what can be asked of it."""

import os
from collections.abc import Callable, Sequence
from glob import has_magic
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import tomli_w
import torch
from torch import Tensor

from elman.checks import check_choice, fail
from elman.config import RunConfig, check_document, resolved_options, without_none
from elman.data import BadRows, Parsed, Table, encode, from_memory, gather, parse, read
from elman.directory import Directory, to_json, write_directory
from elman.errors import ConfigError, ElmanError
from elman.fields import FIELDS, INPUTS, TARGETS, Category, Field, Input, Target
from elman.inference import Step, trace
from elman.network import Network
from elman.topologies import TOPOLOGIES, ManyToOne
from elman.training import outputs_of, scores_of
from elman.types import Json

MODEL_FILES = ("config.json", "fields.json", "metrics.json", "weights.safetensors")
LARGEST_KEEPSAKE = 1 << 26  # bytes
Source = Any  # a path, a pandas or Arrow table, a dictionary of columns, a list of dictionaries, or a list of values


class Model:
    """A network with everything that is needed to use it.

    Made by `elman.train` and `elman.load`. Inputs may be a list of values, a list of dictionaries, a dictionary of
    columns, a pandas or Arrow table, or the path of a file or folder.

    Attributes:
        config: the resolved configuration; `run.toml` in the run directory says the same.
        input, target: the fitted fields.
        network: the torch module.
        metrics: {"valid": {...}, "test": {...}, "training": {...}}; rates are fractions, F1 is on the 0-100 scale.
        path: the run directory, or None where the model was never saved.
        digest: SHA-256 of the run directory's manifest, or None.
    """

    def __init__(self, config: RunConfig, input: Input, target: Target, network: Network) -> None:
        self.config, self.input, self.target, self.network = config, input, target, network
        self.metrics: Json = {}
        self.path: Path | None = None
        self.digest: str | None = None
        # Files that are only kept, such as the log and the curves; or what makes one when the model is saved.
        self.keepsakes: dict[str, bytes | Callable[[], bytes]] = {}
        self.skipped = ""  # what the last call left out, where bad rows are skipped

    @property
    def classes(self) -> list[Any]:
        """The classes of a category target, in the order of `predict_proba`'s columns.

        Raises:
            ArgumentError: the target has none.
        """
        if not isinstance(self.target, Category):
            fail("model", "the target", "be a category", self.target.kind)
        return self.target.labels()

    def predict(self, values: Source, bad_rows: str = "refuse") -> np.ndarray:
        """The answer for each row, (rows,): classes by their names, numbers in the column's own unit.

        Raises:
            DataError: a row cannot be used and `bad_rows` is "refuse"; "skip" leaves such rows out.
        """
        return np.array(self.target.decode(self._outputs(values, bad_rows)))

    def predict_proba(self, values: Source, bad_rows: str = "refuse") -> np.ndarray:
        """The probability of each class, (rows, K), columns as in `classes`.

        Raises:
            ArgumentError: the target has no classes.
            DataError: as `predict`.
        """
        columns = len(self.classes)
        found = self.target.probabilities(self._outputs(values, bad_rows)) or []
        return np.array([list(row.values()) for row in found]).reshape(-1, columns)

    def answers(self, values: Source, bad_rows: str = "refuse") -> list[Json]:
        """What `elman predict` prints: {"prediction": ..., "probabilities": {...}} a row.

        Raises:
            DataError: as `predict`.
        """
        outputs = self._outputs(values, bad_rows)
        predictions: list[Json] = [{"prediction": value} for value in self.target.decode(outputs)]
        for row, chances in zip(predictions, self.target.probabilities(outputs) or [], strict=False):
            row["probabilities"] = chances
        return predictions

    def evaluate(self, data: Source, bad_rows: str = "refuse") -> Json:
        """{"rows": n, "metrics": {...}} on rows that have the target's column too.

        Raises:
            DataError: as `predict`.
        """
        bad = self._policy(bad_rows)
        parsed = parse(self._table(data, bad), self.input, self.target, bad)
        _, examples = encode(parsed, self.input, self.target, bad)
        scores = scores_of(outputs_of(self.network, examples), self.target, examples)
        self.skipped = bad.summary()
        return {"rows": len(examples), "metrics": {name: scores[name] for name in self.target.metrics}}

    def trace(self, value: Any) -> list[Step]:
        """The answer after each step of one value, see `elman.inference.trace`.

        Raises:
            DataError: the value cannot be used.
        """
        parsed, _ = encode(self._parsed([value], BadRows()), self.input, None, BadRows())
        return trace(self.network, self.input, self.target, parsed.inputs[0])

    def info(self) -> Json:
        """What the model is: fields, topology, cell, sizes, parameters, digest, state policy, figures."""
        options = dict(self.config.model)
        topology = options.pop("topology")
        trained = sum(p.numel() for p in self.network.parameters() if p.requires_grad)
        recurrent = isinstance(self.network.topology, ManyToOne)
        begins = options.get("initial_state")
        return {
            "run": str(self.path) if self.path else None,
            "elman": version("elman"),
            "input": {"name": self.input.name, "kind": self.input.kind},
            "target": {"name": self.target.name, "kind": self.target.kind},
            "topology": topology,
            "cell": options.pop("cell", None),
            "sizes": options,
            "parameters": {"all": sum(p.numel() for p in self.network.parameters()), "trained": trained},
            "state": f"begins {begins} with each sequence, is not carried over" if recurrent else "none",
            "metrics": self.metrics,
            "digest": self.digest,
        }

    def save(self, path: str | Path, force: bool = False) -> "Model":
        """Write the run directory, whole or not at all.

        Raises:
            ArgumentError: the path is taken and `force` is not set.
            DataError: it cannot be written.
        """
        return self.written(path, write_directory(path, self.files(), force))

    def files(self) -> dict[str, bytes]:
        """The files of the run directory, by name."""
        return {
            **self.description(),
            "run.toml": tomli_w.dumps(without_none(self.config.model_dump())).encode(),
            "metrics.json": to_json(self.metrics),
            "weights.safetensors": safetensors.torch.save(self.network.state_dict()),
            **{name: kept() if callable(kept) else kept for name, kept in self.keepsakes.items()},
        }

    def written(self, path: str | Path, digest: str) -> "Model":
        """This model, which now stands in a run directory with such a digest."""
        self.path, self.digest = Path(path), digest
        return self

    def description(self) -> dict[str, bytes]:
        """The files from which `described` makes the configuration and the fields again."""
        document = without_none(self.config.model_dump())
        return {
            "config.json": to_json({"elman": version("elman"), "config": document}),
            "fields.json": to_json({field.name: field.learned() for field in (self.input, self.target)}),
        }

    def _policy(self, bad_rows: str) -> BadRows:
        check_choice("model", "bad_rows", bad_rows, ("refuse", "skip"))
        return BadRows(bad_rows == "skip")

    def _outputs(self, values: Source, bad_rows: str) -> Tensor:
        bad = self._policy(bad_rows)
        _, examples = encode(self._parsed(values, bad), self.input, None, bad)
        self.skipped = bad.summary()
        return outputs_of(self.network, examples)

    def _parsed(self, values: Source, bad: BadRows) -> Parsed:
        return parse(self._table(values, bad), self.input, None, bad)

    def _table(self, values: Source, bad: BadRows) -> Table:
        if isinstance(values, str) and not (os.path.exists(values) or has_magic(values)):
            fail(
                "model", "the values", "be a list, a table or a path that exists", repr(values), "Pass a list: [value]."
            )
        table = read(values, bad) if isinstance(values, (str, Path)) else from_memory(values, self.input.name)
        return gather(table, self.input, self.config.data.id, self.config.data.time, bad)


def load(path: str | Path) -> Model:
    """The model of a run directory, every file of it checked.

    Raises:
        DataError: there is no run directory.
        IntegrityError: a file is missing, or is not what was written.
    """
    directory = Directory(path, MODEL_FILES)
    config, input, target, network = described(directory)
    weights = directory.tensors("weights.safetensors", network.state_dict())
    network.load_state_dict({name: tensor.clone() for name, tensor in weights.items()}, assign=True)
    model = Model(config, input, target, network.eval())
    model.metrics, model.path, model.digest = directory.json("metrics.json"), Path(path), directory.digest
    others = {name: directory.read(name, LARGEST_KEEPSAKE) for name in directory.names if name not in MODEL_FILES}
    model.keepsakes = {name: content for name, content in others.items() if name != "run.toml"}  # written anew
    return model


def described(directory: Directory) -> tuple[RunConfig, Input, Target, Network]:
    """The configuration, the fitted fields and the network that a directory describes.

    The network stands on torch's meta device: its weights have names, shapes and types, and take no memory.

    Raises:
        ConfigError: a configuration that this version does not know.
        IntegrityError: the files are not what was written.
    """
    documents = directory.json("config.json"), directory.json("fields.json")
    try:
        config = check_document(documents[0]["config"])
        input, target = make_fields(config)
        for field in (input, target):
            field.restore(documents[1][field.name])
        with torch.device("meta"):
            return config, input, target, make_network(config, input, target)
    except ElmanError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        directory.refuse("config.json", "describe a network with fields.json", f"{type(error).__name__}: {error}")


def make_fields(config: RunConfig) -> tuple[Input, Target]:
    """The fields of a configuration whose kinds are known; it gets their options written out.

    Raises:
        ConfigError: a kind or option that does not exist.
    """
    input: Any = _make_field(config.input, "input", INPUTS)
    target: Any = _make_field(config.target, "target", TARGETS)
    return input, target


def make_network(config: RunConfig, input: Input, target: Target) -> Network:
    """The network of a configuration whose topology is known; it gets the topology's options written out.

    Raises:
        ConfigError: a topology or option that does not exist.
    """
    options = dict(config.model)
    name = options.pop("topology")
    check_choice("config", "model.topology", name, TOPOLOGIES, ConfigError)
    options = resolved_options(TOPOLOGIES[name], options, "model", f"topology {name}")
    config.model = {"topology": name, **options}
    try:
        return Network(input, target, name, options)
    except (MemoryError, RuntimeError) as error:  # torch has no class of its own for memory that cannot be had
        if "memory" not in str(error):
            raise
        then = "Lower model.hidden, model.layers or the size of the embedding."
        fail("config", "model", "fit in memory", str(options), then, ConfigError)


def _make_field(table: dict[str, Json], role: str, kinds: Sequence[str]) -> Field:
    name, options = next(iter(table.items()))
    kind = options["kind"]
    check_choice("config", f"{role}.{name}.kind", kind, kinds, ConfigError)
    field = FIELDS[kind]
    given = {key: value for key, value in options.items() if key != "kind"}
    without = field.only_as_target if role == "input" else field.only_as_input
    given = resolved_options(field, given, f"{role}.{name}", f"kind {kind}", without)
    table[name] = {"kind": kind, **given}
    return field(name, **given)
