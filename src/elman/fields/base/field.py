"""What every field is: how a column's raw values become tensors, and how tensors become what the user reads."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from elman.layers import real_steps
from elman.types import Column, Json


class Field(ABC):
    """One column, or the columns that make one value.

    A subclass takes its `name` first and its options after, each a plain argument that a configuration file may set in
    `[input.NAME]` or `[target.NAME]`. What it learns in `fit` comes from the training split and from nowhere else.
    """

    kind: ClassVar[str]
    is_sequence: bool  # has steps (T, ...), or is one single value
    only_as_input: ClassVar[frozenset[str]] = frozenset()  # options that a target would not heed, and so may not have
    only_as_target: ClassVar[frozenset[str]] = frozenset()
    storage: ClassVar[pa.DataType]  # of parsed values that are kept in a file
    heeded_by_parse: ClassVar[frozenset[str]] = frozenset()  # options that change what `parse` gives
    fits_on_counts: ClassVar[bool] = False  # learns from all rows, however many: `fit` is given a Counter of values
    fits_on_files: bool = False  # reads more than the training split, so that what it learned must not be kept

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def parse(self, raw: Any) -> Any:
        """A cell as the reader gave it -> this field's value.

        Raises:
            BadValueError: the cell does not hold such a value.
        """

    @abstractmethod
    def fit(self, values: Any) -> None:
        """Learn what encoding needs (a vocabulary, classes, a scale) from the parsed values of the training split.

        `values` is a sequence that may lie in a file larger than memory, and is best passed over from front to end; or,
        where `fits_on_counts`, how often each value stands there.
        """

    @abstractmethod
    def encode(self, value: Any) -> np.ndarray:
        """A parsed value -> ids or scaled numbers: (T,) or (T, C) for a sequence, () for a single value; (K,) for a
        single value that has K of them, (C, H, W) for a picture.

        Raises:
            BadValueError: the value cannot be encoded, such as a class that training never saw.
        """

    def encode_batch(self, values: Sequence[Any]) -> list[np.ndarray]:
        """Parsed values -> what `encode` gives for each.

        Raises:
            BadValueError: one of them cannot be encoded.
        """
        return [self.encode(value) for value in values]

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        """A column as the reader gave it -> `storage`, all at once, where that is what `parse` gives for each cell.

        None where a cell is bad, or may be: then the column is parsed cell by cell.
        """
        return None

    def pack(self, value: Any) -> Any:
        """A parsed value -> what an array of `storage` is made from."""
        return value

    def unpack(self, stored: pa.Scalar) -> Any:
        """An element of an array of `storage` -> the parsed value."""
        return stored.as_py()

    def unpack_column(self, stored: pa.Array) -> list[Any]:
        """All elements of an array of `storage` -> the parsed values."""
        values: list[Any] = stored.to_pylist()
        return values

    def witnesses(self, column: pa.Array) -> list[Any]:
        """Values that stand for all of a column of `storage`, as plain JSON: if each can be encoded, all can."""
        return []

    @abstractmethod
    def learned(self) -> Json:
        """What `fit` learned, as plain JSON."""

    @abstractmethod
    def restore(self, learned: Json) -> None:
        """Take back what `learned` gave."""

    @abstractmethod
    def describe(self) -> str:
        """What the field found in the training split, in one line for people."""

    def keep(self, value: Any, stem: Path, title: str = "") -> list[Path]:
        """Write a value that the user reads as files to look at or to listen to, such as stem.png and stem.wav.

        Args:
            value: as the user reads it.
            stem: the files' path less the end of their names.
            title: what stands above a picture; without one the files' name.

        Returns: the files; none for a kind that is read as text.
        """
        return []


class Input(Field):
    """A field that a network can read."""

    @abstractmethod
    def encoder(self) -> nn.Module:
        """The module from encoded values to features, (B, T, ...) -> (B, T, D) or (B,) -> (B, D); has `output_size`."""

    @abstractmethod
    def pieces(self, value: Any) -> list[str]:
        """The steps of a parsed value as people know them, one name a step; one piece for a single value."""


class Target(Field):
    """A field that a network can answer with."""

    weight: float = 1.0  # of its loss where there are several targets
    references: str = "one"  # "all": an answer is held against every target that its input has
    metrics: tuple[str, ...]  # names in elman.metrics; the first decides which weights are best

    @abstractmethod
    def head(self, input_size: int) -> nn.Module:
        """The module from features (N, D) to output (N, K): a row each, or a step."""

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each row, or of each step of one, (N,): output (N, K), target (N,) or (N, K) as encoded."""

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """What training lowers in place of `loss`, where an option says so; evaluation always shows `loss`."""
        return self.loss(output, target)

    @abstractmethod
    def counted(self, target: Column) -> Tensor:
        """How many losses stand behind each row's, (B,): 1, or its steps that are scored."""

    def compared(self, values: Sequence[Any]) -> Sequence[Any]:
        """Values that the user reads, one a row, as the metrics take them."""
        return values


