"""What every topology is: how inputs and outputs line up in time."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class Topology(nn.Module, ABC):
    """The part of a network between the encoder of its input and the head of its target.

    A subclass takes the encoder's `input_size` first and its own options after, each a plain argument that a
    configuration file may set in `[model]`.
    """

    name: ClassVar[str]
    lr: ClassVar[float] = 2e-3  # the peak learning rate where none is given
    output_size: int  # features that the head gets

    @abstractmethod
    def forward(self, encoded: Tensor, lengths: Tensor | None) -> Tensor:
        """The encoded input, (B, T, D) with lengths (B,) or a single (B, D) with None -> features for the head."""
