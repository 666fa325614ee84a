"""What every head is: features to an output that its field decodes, and the losses that training lowers."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from elman.encoders import TensorColumn
from elman.fields import ChainScores, Frames, StepScores, Symbols
from elman.fields.base.generated import NEAREST_ONE
from elman.layers import real_steps
from elman.layers.arrays import as_array


class Head(nn.Module, ABC):
    """How a network predicts a field: features (N, H) -> output (N, K), a row each or a step."""

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor: ...

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each row, or of each step of one, (N,): output (N, K), target (N,) or (N, K) as encoded."""

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """What training lowers in place of `loss`, where an option says so; evaluation always shows `loss`."""
        return self.loss(output, target)

    @abstractmethod
    def counted(self, target: TensorColumn) -> Tensor:
        """How many losses each row's is the sum of, (B,): 1, or its steps that are scored."""

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        return (self.training_loss if self.training else self.loss)(output, target)


class SingleHead(Head):
    """A head with one output a row."""

    def row_losses(self, features: Tensor, target: TensorColumn) -> Tensor:
        """The loss of each row, (B,), of features (B, H); in training what training lowers."""
        return self._loss(self(features), target.values)

    def counted(self, target: TensorColumn) -> Tensor:
        return torch.ones(len(target.values), dtype=torch.long, device=target.values.device)


class StepsHead(Head):
    """A head with an output at every step of a sequence."""

    def row_losses(self, features: Tensor, target: TensorColumn, lengths: Tensor | None = None) -> Tensor:
        """The loss of each row, summed over its scored steps, (B,); in training what training lowers.

        The head sees scored steps only: padding costs nothing, and changes nothing.

        Args:
            features: (B, T, H), where T may be longer than the target's.
            target: encoded, (B, T) with lengths.
            lengths: (B,) real steps of the features, where these differ from the target's.
        """
        wanted = self.learned_steps(target) if self.training else self.scored_steps(target)
        losses = self.step_losses(features[:, : wanted.shape[1]][wanted], target.values[wanted])
        return losses.new_zeros(wanted.shape).masked_scatter(wanted, losses).sum(1)

    def step_losses(self, features: Tensor, target: Tensor) -> Tensor:
        """The loss of each step, (N,): features (N, H), target (N, ...); in training what training lowers."""
        return self._loss(self(features), target)

    def learned_steps(self, target: TensorColumn) -> Tensor:
        """Which steps training learns from, (B, T): those that are scored."""
        return self.scored_steps(target)

    def scored_steps(self, target: TensorColumn) -> Tensor:
        """Which steps are scored, (B, T): the real ones."""
        assert target.lengths is not None
        return real_steps(target.lengths, target.values.shape[1])

    def counted(self, target: TensorColumn) -> Tensor:
        return self.scored_steps(target).sum(1)


class InStepHead(StepsHead):
    """A head with an output at every step of what is read."""

    def scores(self, features: Tensor, lengths: Tensor) -> StepScores:
        """What the field decodes, as arrays: features (B, T, H), lengths (B,)."""
        return StepScores(as_array(self.padded_scores(features, lengths)), as_array(lengths), self.chain())

    def padded_scores(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Outputs (B, T, K) of features (B, T, H), from real steps only; zeros in the padding."""
        real = real_steps(lengths, features.shape[1])
        scores: Tensor = self(features[real])
        return scores.new_zeros(*real.shape, scores.shape[-1]).masked_scatter(real[..., None], scores)

    def chain(self) -> ChainScores | None:
        """The scores of a conditional random field beside those of each step."""
        return None


class GeneratedHead(StepsHead):
    """A head of a target that is generated step by step, each step fed back as the next input."""

    @abstractmethod
    def first(self, rows: int, device: torch.device) -> Tensor:
        """What is fed to the first step of n rows, (n, ...)."""

    def fed_back(self, target: Tensor) -> Tensor:
        """What is fed back of encoded steps, (..., *step) -> (..., *step)."""
        return target

    @abstractmethod
    def sample(self, output: Tensor) -> Tensor:
        """A step sampled from each output (N, K), by torch's generator -> (N, ...), as it is fed back."""

    def tie(self, encoder: nn.Module) -> None:
        """Share weights with what reads the steps that are fed back, where an option says so."""
        return


class SymbolsHead(GeneratedHead):
    """A head over V symbols.

    Args:
        field: the target.
        softmax: features (N, H) -> logits or log-probabilities (N, V).
    """

    def __init__(self, field: Symbols, softmax: nn.Module) -> None:
        super().__init__()
        self.begin, self.never_generated = field.begin, list(field.never_generated)
        self.softmax = softmax

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = self.softmax(features)
        return output

    def first(self, rows: int, device: torch.device) -> Tensor:
        return torch.full((rows,), self.begin, device=device)

    def sample(self, output: Tensor) -> Tensor:
        scores = output.clone()
        scores[:, self.never_generated] = -torch.inf
        return torch.multinomial(scores.softmax(-1), 1)[:, 0]


class FramesHead(GeneratedHead):
    """A head of frames of C numbers.

    Args:
        field: the target.
    """

    def __init__(self, field: Frames) -> None:
        super().__init__()
        self.field = field

    def first(self, rows: int, device: torch.device) -> Tensor:
        return torch.zeros(rows, self.field.size, device=device)

    def fed_back(self, target: Tensor) -> Tensor:
        return target[..., : self.field.size]

    def sample(self, output: Tensor) -> Tensor:
        uniform = torch.rand(len(output), self.field.uniform_size, device=output.device)
        uniform = uniform.clamp(1 - NEAREST_ONE, NEAREST_ONE)
        frames = self.field.next_frames(output.float().cpu().numpy(), uniform.cpu().numpy())
        return torch.from_numpy(np.asarray(frames, np.float32)).to(output)
