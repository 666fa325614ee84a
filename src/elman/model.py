"""The user's handle on a trained network: its fields, its weights, its configuration, and what can be asked of it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from glob import has_magic
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import tomli_w
import torch

from elman.building import make_decoding, make_fields, make_network
from elman.checks import check_choice, fail
from elman.config import RunConfig, check_document, resolved_options, without_none
from elman.data import BadRows, Batch, Examples, Table, encode, from_memory, gather, parse, read
from elman.directory import Directory, to_json, write_directory
from elman.errors import BadValueError, DataError, ElmanError
from elman.fields import Category, Field, Fields, Labels, Target
from elman.inference import Decoding, Step, hypotheses, symbols, trace
from elman.network import Network, own_state
from elman.topologies import Writer
from elman.training import Judged, judge, scores_of, signatures_of
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
        fields: the fitted fields that are read, and those that are answered, by name.
        network: the torch module.
        metrics: {"valid": {...}, "test": {...}, "training": {...}}; rates are fractions, F1 is on the 0-100 scale;
            "signatures", where BLEU or chrF was counted on the test rows, says how.
        path: the run directory, or None where the model was never saved.
        digest: SHA-256 of the run directory's manifest, or None.
    """

    def __init__(self, config: RunConfig, fields: Fields, network: Network) -> None:
        self.config, self.fields, self.network = config, fields, network
        self.decoding = make_decoding(config)
        self.metrics: Json = {}
        self.path: Path | None = None
        self.digest: str | None = None
        # Files that are only kept, such as the log and the curves; or what makes one when the model is saved.
        self.keepsakes: dict[str, bytes | Callable[[], bytes]] = {}
        self.skipped = ""  # what the last call left out, where bad rows are skipped

    @property
    def target(self) -> Target:
        """The (first) field that is answered."""
        return next(iter(self.fields.targets.values()))

    @property
    def input(self) -> Field:
        """The (first) field that is read; where a sequence is gone on with, that one."""
        return next(iter(self.fields.inputs.values()), self.target)

    @property
    def classes(self) -> list[Any]:
        """The classes of a category or labels target, in the order of `predict_proba`'s columns.

        Raises:
            ArgumentError: the target has none.
        """
        if len(self.fields.targets) > 1 or not isinstance(self.target, Category | Labels):
            kinds = ", ".join(field.kind for field in self.fields.targets.values())
            fail("model", "the target", "be one category, or labels", kinds)
        return self.target.labels()

    def predict(self, values: Source, bad_rows: str = "refuse", **decode: Any) -> np.ndarray | dict[str, np.ndarray]:
        """The answer for each row: classes by name or lists of them, numbers in the column's own unit, texts, tags.

        Args:
            values: rows.
            bad_rows: "refuse", or "skip" to leave out rows that cannot be used.
            decode: options of `elman.inference.Decoding`, for targets that are written, such as beam=5.

        Returns: an array, or where there are several targets one each, by name.

        Raises:
            DataError: a row cannot be used and `bad_rows` is "refuse".
        """
        found = self._judged(values, bad_rows, decode)
        arrays = {name: _array(judged.predictions) for name, judged in found.items()}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))

    def predict_proba(self, values: Source, bad_rows: str = "refuse") -> np.ndarray:
        """The probability of each class, (rows, K), columns as in `classes`.

        Raises:
            ArgumentError: the target has no classes.
            DataError: as `predict`.
        """
        columns = len(self.classes)
        (judged,) = self._judged(values, bad_rows).values()
        return np.array([list(row.values()) for row in judged.probabilities]).reshape(-1, columns)

    def answers(self, values: Source, bad_rows: str = "refuse", **decode: Any) -> list[Json]:
        """What `elman predict` prints: {"prediction": ..., "probabilities": {...}} a row; of several targets, by name.

        Raises:
            DataError: as `predict`.
        """
        found = self._judged(values, bad_rows, decode)
        each = {
            name: [
                {"prediction": value} | ({"probabilities": chances} if chances else {})
                for value, chances in zip(judged.predictions, judged.probabilities, strict=True)
            ]
            for name, judged in found.items()
        }
        if len(each) == 1:
            return next(iter(each.values()))
        return [dict(zip(each, row, strict=True)) for row in zip(*each.values(), strict=True)]

    def evaluate(self, data: Source, bad_rows: str = "refuse", **decode: Any) -> Json:
        """{"rows": n, "metrics": {...}} on rows that have the targets' columns too.

        Where BLEU or chrF is among the metrics, "signatures" says how each was counted.

        Raises:
            DataError: as `predict`.
        """
        bad = self._policy(bad_rows)
        examples = self._examples(self._table(data, bad), bad, targets=True)
        judged = judge(self.network, examples, True, self._decoding(decode))
        scores, signatures = scores_of(judged, self.fields), signatures_of(judged, self.fields)
        self.skipped = bad.summary()
        figures = {name: value for name, value in scores.items() if name != "loss"}
        return {"rows": len(examples), "metrics": figures} | ({"signatures": signatures} if signatures else {})

    def generate(
        self, prompts: Sequence[Any] | None = None, values: Source | None = None, **decode: Any
    ) -> list[list[str]]:
        """What the network writes, for each row its `n_best` texts, best first; a prompt stands before each.

        Args:
            prompts: what is gone on with, one a row; None: from the beginning, one row or as many as `values` has.
            values: rows of the inputs, where it writes from something.
            decode: options of `elman.inference.Decoding`, such as temperature=0.8, max_length=300.

        Raises:
            ArgumentError: the target is answered, not written.
            DataError: a prompt or value cannot be used.
        """
        batch, encoded, decoding = self._prompted(prompts, values, decode)
        field = self.network.written
        found = hypotheses(self.network, batch, decoding, encoded)
        return [
            [field.read([*before.tolist(), *one.symbols]) for one in row]
            for before, row in zip(encoded, found, strict=True)
        ]

    def stream(self, prompt: Any = None, values: Source | None = None, **decode: Any) -> Iterator[str]:
        """What `generate` writes for one row, piece by piece as it comes; args as there.

        Raises:
            ArgumentError, DataError: as `generate`; a beam, which knows what it wrote only at the end.
        """
        batch, (encoded,), decoding = self._prompted(None if prompt is None else [prompt], values, decode)
        field, known, said = self.network.written, encoded.tolist(), ""
        for symbol in chain([None], symbols(self.network, batch, decoding, encoded)):
            known += [] if symbol is None else [symbol]
            text = field.read(known)
            if text.startswith(said):  # words are set together as they come: a sign may take a space back
                yield text[len(said) :]
                said = text

    def _prompted(
        self, prompts: Sequence[Any] | None, values: Source | None, decode: Mapping[str, Any]
    ) -> tuple[Batch, list[np.ndarray], Decoding]:
        """The rows to be written, what stands before each, and how it is gone on with."""
        if not isinstance(self.network.topology, Writer):
            fail("generate", "the target", "be written", self.network.topology.name, "Use predict.")
        field = self.network.written
        if (values is None) == bool(self.fields.inputs):
            what = ", ".join(self.fields.inputs) or "nothing"
            fail("generate", "values", f"be those of {what}", "none" if values is None else "some")
        given = [None] * (1 if prompts is None else len(prompts)) if values is None else values
        if values is None:
            batch = Batch({}, None, np.arange(len(given)))
        else:
            examples = self._examples(self._table(values, BadRows()), BadRows())
            batch = examples.batch(np.arange(len(examples)))
        rows = len(batch.rows)
        if prompts is not None and len(prompts) != rows:
            fail("generate", "prompts", "be one a row", f"{len(prompts)} for {rows} rows")
        try:
            encoded = [field.encode_prompt(field.parse(prompt)) for prompt in prompts or ()]
        except BadValueError as error:
            raise DataError(f"the prompt {error}. Give some that training has seen.") from None
        return batch, encoded or [np.zeros(0, np.int64)] * rows, self._decoding(decode)

    def trace(self, value: Any) -> list[Step]:
        """The answer after each step of one value, see `elman.inference.trace`.

        Raises:
            DataError: the value cannot be used.
        """
        parsed = parse(self._table([value], BadRows()), self.fields, BadRows(), targets=False)
        return trace(self.network, {role.partition(".")[2]: found[0] for role, found in parsed.values.items()})

    def info(self) -> Json:
        """What the model is: fields, topology, cell, sizes, parameters, digest, state policy, figures."""
        options = dict(self.config.model)
        topology = options.pop("topology")
        trained = sum(p.numel() for p in self.network.parameters() if p.requires_grad)
        begins = options.get("initial_state")
        inputs, targets = (
            [{"name": field.name, "kind": field.kind} for field in side.values()] for side in self.fields
        )
        return {
            "run": str(self.path) if self.path else None,
            "elman": version("elman"),
            "input": inputs[0] if len(inputs) == 1 else inputs,
            "target": targets[0] if len(targets) == 1 else targets,
            "topology": topology,
            "cell": options.pop("cell", None),
            "sizes": options,
            "parameters": {"all": sum(p.numel() for p in self.network.parameters()), "trained": trained},
            "state": f"begins {begins} with each sequence, is not carried over" if begins else "none",
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
            "weights.safetensors": safetensors.torch.save(own_state(self.network)),
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
            "fields.json": to_json(self.fields.learned()),
        }

    def _policy(self, bad_rows: str) -> BadRows:
        check_choice("model", "bad_rows", bad_rows, ("refuse", "skip"))
        return BadRows(bad_rows == "skip")

    def _decoding(self, given: Mapping[str, Any]) -> Decoding:
        """The run's own way to look for what is written, with what was given laid over it."""
        if given and not isinstance(self.network.topology, Writer):
            fail("model", "an option", "fit a target that is answered, not written", ", ".join(given))
        return replace(
            self.decoding,
            **resolved_options(Decoding, {**self.config.decode, **given}, "decode", without=("forbidden",)),
        )

    def _judged(self, values: Source, bad_rows: str, decode: Mapping[str, Any] | None = None) -> dict[str, Judged]:
        bad = self._policy(bad_rows)
        examples = self._examples(self._table(values, bad), bad)
        self.skipped = bad.summary()
        return judge(self.network, examples, True, self._decoding(decode or {}))

    def _examples(self, table: Table, bad: BadRows, targets: bool = False) -> Examples:
        return encode(parse(table, self.fields, bad, targets), self.fields, bad)[1]

    def _table(self, values: Source, bad: BadRows) -> Table:
        if isinstance(values, str) and not (os.path.exists(values) or has_magic(values)):
            fail(
                "model", "the values", "be a list, a table or a path that exists", repr(values), "Pass a list: [value]."
            )
        table = read(values, bad) if isinstance(values, (str, Path)) else from_memory(values, self.input.name)
        return gather(table, self.fields, self.config.data.id, self.config.data.time, bad)


