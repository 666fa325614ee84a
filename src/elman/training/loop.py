"""The training loop: batches in, gradients down, the validation score watched, the best weights kept."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from torch import Tensor

from elman.checks import check_range, fail
from elman.data import Batch, Examples, shuffled
from elman.errors import TrainingError
from elman.inference.memory import is_out_of_memory
from elman.metrics import METRICS
from elman.metrics.scores import leading_metric
from elman.network import Network, own_state
from elman.training.checkpoint import Checkpoints, Saved, refuse_rows
from elman.training.device import best_device, random_state, set_random_state
from elman.training.estimate import estimate, trial_rows
from elman.training.evaluate import score
from elman.training.history import Ended, History
from elman.training.optimizer import PLATEAU_WAIT
from elman.training.progress import Reporter
from elman.training.step import Descent, part_of
from elman.training.tensorboard import Board

if TYPE_CHECKING:
    from elman.training.options import Trainer

TRIED = 100  # batches among which the largest and a middling one are looked for
EPOCHS, LEAST_STEPS, MOST_EPOCHS = 20, 1000, 200  # the default length of a training, see `Trainer`


class Run:
    """One training on its way: what `Trainer.fit` keeps between steps. Args as there."""

    def __init__(
        self,
        how: "Trainer",
        network: Network,
        train: Examples,
        valid: Examples | None,
        reporter: Reporter,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.how, self.reporter, self.checkpoints = how, reporter, checkpoints
        self.train, self.valid = train, valid
        self.device = best_device()
        self.network = network.to(self.device)
        self.steps = train.batches_an_epoch(how.batch)
        self.epochs = how.epochs or min(MOST_EPOCHS, max(EPOCHS, math.ceil(LEAST_STEPS / self.steps)))
        self.patience = math.ceil(self.epochs * how.evaluations / 4) if how.patience is None else how.patience
        self.history = History(micro_batch=min(how.batch, how.micro_batch or how.batch))
        self.metric = leading_metric(network.fields)
        self.descent = Descent(how, self.network, self.steps * self.epochs, train.place, reporter)
        self.best_weights: dict[str, Tensor] | None = None
        self.board: Board | None = None
        self.data = "".join(part.digest() for part in (train, valid) if part) if checkpoints else ""

    def through(self, asked: threading.Event) -> History:
        """Train to the end, or until it is asked to stop."""
        how, steps, history = self.how, self.steps, self.history
        check_range("train", "evaluations", how.evaluations, high=steps, then=f"An epoch has {steps} steps.")
        if how.schedule == "plateau" and self.valid is None:
            fail("train", "schedule", "be cosine or constant without a validation split", "'plateau'")
        scored_at = {round(steps * part / how.evaluations) % steps for part in range(1, how.evaluations + 1)}
        self.begin = time.perf_counter() - history.seconds
        if how.tensorboard:  # before anything is written to the run directory, for its folder may be none
            self.board = Board(how.tensorboard, self.reporter, history.step)
        if self.checkpoints:
            self.checkpoints.begin(history.step if history.step else None)
            if not history.step:
                self._checkpoint()
        if not self.reporter.console.quiet:
            self._estimate()
        self.saved_at = time.perf_counter()
        if self._out_of_patience():  # it was stopped in the very step after which it would have ended
            return self._end("patience")
        with self.reporter.start(steps * self.epochs, history.step) as bar:
            for batch in self._batches():
                epoch = history.step // steps + 1
                try:
                    loss = self._step(batch)
                except TrainingError as error:
                    return self._end("diverged", str(error))
                history.loss_sum += loss
                history.loss_count += 1
                bar.step(epoch, loss, len(batch.rows))
                ended = self._ended(asked)
                if history.step % steps in scored_at or ended == "minutes":
                    self._score()
                    if self._out_of_patience():
                        ended = ended or "patience"
                if ended == "interrupted" or (ended is None and self._checkpoint_is_due()):
                    self._checkpoint()
                if ended:
                    return self._end(ended)
        return self._end("epochs")

    def _out_of_patience(self) -> bool:
        return self.patience > 0 and self.history.since_best >= self.patience

    def _estimate(self) -> None:
        """Say what the training will take, from two trial steps that leave no trace."""
        how, lengths = self.how, self.train.lengths
        rows = trial_rows(lengths, list(islice(shuffled(lengths, how.batch, how.seed, 0), TRIED)))
        batches = [self.train.batch(row).to(self.device) for row in rows]
        # Rows stand in order of length, so that the last piece is the largest.
        (*_, largest), (*_, typical) = (batch.pieces(self.history.micro_batch) for batch in batches)
        steps = self.steps * self.epochs * math.ceil(how.batch / self.history.micro_batch)
        try:
            with self.descent.precision():
                self.reporter.note(str(estimate(self.network, largest, typical, steps)))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.reporter.note("needs     more memory than there is: batches will be read in pieces")

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step depends on, by name."""
        best = {f"best.{name}": tensor for name, tensor in (self.best_weights or {}).items()}
        return self.descent.tensors() | best | random_state(self.device)

    def restore(self, saved: Saved) -> None:
        """Go on where a checkpoint was written.

        Raises:
            DataError: the training rows are not those that it was trained on.
        """
        if saved.data != self.data:
            refuse_rows("other ones")
        self.history = saved.history
        best = part_of(saved.tensors, "best.")
        self.best_weights = {name: tensor.to(self.device, copy=True) for name, tensor in best.items()} or None
        self.descent.restore(saved.tensors)
        set_random_state(self.device, saved.tensors)

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
            coming = self.train.batches(how.batch, how.seed, epoch, done)
            while True:
                begin = time.perf_counter()
                batch = next(coming, None)
                history.waited += time.perf_counter() - begin
                if batch is None:
                    break
                for values, lengths in batch.columns:
                    if lengths is not None:
                        history.real += int(lengths.sum())
                        history.padded += values.shape[:2].numel()
                yield batch.to(self.device)
            done = 0

    def _step(self, batch: Batch) -> float:
        """One optimiser step; its mean loss."""
        begin = time.perf_counter()
        loss = self.descent.step(batch, self.history)
        self.history.worked += time.perf_counter() - begin
        self.history.step += 1
        return loss

    def _score(self) -> None:
        """Evaluate, log, and keep the weights if they are the best so far."""
        history = self.history
        seconds, epoch = self._seconds(), history.step / self.steps
        row: dict[str, Any] = {
            "step": history.step,
            "epoch": round(epoch, 4),
            "lr": self.descent.optimiser.lr,
            "train_loss": history.loss_sum / history.loss_count,
            "seconds": round(seconds, 3),
            "sequences_per_second": round(epoch * len(self.train) / seconds, 1),
        }
        history.loss_sum, history.loss_count = 0.0, 0
        with self._averaged():
            self._keep_if_better(row)
        if self.checkpoints:
            self.checkpoints.log(history)
        if self.board:
            self.board.scored(row)

    def _keep_if_better(self, row: dict[str, Any]) -> None:
        history, better = self.history, True
        if self.valid is not None:
            scores = score(self.network, self.valid, leading_only=True)
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
        return {name: tensor.clone() for name, tensor in own_state(self.network).items()}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network with the mean of its weights, where one is asked for; after it with its own again."""
        if self.descent.average is None:
            yield
            return
        own = self._weights()
        self.network.take_state(self.descent.average.mean)
        yield
        self.network.take_state(own)

    def _is_better(self, scores: dict[str, float]) -> bool:
        best = self.history.best
        if not best:
            return True
        return self._rank(scores[self.metric], scores["loss"]) > self._rank(
            best[f"valid_{self.metric}"], best["valid_loss"]
        )

    def _rank(self, score: float, loss: float) -> tuple[float, float]:
        """What evaluations are compared by: the score, then the loss; one that is not a number is the worst."""
        signed = score if METRICS[self.metric.rpartition(".")[2]].higher_is_better else -score
        return -math.inf if math.isnan(signed) else signed, -math.inf if math.isnan(loss) else -loss

    def _end(self, ended: Ended, message: str = "") -> History:
        if self.best_weights is None and ended == "interrupted":
            self._score()  # after the checkpoint, which knows nothing of it: so that there is something to keep
        if self.best_weights is None:
            raise TrainingError(message)
        self.network.take_state(self.best_weights)
        self.network.cpu().eval()
        self.history.ended, self.history.message = ended, message
        self.history.seconds = self._seconds()
        return self.history
