"""Targets along what is read: a value for every step of it, or symbols that are each aligned with some of its steps."""

from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np

from elman.fields.base.field import Steps


class StepScores(NamedTuple):
    """What a head gives for every step of a batch of sequences, as arrays."""

    scores: np.ndarray  # (B, T, K), zeros in the padding
    lengths: np.ndarray  # (B,) real steps
    chain: "ChainScores | None" = None  # of a conditional random field


class ChainScores(NamedTuple):
    """The scores of a linear-chain conditional random field beside those of each step."""

    start: np.ndarray  # (K,)
    transitions: np.ndarray  # (K, K), from row to column
    end: np.ndarray  # (K,)


class InStep(Steps):
    """A target with a value for every step of what is read."""

    @abstractmethod
    def decode_steps(self, scores: StepScores) -> tuple[list[Any], list[list[float]] | None]:
        """What the user reads, one value a row, and the probability of each of its steps where there is one."""


class Aligned(InStep):
    """A target of a length of its own, whose symbols come in the order of what is read, each at some of its steps."""

    @abstractmethod
    def least_steps(self, encoded: np.ndarray) -> int:
        """How many steps must be read for an encoded value to be predicted."""

    @abstractmethod
    def truth(self, value: Any) -> Any:
        """A parsed value -> what a prediction is compared with: the value itself, whatever the vocabulary knows."""

    @abstractmethod
    def align(self, scores: StepScores) -> list[list[tuple[str, int, int]]]:
        """The symbols of each row's prediction, each with the first of its steps and the one after the last."""