def _array(values: list[Any]) -> np.ndarray:
    """A value a row; lists, which may be of different lengths, stay what they are."""
    if not values or not isinstance(values[0], list):
        return np.array(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def load(path: str | Path) -> Model:
    """The model of a run directory, every file of it checked.

    Raises:
        DataError: there is no run directory.
        IntegrityError: a file is missing, or is not what was written.
    """
    directory = Directory(path, MODEL_FILES)
    config, fields, network = described(directory)
    weights = directory.tensors("weights.safetensors", own_state(network))
    network.take_state({name: tensor.clone() for name, tensor in weights.items()}, assign=True)
    model = Model(config, fields, network.eval())
    model.metrics, model.path, model.digest = directory.json("metrics.json"), Path(path), directory.digest
    others = {name: directory.read(name, LARGEST_KEEPSAKE) for name in directory.names if name not in MODEL_FILES}
    model.keepsakes = {name: content for name, content in others.items() if name != "run.toml"}  # written anew
    return model


def described(directory: Directory) -> tuple[RunConfig, Fields, Network]:
    """The configuration, the fitted fields and the network that a directory describes.

    The network stands on torch's meta device: its weights have names, shapes and types, and take no memory.

    Raises:
        ConfigError: a configuration that this version does not know.
        IntegrityError: the files are not what was written.
    """
    documents = directory.json("config.json"), directory.json("fields.json")
    try:
        config = check_document(documents[0]["config"])
        fields = make_fields(config)
        fields.restore(documents[1])
        with torch.device("meta"):
            return config, fields, make_network(config, fields)
    except ElmanError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        directory.refuse("config.json", "describe a network with fields.json", f"{type(error).__name__}: {error}")
