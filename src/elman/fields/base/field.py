"""What every field is: how a column's raw values become arrays, and how arrays become what the user reads."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from elman.types import Json


class Field(ABC):
    """One column, or the columns that make one value.

    A subclass takes its `name` first, then what its place in the network says of it (such as whether it is generated),
    and its options as keyword arguments, each of which a configuration file may set in `[input.NAME]` or
    `[target.NAME]`. What it learns in `fit` comes from the training split and from nowhere else. A field is whole when
    it was constructed and fitted or restored: nobody sets its attributes from outside.

    How a network reads a field is its encoder in `elman.encoders`; how it predicts one, and the loss, is its head in
    `elman.heads`. Both are found by the field's `kind`.
    """

    kind: ClassVar[str]
    is_sequence: bool  # has steps (T, ...), or is one single value
    names_files: ClassVar[bool] = False  # cells may be paths of files; such a field has the option `root`
    input_options: ClassVar[frozenset[str]] = frozenset()  # options of an input alone, which a target may not have
    target_options: ClassVar[frozenset[str]] = frozenset()
    storage: ClassVar[pa.DataType]  # of parsed values that are kept in a file
    parse_options: ClassVar[frozenset[str]] = frozenset()  # attributes that change what `parse` gives
    fits_on_counts: ClassVar[bool] = False  # learns from all rows, however many: `fit` is given a Counter of values
    fits_on_files: bool = False  # reads more than the training split, so that what it learned must not be cached

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
        where `fits_on_counts`, how often each value occurs.
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

    def representative_values(self, column: pa.Array) -> list[Any]:
        """Values that represent all of a column of `storage`, as plain JSON: if each can be encoded, all can."""
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

    def save_artifacts(self, value: Any, stem: Path, title: str = "") -> list[Path]:
        """Write a value that the user reads as files to look at or to listen to, such as stem.png and stem.wav.

        Args:
            value: as the user reads it.
            stem: the files' path without the end of their names.
            title: what is written above a picture; the file's name if empty.

        Returns: the files; none for a kind that is read as text.
        """
        return []


class Input(Field):
    """A field that a network can read."""

    past_columns: Sequence[str] = ()  # columns of numbers whose past it reads, one a channel

    @abstractmethod
    def step_names(self, value: Any) -> list[str]:
        """The steps of a parsed value as people know them, one name a step; one name for a single value."""


class Target(Field):
    """A field that a network can predict."""

    references: str = "one"  # "all": a prediction is compared with every target that its input has
    metrics: tuple[str, ...]  # names in elman.metrics; the first decides which weights are best

    def compared(self, values: Sequence[Any]) -> Sequence[Any]:
        """Values that the user reads, one a row, as the metrics take them."""
        return values


class Single(Target):
    """A target with one value a row."""

    is_sequence = False

    @abstractmethod
    def decode(self, output: np.ndarray) -> list[Any]:
        """Output of the head (B, K) -> what the user reads, one value a row, in the user's own units and names."""

    @abstractmethod
    def decode_target(self, target: np.ndarray) -> list[Any]:
        """Encoded targets (B, ...) -> the values that `decode` would give if the network were right."""

    def probabilities(self, output: np.ndarray) -> list[dict[str, float]] | None:
        """Output (B, K) -> the probability of each class, a dictionary a row; None where there are no classes."""
        return None


class Steps(Target):
    """A target with a value for every step of a sequence."""

    is_sequence = True

    @abstractmethod
    def decode_sequence(self, encoded: Any) -> Any:
        """The encoded value of one row, (T, ...) -> what the user reads."""
