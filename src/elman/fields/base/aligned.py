"""Targets that are shorter than what is read, and go along with it."""

from abc import abstractmethod
from typing import Any

import numpy as np
from torch import Tensor, nn

from elman.fields.base.field import InStep


class Aligned(InStep):
    """A target of a length of its own, whose symbols come in the order of what is read, each at some of its steps."""

    @abstractmethod
    def least_steps(self, encoded: np.ndarray) -> int:
        """How many steps must be read for an encoded value to be answered."""

    @abstractmethod
    def truth(self, value: Any) -> Any:
        """A parsed value -> what an answer is held against: the value itself, whatever the symbols know of it."""

    @abstractmethod
    def stretches(self, head: nn.Module, features: Tensor, lengths: Tensor) -> list[list[tuple[str, int, int]]]:
        """The symbols of each row's answer, with the steps that each stands at: the first, and the one after the last;
        features (B, T, H), lengths (B,)."""
