"""The user's handle on a trained network: its fields, its weights, its configuration, and what can be asked of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import safetensors.torch
import tomli_w

from elman.checks import fail, shown
from elman.config.configuration import RunConfig, without_none
from elman.data import BadRows, Batch, Examples, Table, encode, parse
from elman.data.requests import Values, each_usable, row_policy, scored_tables, table_given, tables_given
from elman.decoding import Decoding
from elman.fields import Category, Field, Fields, Frames, Labels, Symbols, Target, column_of
from elman.inference import (
    Answers,
    AttentionWeights,
    GeneratedText,
    Prompt,
    Step,
    Timestamp,
    as_objects,
    as_rows,
    attention_of,
    check_generates,
    check_has_attention,
    check_traces,
    evaluate,
    frames,
    next_in_table,
    pieces,
    rows_to_generate,
    texts,
    trace,
)
from elman.inference.timestamps import timestamps_of
from elman.metrics.scores import Predictions, finite, scores_of, signatures_of, symbols_of, wants_answers
from elman.model.build import decoding_for_generation, document_of, make_decoding, make_layout
from elman.network import Network, own_state
from elman.storage import facts, sha256, to_json, write_directory
from elman.topologies import NextStep
from elman.types import Json


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
        self.layout, self.decoding = make_layout(config, fields), make_decoding(config)
        self.metrics: Json = {}
        self.path: Path | None = None
        self.digest: str | None = None
        # Files that are only kept, such as the log and the curves; or what makes one when the model is saved.
        self.artifacts: dict[str, bytes | Callable[[], bytes]] = {}
        self.skipped = ""  # what the last call left out, where bad rows are skipped

    def __repr__(self) -> str:
        reads, answers = (" + ".join(fields) for fields in (self.fields.inputs, self.fields.targets))
        where = "never saved" if self.path is None else str(self.path)
        return f"<elman.Model {self.config.model['topology']}: {reads or 'history'} -> {answers}; {where}>"

    @property
    def target(self) -> Target:
        """The (first) field that is answered."""
        return next(iter(self.fields.targets.values()))

    @property
    def input(self) -> Field:
        """The (first) field that is read; where a sequence is continued, that one."""
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

    def predict(self, values: Values, bad_rows: str = "refuse", **decode: Any) -> np.ndarray | dict[str, np.ndarray]:
        """The answer for each row: classes by name or lists of them, numbers in the column's own unit, texts, tags.

        A next-step network answers with the likeliest next symbol; `generate` continues a text.

        Args:
            values: rows.
            bad_rows: "refuse", or "skip" to leave out rows that cannot be used.
            decode: options of `elman.decoding.Decoding`, for generated targets, such as beam=5.

        Returns: an array, or where there are several targets one each, by name.

        Raises:
            DataError: a row cannot be used and `bad_rows` is "refuse".
        """
        found: dict[str, list[Any]] = {name: [] for name in self.fields.targets}
        for piece in self._answered(values, bad_rows, decode):
            for name, answers in piece.items():
                found[name] += answers.predictions
        arrays = {name: as_objects(answers) for name, answers in found.items()}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))

    def predict_proba(self, values: Values, bad_rows: str = "refuse") -> np.ndarray:
        """The probability of each class, (rows, K), columns as in `classes`.

        Raises:
            ArgumentError: the target has no classes.
            DataError: as `predict`.
        """
        columns = len(self.classes)
        found = (answers for piece in self._answered(values, bad_rows) for answers in piece.values())
        rows = [list(row.values()) for answers in found for row in answers.probabilities or ()]
        return np.array(rows).reshape(-1, columns)

    def answers(self, values: Values, bad_rows: str = "refuse", **decode: Any) -> list[Json]:
        """What `elman predict` prints: {"prediction": ..., "probabilities": {...}} a row; of several targets, by name.

        The probabilities are those of all classes, or of the ten likeliest next symbols of a next-step network; of tags
        a list: that of the tag at each step. Where bad rows are skipped, "row" says where each answer's row came from.

        Raises:
            DataError: as `predict`.
        """
        return [answer for piece in self.answers_in_pieces(values, bad_rows, **decode) for answer in piece]

    def answers_in_pieces(self, values: Values, bad_rows: str = "refuse", **decode: Any) -> Iterator[list[Json]]:
        """What `answers` gives, some at a time: of files larger than `data.in_memory` never all are in memory.

        Raises: as `answers`, when the piece is reached.
        """
        found = self._answered(values, bad_rows, decode)
        return (as_rows(piece) for piece in found)

    def evaluate(self, data: Values, bad_rows: str = "refuse", **decode: Any) -> Json:
        """{"rows": n, "metrics": {...}} on rows that have the targets' columns too; one long text is one row.

        Where symbols are generated, as in texts, "symbols" is the number of those that the loss is averaged over:
        those of all targets together, with the end of each row. Where BLEU or chrF is among the metrics, "signatures"
        says how each was counted. None is a figure that is not defined, or infinite.

        Raises:
            DataError: as `predict`.
        """
        bad = row_policy(bad_rows)
        if decode and not wants_answers(self.fields):
            fail("evaluate", "an option", "change a figure: this model is scored by its loss alone", ", ".join(decode))
        answers, decoding = wants_answers(self.fields), self._for_one("evaluate", decode)
        tables = scored_tables(data, self.layout, self.config.data.in_memory, bad)
        given = each_usable(tables, lambda table: self.layout.examples(table, bad))
        parts = [evaluate(self.network, examples, answers, decoding, probabilities=False) for examples in given]
        predictions = {name: Predictions.joined([part[name] for part in parts]) for name in self.fields.targets}
        scores, signatures = scores_of(predictions, self.fields), signatures_of(predictions, self.fields)
        self.skipped = bad.summary()
        figures = finite({name: value for name, value in scores.items() if name != "loss"})
        found: Json = {"rows": 1 if self.layout.is_stream else len(next(iter(predictions.values())).losses)}
        if any(isinstance(field, Symbols) for field in self.fields.targets.values()):
            found["symbols"] = symbols_of(predictions, self.fields)
        return found | {"metrics": figures} | ({"signatures": signatures} if signatures else {})

    @overload
    def generate(
        self,
        prompts: Sequence[Any] | None = None,
        values: Values | None = None,
        *,
        stream: Literal[False] = False,
        **decode: Any,
    ) -> list[list[Any]]: ...

    @overload
    def generate(
        self,
        prompts: Sequence[Any] | None = None,
        values: Values | None = None,
        *,
        stream: Literal[True],
        **decode: Any,
    ) -> Iterator[str]: ...

    def generate(
        self,
        prompts: Sequence[Any] | None = None,
        values: Values | None = None,
        *,
        stream: bool = False,
        **decode: Any,
    ) -> list[list[Any]] | Iterator[str]:
        """Generate for each row `n_best` texts, best first; each begins with its prompt.

        A target of frames gives what the user reads of them, such as numbers (T, C).

        Where neither `decode` nor the run says how to choose, next-step and one-to-many sample at temperature 1, for
        there are many right answers, and an encoder-decoder takes the likeliest symbol. A network of one long text,
        which has no end, generates `max_length` symbols.

        Args:
            prompts: the texts to continue, one for all rows or one a row; None: from the beginning.
            values: rows of the inputs, where the network has some.
            stream: give the text of one row in pieces, each as soon as it is certain.
            decode: options of `elman.decoding.Decoding`, such as temperature=0.8, max_length=300.

        Returns: a list of texts for each row; with `stream` an iterator over the pieces of one text.

        Raises:
            ArgumentError: the target is not generated; or with `stream` a beam, whose text is known at the end only,
                or several rows.
            DataError: a prompt or value cannot be used.
        """
        if stream:
            batch, found = self._rows_to_generate(prompts, values)
            return pieces(self.network, batch, self.decoding_for(**decode), found[0])
        if not isinstance(self.target, Frames):
            return [[one.text for one in row] for row in self.n_best(prompts, values, **decode)]
        batch, found = self._rows_to_generate(prompts, values)
        return frames(self.network, batch, self.decoding_for(**decode), found)

    def n_best(
        self, prompts: Sequence[Any] | None = None, values: Values | None = None, **decode: Any
    ) -> list[list[GeneratedText]]:
        """What `generate` gives, each text with its log-probability, score, and whether it ended; args as there.

        Raises:
            ArgumentError: the target is not text.
        """
        if isinstance(self.target, Frames):
            fail("n_best", "the target", "be text", self.target.kind, "Use generate.")
        batch, found = self._rows_to_generate(prompts, values)
        return texts(self.network, batch, self.decoding_for(**decode), found)

    def decoding_for(self, **decode: Any) -> Decoding:
        """How `generate` chooses, with these options overriding the run's own.

        Raises:
            ArgumentError: options that do not go together.
        """
        return decoding_for_generation(self.config, decode)

    def attention(self, value: Any, **decode: Any) -> AttentionWeights:
        """What an encoder-decoder reads and generates for one value, and its attention: names and weights (T, S).

        Args:
            value: what is read; a dictionary of columns where there are several.
            decode: options of `elman.decoding.Decoding`.

        Raises:
            ArgumentError: the network has no attention over what it reads.
            DataError: the value cannot be used.
        """
        check_has_attention(self.network)
        values, row = self._one(value)
        return attention_of(self.network, row.batch(np.arange(1)), values, make_decoding(self.config, decode))

    def _rows_to_generate(self, prompts: Sequence[Any] | None, values: Values | None) -> tuple[Batch, list[Prompt]]:
        """The rows to generate for, and the prompt of each."""
        check_generates(self.network, values is not None)
        examples = None if values is None else self.layout.latest(self._table(values, BadRows()), BadRows())
        return rows_to_generate(self.network, prompts, examples)

    def trace(self, value: Any) -> list[Step]:
        """The answer after each step of one value, see `elman.inference.trace`.

        Raises:
            DataError: the value cannot be used.
        """
        check_traces(self.network)
        return trace(self.network, *self._one(value))

    def timestamps(self, values: Values, bad_rows: str = "refuse") -> list[list[Timestamp]]:
        """The symbols of each row's transcript and when each occurs: in seconds of audio, else in steps.

        Raises:
            ArgumentError: the (first) target is no transcript.
            DataError: as `predict`.
        """
        bad = row_policy(bad_rows)
        found = timestamps_of(self.network, self.layout.latest(self._table(values, bad), bad))
        self.skipped = bad.summary()
        return found

    def info(self) -> Json:
        """What the model is: fields, topology, cell, sizes, parameters, state policy, figures, digests.

        "weights" is the SHA-256 of weights.safetensors, "digest" that of the manifest, which covers all files.
        `elman.storage.info` gives the same of a run directory, without torch.
        """
        found = facts(**document_of(self.config, self.network), metrics=self.metrics, weights=sha256(self._weights()))
        return found | {"run": str(self.path) if self.path else None, "digest": self.digest}

    def save(self, path: str | Path, force: bool = False) -> "Model":
        """Write the run directory, whole or not at all.

        Raises:
            ArgumentError: the path is taken and `force` is not set.
            DataError: it cannot be written.
        """
        return self.saved_as(path, write_directory(path, self.files(), force))

    def files(self) -> dict[str, bytes]:
        """The files of the run directory, by name."""
        return {
            **self.description(),
            "run.toml": tomli_w.dumps(without_none(self.config.model_dump())).encode(),
            "metrics.json": to_json(self.metrics),
            "weights.safetensors": self._weights(),
            **{name: kept() if callable(kept) else kept for name, kept in self.artifacts.items()},
        }

    def _weights(self) -> bytes:
        return safetensors.torch.save(own_state(self.network))

    def saved_as(self, path: str | Path, digest: str) -> "Model":
        """This model, saved in a run directory with this digest."""
        self.path, self.digest = Path(path), digest
        return self

    def description(self) -> dict[str, bytes]:
        """The files from which `described` makes the configuration and the fields again."""
        return {
            "config.json": to_json({"elman": version("elman")} | document_of(self.config, self.network)),
            "fields.json": to_json(self.fields.learned()),
        }

    def _answered(
        self, values: Values, bad_rows: str, decode: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Answers]]:
        """What is answered to each table of the values, by target."""
        bad = row_policy(bad_rows)
        if isinstance(self.network.topology, NextStep) and decode:
            then = "Use generate for more than the next one."
            fail("predict", "an option", "fit the next symbol alone", ", ".join(decode), then)
        decoding = self._for_one("predict", decode or {})

        def answered(table: Table) -> dict[str, Answers]:
            if isinstance(self.network.topology, NextStep):
                return {self.target.name: next_in_table(self.network, table, bad)}
            examples = self.layout.latest(table, bad)
            place = examples.place if bad.skip else None
            predictions = evaluate(self.network, examples, True, decoding)
            return {name: Answers(one.predictions, one.probabilities, place) for name, one in predictions.items()}

        def each() -> Iterator[dict[str, Answers]]:
            try:
                yield from each_usable(self._tables(values, bad), answered)
            finally:
                self.skipped = bad.summary()

        return each()

    def _for_one(self, where: str, decode: Mapping[str, Any]) -> Decoding:
        """How the one answer of each row is decoded."""
        if decode.get("n_best", 1) != 1:
            fail(where, "n_best", "be 1: each row has one answer", shown(decode["n_best"]), "Use generate for several.")
        return make_decoding(self.config, decode)

    def _one(self, value: Any) -> tuple[dict[str, Any], Examples]:
        """The inputs of one row, parsed and encoded."""
        parsed = parse(self._table([value], BadRows()), self.fields, BadRows(), targets=False)
        parsed, examples = encode(parsed, self.fields, BadRows())
        return {column_of(role): found[0] for role, found in parsed.values.items()}, examples

    def _table(self, values: Values, bad: BadRows) -> Table:
        return table_given(values, self.layout, bad)

    def _tables(self, values: Values, bad: BadRows) -> Iterator[Table]:
        return tables_given(values, self.layout, self.config.data.in_memory, bad)
