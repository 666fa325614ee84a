"""The training loop: batches in, gradients down, the validation score watched, the best weights kept."""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from elman.checks import check_range, fail
from elman.data import Batch, Examples, shuffled
from elman.errors import DataError, TrainingError
from elman.fields import Target
from elman.network import Network
from elman.training.averaging import Average
from elman.training.board import Board
from elman.training.checkpoint import Checkpoints, Saved, fingerprint
from elman.training.device import best_device, moved
from elman.training.estimate import estimate, trial_rows
from elman.training.evaluate import outputs_of, scores_of
from elman.training.history import Ended, History
from elman.training.memory import is_out_of_memory
from elman.training.metrics import METRICS
from elman.training.optimise import PLATEAU_WAIT, adamw, add_noise, rate
from elman.training.progress import Reporter

if TYPE_CHECKING:
    from elman.training.trainer import Trainer

TRIED = 100  # batches among which the largest and a middling one are looked for
EPOCHS, LEAST_STEPS, MOST_EPOCHS = 20, 1000, 200  # the default length of a training, see `Trainer`


class Run:
    """One training on its way: what `Trainer.fit` keeps between steps. Args as there."""

    def __init__(
        self,
        how: "Trainer",
        network: Network,
        target: Target,
        train: Examples,
        valid: Examples | None,
        reporter: Reporter,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.how, self.target, self.reporter, self.checkpoints = how, target, reporter, checkpoints
        self.train, self.valid = train, valid
        self.device = best_device()
        self.network = network.to(self.device)
        self.lr = how.lr or network.topology.lr
        self.optimiser = adamw(network, self.lr, how.weight_decay)
        self.steps = len(shuffled(train.lengths, how.batch, how.seed, 0))  # an epoch
        self.epochs = how.epochs or min(MOST_EPOCHS, max(EPOCHS, math.ceil(LEAST_STEPS / self.steps)))
        self.patience = math.ceil(self.epochs * how.evaluations / 4) if how.patience is None else how.patience
        self.history = History(micro_batch=min(how.batch, how.micro_batch or how.batch))
        self.metric = target.metrics[0]
        self.average = None if how.average == "none" else Average(network, how.average, how.average_decay)
        self.best_weights: dict[str, Tensor] | None = None
        self.board = Board(how.tensorboard, reporter) if how.tensorboard else None
        self.data = fingerprint(train) if checkpoints else ""

    def through(self, asked: threading.Event) -> History:
        """Train to the end, or until it is asked to stop."""
        how, steps, history = self.how, self.steps, self.history
        check_range("train", "evaluations", how.evaluations, high=steps, then=f"An epoch has {steps} steps.")
        if how.schedule == "plateau" and self.valid is None:
            fail("train", "schedule", "be cosine or constant without a validation split", "'plateau'")
        scored_at = {round(steps * part / how.evaluations) % steps for part in range(1, how.evaluations + 1)}
        self.begin = time.perf_counter() - history.seconds
        if self.checkpoints:
            self.checkpoints.begin(history.step if history.step else None)
            if not history.step:
                self._checkpoint()
        if not self.reporter.quiet:
            self._estimate()
        self.saved_at = time.perf_counter()
        with self.reporter.start(steps * self.epochs, history.step) as bar:
            for batch in self._batches():
                epoch = history.step // steps + 1
                try:
                    loss = self._step(epoch, batch)
                except TrainingError as error:
                    return self._end("diverged", str(error))
                history.losses.append(loss)
                bar.step(epoch, loss, len(batch.rows))
                ended = self._ended(asked)
                if history.step % steps in scored_at or ended == "minutes":
                    self._score()
                    if self.patience and history.since_best >= self.patience:
                        ended = ended or "patience"
                if ended == "interrupted" or self._checkpoint_is_due():
                    self._checkpoint()
                if ended:
                    return self._end(ended)
        return self._end("epochs")

    def _estimate(self) -> None:
        """Say what the training will take, from two trial steps that leave no trace."""
        how, lengths = self.how, self.train.lengths
        rows = trial_rows(lengths, list(islice(shuffled(lengths, how.batch, how.seed, 0), TRIED)))
        batches = [moved(self.train.batch(row), self.device) for row in rows]
        *_, largest = self._pieces(batches[0])  # rows stand in order of length
        try:
            self.reporter.note(str(estimate(self.network, largest, batches[1], self.steps * self.epochs)))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.reporter.note("needs     more memory than there is: batches will be read in pieces")

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step depends on, by name."""
        found = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for name, tensor in (self.best_weights or {}).items():
            found[f"best.{name}"] = tensor
        for name, tensor in (self.average.mean if self.average else {}).items():
            found[f"mean.{name}"] = tensor
        for index, state in self.optimiser.state_dict()["state"].items():
            for name, tensor in state.items():
                found[f"optimiser.{index}.{name}"] = tensor
        found["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            found["random.cuda"] = torch.cuda.get_rng_state()
        return found

    def restore(self, saved: Saved) -> None:
        """Go on where a checkpoint was written.

        Raises:
            DataError: the training rows are not those that it was trained on.
        """
        if saved.data != self.data:
            fail(
                "training",
                "the rows",
                "be those that it began with",
                "other ones",
                "Bring the data back as it was, or train anew with --force.",
                DataError,
            )
        self.history = saved.history
        self.network.load_state_dict(_part(saved.tensors, "network."))
        best = _part(saved.tensors, "best.")
        self.best_weights = {name: tensor.to(self.device, copy=True) for name, tensor in best.items()} or None
        if self.average:
            self.average.restore(_part(saved.tensors, "mean."))
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(saved.tensors, "optimiser.").items():
            index, _, key = name.partition(".")
            states.setdefault(int(index), {})[key] = tensor.clone()
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": states, "param_groups": groups})
        torch.set_rng_state(saved.tensors["random.cpu"].clone())
        if self.device.type == "cuda" and "random.cuda" in saved.tensors:
            torch.cuda.set_rng_state(saved.tensors["random.cuda"].clone())

    def _ended(self, asked: threading.Event) -> Ended | None:
        """Why training should end after this step, if it should."""
        if asked.is_set():
            return "interrupted"
        minutes = self._seconds() / 60
        return "minutes" if self.how.minutes is not None and minutes > self.how.minutes else None

    def _seconds(self) -> float:
        return time.perf_counter() - self.begin

    def _checkpoint_is_due(self) -> bool:
        if self.checkpoints is None or self.history.step == self.steps * self.epochs:
            return False
        every, minutes = self.how.checkpoint_steps, self.how.checkpoint_minutes
        if every is not None and self.history.step % every == 0:
            return True
        return minutes > 0 and time.perf_counter() - self.saved_at > 60 * minutes

    def _checkpoint(self) -> None:
        if self.checkpoints is None:
            return
        self.history.seconds = self._seconds()
        self.checkpoints.write(self.history, self.tensors(), self.data)
        self.saved_at = time.perf_counter()

    def _batches(self) -> Iterator[Batch]:
        """The batches that are still to come; the time that they take is noted."""
        history, how = self.history, self.how
        first, done = divmod(history.step, self.steps)
        for epoch in range(first, self.epochs):
            if not done:
                history.real = history.padded = 0
            for rows in islice(shuffled(self.train.lengths, how.batch, how.seed, epoch), done, None):
                begin = time.perf_counter()
                batch = moved(self.train.batch(rows), self.device)
                history.waited += time.perf_counter() - begin
                if batch.lengths is not None:
                    history.real += int(batch.lengths.sum())
                    history.padded += batch.inputs.shape[0] * batch.inputs.shape[1]
                yield batch
            done = 0

    def _step(self, epoch: int, batch: Batch) -> float:
        """One optimiser step; its mean loss."""
        how, network, history = self.how, self.network, self.history
        network.train()
        share = rate(how.schedule, history.step, self.steps * self.epochs, how.warmup, history.halvings)
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * share
        losses = self._forward_and_back(batch)
        loss = losses.mean()
        self._check_finite("the loss", loss, epoch, batch, losses)
        norm = nn.utils.clip_grad_norm_(network.parameters(), how.clip or math.inf)
        self._check_finite("the gradient", norm, epoch, batch, losses)
        if how.gradient_noise:
            add_noise(network, how.gradient_noise, history.step)
        self.optimiser.step()
        history.step += 1
        if self.average:
            self.average.update(network, history.step, self.steps * self.epochs)
        return loss.item()

    def _forward_and_back(self, batch: Batch) -> Tensor:
        """The loss of each row, (B,), and the gradients of their mean; out of memory halves the micro-batch."""
        history, random = self.history, torch.get_rng_state()
        while True:
            self.optimiser.zero_grad(set_to_none=True)
            try:
                return torch.cat([self._backward(piece, len(batch.rows)) for piece in self._pieces(batch)])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            size = min(history.micro_batch, len(batch.rows))
            if size == 1:
                raise TrainingError(
                    f"training: a step must fit in memory, got none for one row of {batch.inputs.shape[1]:,} steps. "
                    "Set model.memory = 'low', lower model.hidden, or cut the sequences."
                )
            history.micro_batch = (size + 1) // 2
            self.reporter.note(f"out of memory with {size} rows at once: from here on {history.micro_batch}")
            torch.set_rng_state(random)

    def _pieces(self, batch: Batch) -> Iterator[Batch]:
        """The batch in micro-batches, each cut to its own longest row."""
        size = self.history.micro_batch
        if size >= len(batch.rows):
            yield batch
            return
        for begin in range(0, len(batch.rows), size):
            part = slice(begin, begin + size)
            inputs, lengths, targets = batch.inputs[part], batch.lengths, batch.targets
            if lengths is not None:
                lengths = lengths[part]
                inputs = inputs[:, : int(lengths.max())]
            yield Batch(inputs, lengths, None if targets is None else targets[part], batch.rows[part])

    def _backward(self, piece: Batch, rows: int) -> Tensor:
        """The losses of a micro-batch, (B,); its share of the gradient of a batch of so many rows is added up."""
        assert piece.targets is not None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.how.precision == "bfloat16"):
            losses = self.network.loss(piece.inputs, piece.lengths, piece.targets)
        (losses.sum() / rows).backward()  # type: ignore[no-untyped-call]
        return losses.detach()

    def _check_finite(self, what: str, value: Tensor, epoch: int, batch: Batch, losses: Tensor) -> None:
        if bool(torch.isfinite(value)):
            return
        guilty = batch.rows[~torch.isfinite(losses).cpu().numpy()]
        guilty = guilty if len(guilty) else batch.rows
        places = ", ".join(self.train.place(int(row)) for row in guilty[:5]) + (", ..." if len(guilty) > 5 else "")
        step = self.history.step + 1
        raise TrainingError(
            f"training: {what} must be finite, got {value.item()} at step {step} (epoch {epoch}; rows: {places}). "
            "Look at these rows, or lower train.lr."
        )

    def _score(self) -> None:
        """Evaluate, log, and keep the weights if they are the best so far."""
        history = self.history
        seconds, epoch = self._seconds(), history.step / self.steps
        row: dict[str, Any] = {
            "step": history.step,
            "epoch": round(epoch, 4),
            "lr": self.optimiser.param_groups[0]["lr"],
            "train_loss": sum(history.losses) / len(history.losses),
            "seconds": round(seconds, 3),
            "sequences_per_second": round(epoch * len(self.train) / seconds, 1),
        }
        history.losses = []
        with self._averaged():
            self._keep_if_better(row)
        if self.checkpoints:
            self.checkpoints.log(history)
        if self.board:
            self.board.scored(row)

    def _keep_if_better(self, row: dict[str, Any]) -> None:
        history, better = self.history, True
        if self.valid is not None:
            scores = scores_of(outputs_of(self.network, self.valid), self.target, self.valid)
            row |= {f"valid_{name}": value for name, value in scores.items()}
            better = self._is_better(scores)
            self.reporter.scored(row["epoch"], row["train_loss"], self.metric, scores[self.metric], better)
        history.rows.append(row)
        history.since_best = 0 if better else history.since_best + 1
        if better:
            history.best = row
            self.best_weights = self._weights()
        elif history.since_best % PLATEAU_WAIT == 0:
            history.halvings += 1

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network with the mean of its weights, where one is asked for; after it with its own again."""
        if self.average is None:
            yield
            return
        own = self._weights()
        self.network.load_state_dict(self.average.mean)
        yield
        self.network.load_state_dict(own)

    def _is_better(self, scores: dict[str, float]) -> bool:
        best = self.history.best
        if not best:
            return True
        return self._rank(scores[self.metric], scores["loss"]) > self._rank(
            best[f"valid_{self.metric}"], best["valid_loss"]
        )

    def _rank(self, score: float, loss: float) -> tuple[float, float]:
        """What evaluations are compared by: the score, then the loss; one that is not a number is the worst."""
        signed = score if METRICS[self.metric].higher_is_better else -score
        return -math.inf if math.isnan(signed) else signed, -math.inf if math.isnan(loss) else -loss

    def _end(self, ended: Ended, message: str = "") -> History:
        if self.best_weights is None and ended == "interrupted":
            self._score()  # after the checkpoint, which knows nothing of it: so that there is something to keep
        if self.best_weights is None:
            raise TrainingError(message)
        self.network.load_state_dict(self.best_weights)
        self.network.cpu().eval()
        self.history.ended, self.history.message = ended, message
        self.history.seconds = self._seconds()
        return self.history


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by what follows it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