class Single(Target):
    """A target with one answer a row."""

    is_sequence = False

    @abstractmethod
    def decode(self, output: Tensor) -> list[Any]:
        """Output (B, K) -> what the user reads, one value a row, in the user's own units and names."""

    @abstractmethod
    def decode_target(self, target: Tensor) -> list[Any]:
        """Encoded targets (B, ...) -> the values that `decode` would give if the network were right."""

    def probabilities(self, output: Tensor) -> list[dict[str, float]] | None:
        """Output (B, K) -> the probability of each class, a dictionary a row; None where there are no classes."""
        return None

    def counted(self, target: Column) -> Tensor:
        return torch.ones(len(target.values), dtype=torch.long, device=target.values.device)


class Steps(Target):
    """A target with an answer for every step of a sequence."""

    is_sequence = True

    def steps_loss(self, head: nn.Module, features: Tensor, target: Column, lengths: Tensor | None = None) -> Tensor:
        """The loss of each row, summed over its scored steps, (B,); in training what training lowers.

        The head sees scored steps only: padding costs nothing, and changes nothing.

        Args:
            head: what `head` gave.
            features: (B, T, H), where T may be longer than the target's.
            target: encoded, (B, T) with lengths.
            lengths: (B,) real steps of the features, where these are other ones than the target's.
        """
        wanted = self.taught(target) if head.training else self.scored(target)
        losses = self.step_loss(head, features[:, : wanted.shape[1]][wanted], target.values[wanted])
        return losses.new_zeros(wanted.shape).masked_scatter(wanted, losses).sum(1)

    def taught(self, target: Column) -> Tensor:
        """Which steps training learns from, (B, T): those that are scored."""
        return self.scored(target)

    def scored(self, target: Column) -> Tensor:
        """Which steps are scored, (B, T): the real ones."""
        assert target.lengths is not None
        return real_steps(target.lengths, target.values.shape[1])

    def counted(self, target: Column) -> Tensor:
        return self.scored(target).sum(1)

    def step_loss(self, head: nn.Module, features: Tensor, target: Tensor) -> Tensor:
        """The loss of each step, (N,): features (N, H), target (N,); in training what training lowers."""
        loss = self.training_loss if head.training else self.loss
        return loss(head(features), target)

    @abstractmethod
    def read(self, encoded: Any) -> Any:
        """The encoded value of one row, (T, ...) -> what the user reads."""


class InStep(Steps):
    """A target with an answer for every step of what is read."""

    @abstractmethod
    def answer_steps(
        self, head: nn.Module, features: Tensor, lengths: Tensor
    ) -> tuple[list[Any], list[list[float]] | None]:
        """What the user reads, one value a row, and where there is one a step how probable each of its steps is:
        features (B, T, H), lengths (B,)."""
