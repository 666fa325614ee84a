"""Fields that a network can write step by step: sequences of symbols, and of frames of numbers."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from elman.fields.base.field import Input, Steps

# Of the chances that float32 knows: inverse distribution functions may be infinite at 0 and 1.
NEAREST_ONE = 1 - 2.0**-24
# (ids, whether they are the last) -> the text that they add to that of the ids before them.
Reader = Callable[[Sequence[int], bool], str]


class Writable(Steps, Input):
    """A sequence that can be written step by step, each step fed back as the next input."""

    # Set before the field is fitted or restored:
    written = False  # whether it is a target
    goes_on = False  # whether it is gone on with, so that nothing else is the right answer to it

    @abstractmethod
    def first(self, rows: int, device: torch.device) -> Tensor:
        """What is fed to the first step of so many rows, (B, ...)."""

    def fed(self, target: Tensor) -> Tensor:
        """What is fed back of encoded steps, (..., *step) -> (..., *step)."""
        return target

    @abstractmethod
    def drawn(self, output: Tensor) -> Tensor:
        """A step drawn from each output (N, K), by torch's generator -> (N, ...), as it is fed back."""

    def tie(self, head: nn.Module, encoder: nn.Module) -> None:
        """Let the head and what feeds steps back share their weights, where an option says so."""
        return

    @abstractmethod
    def encode_prompt(self, value: Any) -> np.ndarray:
        """A parsed value that is to be gone on with -> its steps (T, ...), as they are fed back.

        Raises:
            BadValueError: none of it is known.
        """

    @abstractmethod
    def truth(self, value: Any) -> Any:
        """A parsed value -> what an answer is held against: the value itself, whatever the encoded one knows of it."""

    def cell(self, value: Any) -> Any:
        """What the user reads -> a cell of a table that holds it, for another network to read."""
        return value


class Symbols(Writable):
    """A sequence of symbols, each one of V.

    Where the field is `written`, `encode` ends every value with `end`; what is fed to the first step is `begin`. The
    head gives logits or log-probabilities of all symbols, (N, H) -> (N, V).
    """

    begin: int
    end: int
    unwritten: tuple[int, ...] = ()  # symbols that are never written

    @abstractmethod
    def symbols(self) -> list[str]:
        """The V symbols as people know them, by id."""

    @abstractmethod
    def reader(self) -> Reader:
        """What reads ids as they come; `begin` and `end` and padding are left out."""

    def read(self, encoded: Sequence[int]) -> str:
        return self.reader()(encoded, True)

    def first(self, rows: int, device: torch.device) -> Tensor:
        return torch.full((rows,), self.begin, device=device)

    def drawn(self, output: Tensor) -> Tensor:
        scores = output.clone()
        scores[:, list(self.unwritten)] = -torch.inf
        return torch.multinomial(scores.softmax(-1), 1)[:, 0]


class Frames(Writable):
    """A sequence of frames of C numbers each: `encode` gives (T, C).

    Where the field is `written` and `stops`, it gives (T, C + 1): the last number is 1 at the last step, else 0, and is
    never fed back. What is fed to the first step is zeros.
    """

    size: int  # C, known once the field is fitted or restored
    stops: bool  # whether the network says where a sequence ends; else it is as long as is asked
    draws: int  # numbers that drawing one frame takes

    def names(self) -> list[str]:
        """What the numbers of a frame are called."""
        return [str(number) for number in range(1, self.size + 1)]

    @abstractmethod
    def following(self, output: Tensor, chance: Tensor | None, temperature: float = 1.0) -> Tensor:
        """The next frame of each output (N, K) -> (N, C).

        Args:
            output: of the head.
            chance: (N, draws) uniform in (0, 1), 2^-24 away from both at least, of which a frame is drawn; None: the
                likeliest is taken.
            temperature: above 0; the lower, the nearer a frame is drawn to the likeliest.
        """

    def ends(self, output: Tensor) -> Tensor:
        """How probable it is that the frame of each output (N, K) is the last, (N,), of a field that `stops`.

        What is written ends at the median: where it is likelier than not that it has ended.
        """
        raise NotImplementedError

    def encode(self, value: Any) -> np.ndarray:
        frames = self.encode_prompt(value)
        if not (self.written and self.stops):
            return frames
        last = np.arange(len(frames))[:, None] == len(frames) - 1
        return np.concatenate([frames, last.astype(np.float32)], 1)

    def first(self, rows: int, device: torch.device) -> Tensor:
        return torch.zeros(rows, self.size, device=device)

    def fed(self, target: Tensor) -> Tensor:
        return target[..., : self.size]

    def drawn(self, output: Tensor) -> Tensor:
        chance = torch.rand(len(output), self.draws, device=output.device)
        return self.following(output, chance.clamp(1 - NEAREST_ONE, NEAREST_ONE))
