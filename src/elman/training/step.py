"""One step down: the gradient of a batch, in pieces that fit in memory, clipped, followed, and the weights averaged."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from elman.data import Batch
from elman.errors import TrainingError
from elman.inference.memory import is_out_of_memory
from elman.network import Carried, Loss, Network, carried_from, joined, own_state
from elman.training.averaging import Average
from elman.training.device import random_state, set_random_state
from elman.training.history import History
from elman.training.optimizer import AdamW, add_noise, clip_gradient, rate
from elman.training.progress import Reporter

if TYPE_CHECKING:
    from elman.training.options import Trainer


class Descent:
    """The weights of a network on their way down.

    Args:
        how: the options of the training.
        network: on its device; its weights are changed in place.
        total: steps of the whole training.
        place: row -> where it came from, for messages.
        reporter: who is told when memory ran out.
    """

    def __init__(
        self, how: "Trainer", network: Network, total: int, place: Callable[[int], str], reporter: Reporter
    ) -> None:
        self.how, self.network, self.total, self.place, self.reporter = how, network, total, place, reporter
        self.device = network.device
        self.peak = how.lr or network.lr
        self.parameters = list(network.parameters())  # in the order in which norms are added up and noise is drawn
        self.optimiser = AdamW(network, self.peak, how.weight_decay)
        self.carried: Carried | None = None  # by the rows of a stream, from the batch before
        self.average = None if how.average == "none" else Average(network, how.average, how.average_decay)

    def step(self, batch: Batch, history: History) -> float:
        """Follow the gradient of a batch once; its mean loss before that.

        Raises:
            TrainingError: the loss or the gradient is not finite, or one row alone does not fit in memory.
        """
        how, network = self.how, self.network
        if not network.training:  # else every module is gone through for nothing
            network.train()
        share = rate(how.schedule, history.step, self.total, how.warmup, history.halvings)
        self.optimiser.lr = self.peak * share
        if not batch.follows:
            self.carried = None
        loss, losses = self._gradient(batch, history)
        self._check_finite("the loss", loss, batch, losses, history.step)
        norm = clip_gradient(self.parameters, how.clip or math.inf)
        self._check_finite("the gradient", norm, batch, losses, history.step)
        if how.gradient_noise:
            add_noise(self.parameters, how.gradient_noise, history.step)
        self.optimiser.step()
        if self.average:
            self.average.update(network, history.step + 1, self.total)
        return loss.item()

    def precision(self) -> torch.autocast:
        """In which numbers the network is computed."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.how.precision == "bfloat16")

    def tensors(self) -> dict[str, Tensor]:
        """The weights, their mean, what is carried over and the optimiser's state, by name."""
        found = {f"network.{name}": tensor for name, tensor in own_state(self.network).items()}
        for name, tensor in (self.average.mean if self.average else {}).items():
            found[f"mean.{name}"] = tensor
        for name, tensor in (self.carried.tensors() if self.carried else {}).items():
            found[f"carried.{name}"] = tensor
        for name, tensor in self.optimiser.tensors().items():
            found[f"optimiser.{name}"] = tensor
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        self.network.take_state(part_of(tensors, "network."))
        if self.average:
            self.average.restore(part_of(tensors, "mean."))
        carried = {name: tensor.to(self.device, copy=True) for name, tensor in part_of(tensors, "carried.").items()}
        self.carried = carried_from(self.network, carried)
        self.optimiser.restore(part_of(tensors, "optimiser."))

    def _gradient(self, batch: Batch, history: History) -> tuple[Tensor, Tensor]:
        """The mean loss, and that of each row (B,), whose gradients are added up; out of memory halves the micro-batch.

        The mean is over what is scored in the whole batch: rows, or the steps of sequences.
        """
        random = random_state(self.device)
        assert batch.targets is not None
        totals = self.network.total_counted(batch.targets)
        while True:
            self.optimiser.zero_grad()
            try:
                found = [self._backward(piece, totals) for piece in self._pieces(batch, history.micro_batch)]
                self.carried = joined([loss.carried for loss in found])
                return torch.stack([loss.share for loss in found]).sum(), torch.cat([loss.rows for loss in found])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            size = min(history.micro_batch, len(batch.rows))
            if size == 1:
                raise TrainingError(
                    f"training: a step must fit in memory, got none for one row of {batch.steps:,} steps. "
                    "Set model.memory = 'low', lower model.hidden, or cut the sequences."
                )
            history.micro_batch = (size + 1) // 2
            self.reporter.note(f"out of memory with {size} rows at once: from here on {history.micro_batch}")
            set_random_state(self.device, random)

    def _pieces(self, batch: Batch, size: int) -> Iterator[tuple[Batch, Carried | None]]:
        """A batch in micro-batches, each with what its rows carry over."""
        begin = 0
        for piece in batch.pieces(size):
            rows = slice(begin, begin + len(piece.rows))
            yield piece, None if self.carried is None else self.carried.part(rows)
            begin = rows.stop

    def _backward(self, piece: tuple[Batch, Carried | None], totals: Mapping[str, Tensor]) -> Loss:
        """The loss of a micro-batch, whose gradient is added up."""
        with self.precision():
            loss = self.network.loss(piece[0], totals, piece[1])
        loss.share.backward()  # type: ignore[no-untyped-call]
        return loss._replace(share=loss.share.detach())

    def _check_finite(self, what: str, value: Tensor, batch: Batch, losses: Tensor, step: int) -> None:
        if bool(torch.isfinite(value)):
            return
        guilty = batch.rows[~torch.isfinite(losses).cpu().numpy()]
        guilty = guilty if len(guilty) else batch.rows
        places = ", ".join(self.place(int(row)) for row in guilty[:5]) + (", ..." if len(guilty) > 5 else "")
        raise TrainingError(
            f"training: {what} must be finite, got {value.item()} at step {step + 1} (rows: {places}). "
            "Look at these rows, or lower train.lr."
        )


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by what follows it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
