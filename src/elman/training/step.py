"""One step of gradient descent: the gradient of a batch, computed in pieces that fit in memory, clipped and applied."""

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from elman.data import Batch
from elman.encoders import TensorBatch
from elman.errors import TrainingError
from elman.inference.memory import is_out_of_memory
from elman.network import Carried, Loss, Network, carried_from, joined, own_state
from elman.training.averaging import WeightAverage
from elman.training.device import random_state, set_random_state
from elman.training.history import History
from elman.training.optimizer import AdamW, add_noise, clip_gradient, learning_rate_factor
from elman.training.options import TrainingOptions
from elman.training.progress import Reporter


class GradientDescent:
    """Optimizes the weights of a network, one batch at a time.

    Args:
        options: the options of the training.
        network: on its device; its weights are changed in place.
        total: number of steps of the whole training.
        place: row -> where it came from, for messages.
        reporter: it reports when memory runs out.
    """

    def __init__(
        self, options: TrainingOptions, network: Network, total: int, place: Callable[[int], str], reporter: Reporter
    ) -> None:
        self.options, self.network, self.total, self.place, self.reporter = options, network, total, place, reporter
        self.device = network.device
        self.peak = options.lr or network.lr
        self.parameters = list(network.parameters())  # norms are added up and noise is sampled in this order
        self.optimizer = AdamW(network, self.peak, options.weight_decay)
        self.carried: Carried | None = None  # state that the rows of a stream carry over from the last batch
        self.average = (
            None if options.average == "none" else WeightAverage(network, options.average, options.average_decay)
        )

    def step(self, batch: Batch, history: History) -> float:
        """Apply the gradient of a batch once; returns its mean loss before that.

        Raises:
            TrainingError: the loss or the gradient is not finite, or one row alone does not fit in memory.
        """
        options, network = self.options, self.network
        if not network.training:  # avoids visiting every module for nothing
            network.train()
        factor = learning_rate_factor(options.schedule, history.step, self.total, options.warmup, history.halvings)
        self.optimizer.lr = self.peak * factor
        if not batch.follows:
            self.carried = None
        loss, losses = self._gradient(batch, history)
        self._check_finite("the loss", loss, batch, losses, history.step)
        norm = clip_gradient(self.parameters, options.clip or math.inf)
        self._check_finite("the gradient", norm, batch, losses, history.step)
        if options.gradient_noise:
            add_noise(self.parameters, options.gradient_noise, history.step)
        self.optimizer.step()
        if self.average:
            self.average.update(network, history.step + 1, self.total)
        return loss.item()

    def precision(self) -> torch.autocast:
        """The context in which the network is computed: float32 or autocast to bfloat16."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16")

    def tensors(self) -> dict[str, Tensor]:
        """The weights, their mean, the carried state and the optimizer's state, by name."""
        found = {f"network.{name}": tensor for name, tensor in own_state(self.network).items()}
        for name, tensor in (self.average.mean if self.average else {}).items():
            found[f"mean.{name}"] = tensor
        for name, tensor in (self.carried.tensors() if self.carried else {}).items():
            found[f"carried.{name}"] = tensor
        for name, tensor in self.optimizer.tensors().items():
            found[f"optimizer.{name}"] = tensor
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the result of `tensors`."""
        self.network.take_state(with_prefix(tensors, "network."))
        if self.average:
            self.average.restore(with_prefix(tensors, "mean."))
        carried = {name: tensor.to(self.device, copy=True) for name, tensor in with_prefix(tensors, "carried.").items()}
        self.carried = carried_from(self.network, carried)
        self.optimizer.restore(with_prefix(tensors, "optimizer."))

    def _gradient(self, batch: Batch, history: History) -> tuple[Tensor, Tensor]:
        """The mean loss and the loss of each row (B,), their gradients added up; running out of memory halves the
        micro-batch.

        The mean is over the scored rows of the whole batch, or over the scored steps of sequences.
        """
        random = random_state(self.device)
        whole = self.network.tensors(batch)
        assert whole.targets is not None
        totals = self.network.total_counted(whole.targets)
        while True:
            self.optimizer.zero_grad()
            try:
                pieces = self._pieces(batch, whole, history.micro_batch)
                found = [self._backward(piece, carried, totals) for piece, carried in pieces]
                self.carried = joined([loss.carried for loss in found])
                return torch.stack([loss.part for loss in found]).sum(), torch.cat([loss.rows for loss in found])
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

    def _pieces(self, batch: Batch, whole: TensorBatch, size: int) -> Iterator[tuple[TensorBatch, Carried | None]]:
        """The micro-batches of a batch, each with the carried state of its rows; `whole` is the batch as tensors."""
        begin = 0
        for piece in batch.pieces(size):
            rows = slice(begin, begin + len(piece.rows))
            tensors = whole if piece is batch else self.network.tensors(piece)
            yield tensors, None if self.carried is None else self.carried.part(rows)
            begin = rows.stop

    def _backward(self, piece: TensorBatch, carried: Carried | None, totals: Mapping[str, Tensor]) -> Loss:
        """The loss of a micro-batch; its gradient is added to the others."""
        with self.precision():
            loss = self.network.loss(piece, totals, carried)
        loss.part.backward()  # type: ignore[no-untyped-call]
        return loss._replace(part=loss.part.detach())

    def _check_finite(self, what: str, value: Tensor, batch: Batch, losses: Tensor, step: int) -> None:
        if bool(torch.isfinite(value)):
            return
        rows = batch.rows[~torch.isfinite(losses).cpu().numpy()]
        rows = rows if len(rows) else batch.rows
        places = ", ".join(self.place(int(row)) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        raise TrainingError(
            f"training: {what} must be finite, got {value.item()} at step {step + 1} (rows: {places}). "
            "Check these rows, or lower train.lr."
        )


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
