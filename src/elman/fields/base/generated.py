"""Fields that a network can generate step by step: sequences of symbols, and of frames of numbers."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.fields.base.field import Input, Steps

# The largest uniform sample that float32 can tell from 1: inverse distribution functions may be infinite at 0 and 1.
NEAREST_ONE = 1 - 2.0**-24
# (ids, whether they are the last) -> the text that they add to that of the ids before them.
TextReader = Callable[[Sequence[int], bool], str]


class Generated(Steps, Input):
    """A sequence that can be generated step by step, each step fed back as the next input.

    Args:
        name: the column.
        generated: whether it is a target.
        continues: whether it is the continuation of itself, as in language modelling: no other target is the right one.
    """

    def __init__(self, name: str, generated: bool = False, continues: bool = False) -> None:
        super().__init__(name)
        self.generated, self.continues = generated, continues

    @abstractmethod
    def encode_prompt(self, value: Any) -> np.ndarray:
        """A parsed value that is to be continued -> its steps (T, ...), as they are fed back.

        Raises:
            BadValueError: none of it is known.
        """

    @abstractmethod
    def truth(self, value: Any) -> Any:
        """A parsed value -> what a prediction is compared with: the value itself, whatever the vocabulary knows."""

    def as_cell(self, value: Any) -> Any:
        """What the user reads -> a cell of a table that holds it, for another network to read."""
        return value


class Symbols(Generated):
    """A sequence of symbols, each one of V.

    Where the field is `generated`, `encode` ends every value with `end`; what is fed to the first step is `begin`. The
    head gives logits or log-probabilities of all symbols, (N, H) -> (N, V).
    """

    begin: int
    end: int
    never_generated: tuple[int, ...] = ()  # such as padding and the unknown token

    @abstractmethod
    def symbols(self) -> list[str]:
        """The V symbols as people know them, by id."""

    @abstractmethod
    def reader(self) -> TextReader:
        """What turns ids into text as they come; `begin`, `end` and padding are left out."""

    def decode_sequence(self, encoded: Sequence[int]) -> str:
        return self.reader()(encoded, True)


class Frames(Generated):
    """A sequence of frames of C numbers each: `encode` gives (T, C).

    Where the field is `generated` and `stops`, it gives (T, C + 1): the last number is 1 at the last step, else 0, and
    is never fed back. What is fed to the first step is zeros.
    """

    size: int  # C, known once the field is fitted or restored
    stops: bool  # whether the network predicts where a sequence ends; else it is as long as is asked
    uniform_size: int  # uniform numbers that sampling one frame takes

    def names(self) -> list[str]:
        """What the numbers of a frame are called."""
        return [str(number) for number in range(1, self.size + 1)]

    @abstractmethod
    def next_frames(self, output: np.ndarray, uniform: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        """The next frame of each output (N, K) -> (N, C) float32.

        Args:
            output: of the head.
            uniform: (N, uniform_size) uniform samples in (0, 1), at least 2^-24 away from both, from which a frame is
                sampled; None: the likeliest is taken.
            temperature: above 0; the lower, the nearer a sampled frame is to the likeliest.
        """

    def end_probabilities(self, output: np.ndarray) -> np.ndarray:
        """The probability that the frame of each output (N, K) is the last, (N,), of a field that `stops`.

        A generated sequence ends at the median: where it is likelier than not that it has ended.
        """
        raise NotImplementedError

    def encode(self, value: Any) -> np.ndarray:
        frames = self.encode_prompt(value)
        if not (self.generated and self.stops):
            return frames
        last = np.arange(len(frames))[:, None] == len(frames) - 1
        return np.concatenate([frames, last.astype(np.float32)], 1)
