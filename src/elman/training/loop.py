"""The training loop: gradient steps on batches, evaluations on the validation split, the best weights kept."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

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
from elman.training.options import TrainingOptions
from elman.training.progress import Reporter
from elman.training.step import GradientDescent, with_prefix
from elman.training.tensorboard import EventFiles

SAMPLED = 100  # batches from which the largest and an average one are taken for the estimate
EPOCHS, LEAST_STEPS, MOST_EPOCHS = 20, 1000, 200  # the default length of a training, see `TrainingOptions`


class TrainingRun:
    """One training in progress: its state between steps. Args as `train_network`."""

    def __init__(
        self,
        options: TrainingOptions,
        network: Network,
        train: Examples,
        valid: Examples | None,
        reporter: Reporter,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.options, self.reporter, self.checkpoints = options, reporter, checkpoints
        self.train, self.valid = train, valid
        self.device = best_device()
        self.network = network.to(self.device)
        self.steps = train.batches_an_epoch(options.batch)
        self.epochs = options.epochs or min(MOST_EPOCHS, max(EPOCHS, math.ceil(LEAST_STEPS / self.steps)))
        self.patience = (
            math.ceil(self.epochs * options.evaluations / 4) if options.patience is None else options.patience
        )
        self.history = History(micro_batch=min(options.batch, options.micro_batch or options.batch))
        self.metric = leading_metric(network.fields)
        self.descent = GradientDescent(options, self.network, self.steps * self.epochs, train.place, reporter)
        self.best_weights: dict[str, Tensor] | None = None
        self.board: EventFiles | None = None
        self.data = "".join(split.digest() for split in (train, valid) if split) if checkpoints else ""

    def run(self, stop: threading.Event) -> History:
        """Train to the end, or until `stop` is set."""
        options, steps, history = self.options, self.steps, self.history
        check_range("train", "evaluations", options.evaluations, high=steps, then=f"An epoch has {steps} steps.")
        if options.schedule == "plateau" and self.valid is None:
            fail("train", "schedule", "be cosine or constant without a validation split", "'plateau'")
        scored_at = {round(steps * part / options.evaluations) % steps for part in range(1, options.evaluations + 1)}
        self.begin = time.perf_counter() - history.seconds
        if options.tensorboard:  # before anything is written to the run directory, as this may fail
            self.board = EventFiles(options.tensorboard, self.reporter, history.step)
        if self.checkpoints:
            self.checkpoints.begin(history.step if history.step else None)
            if not history.step:
                self._checkpoint()
        if not self.reporter.console.quiet:
            self._estimate()
        self.saved_at = time.perf_counter()
        if self._out_of_patience():  # it was interrupted at the very step after which it would have ended
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
                ended = self._ended(stop)
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
        """Report the memory and time that the training needs, from two trial steps that change nothing."""
        options, lengths = self.options, self.train.lengths
        rows = trial_rows(lengths, list(islice(shuffled(lengths, options.batch, options.seed, 0), SAMPLED)))
        batches = [self.train.batch(row) for row in rows]
        # Rows are in order of length, so that the last piece is the largest.
        (*_, largest), (*_, typical) = (batch.pieces(self.history.micro_batch) for batch in batches)
        steps = self.steps * self.epochs * math.ceil(options.batch / self.history.micro_batch)
        try:
            with self.descent.precision():
                self.reporter.note(str(estimate(self.network, largest, typical, steps)))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.reporter.note("needs     more memory than available: batches will be read in pieces")

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step depends on, by name."""
        best = {f"best.{name}": tensor for name, tensor in (self.best_weights or {}).items()}
        return self.descent.tensors() | best | random_state(self.device)

    def restore(self, saved: Saved) -> None:
        """Continue from a checkpoint.

        Raises:
            DataError: the training rows are not those that it was trained on.
        """
        if saved.data != self.data:
            refuse_rows("others")
        self.history = saved.history
        best = with_prefix(saved.tensors, "best.")
        self.best_weights = {name: tensor.to(self.device, copy=True) for name, tensor in best.items()} or None
        self.descent.restore(saved.tensors)
        set_random_state(self.device, saved.tensors)

    def _ended(self, stop: threading.Event) -> Ended | None:
        """Why training should end after this step, if it should."""
        if stop.is_set():
            return "interrupted"
        minutes = self._seconds() / 60
        return "minutes" if self.options.minutes is not None and minutes > self.options.minutes else None

    def _seconds(self) -> float:
        return time.perf_counter() - self.begin

    def _checkpoint_is_due(self) -> bool:
        if self.checkpoints is None or self.history.step == self.steps * self.epochs:
            return False
        every, minutes = self.options.checkpoint_steps, self.options.checkpoint_minutes
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
        """The remaining batches; the time to make them is recorded."""
        history, options = self.history, self.options
        first, done = divmod(history.step, self.steps)
        for epoch in range(first, self.epochs):
            if not done:
                history.real = history.padded = 0
            batches = self.train.batches(options.batch, options.seed, epoch, done)
            while True:
                begin = time.perf_counter()
                batch = next(batches, None)
                history.waited += time.perf_counter() - begin
                if batch is None:
                    break
                for values, lengths in batch.columns:
                    if lengths is not None:
                        history.real += int(lengths.sum())
                        history.padded += values.shape[0] * values.shape[1]
                yield batch
            done = 0

    def _step(self, batch: Batch) -> float:
        """One optimizer step; its mean loss."""
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
            "lr": self.descent.optimizer.lr,
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
        """Use the mean of the weights within the `with` block, if one is kept."""
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
        """The sort key of an evaluation: the score, then the loss; NaN ranks last."""
        signed = score if METRICS[self.metric.rpartition(".")[2]].higher_is_better else -score
        return -math.inf if math.isnan(signed) else signed, -math.inf if math.isnan(loss) else -loss

    def _end(self, ended: Ended, message: str = "") -> History:
        if self.best_weights is None and ended == "interrupted":
            self._score()  # after the checkpoint, which must not contain it, so that there are weights to save
        if self.best_weights is None:
            raise TrainingError(message)
        self.network.take_state(self.best_weights)
        self.network.cpu().eval()
        self.history.ended, self.history.message = ended, message
        self.history.seconds = self._seconds()
        return self.history


def train_network(
    options: TrainingOptions,
    network: Network,
    train: Examples,
    valid: Examples | None,
    reporter: Reporter,
    checkpoints: Checkpoints | None = None,
    saved: Saved | None = None,
    stop: threading.Event | None = None,
) -> History:
    """Train `network` in place and leave the best weights in it: best on `valid`, or the last without one.

    A request to stop ends it after the current step, with the best weights so far, and the history records it.

    Args:
        options: how to train.
        network: the network.
        train, valid: the examples of each split.
        reporter: what the person sees.
        checkpoints: where checkpoints go; None: none are written.
        saved: the contents of a checkpoint of this training, to continue from.
        stop: set it to stop the training, see `signals.stop_flag`.

    Raises:
        DataError: the rows are not those that `saved` was trained on.
        TrainingError: a loss or gradient was not finite before the first evaluation; later, the history records it.
    """
    run = TrainingRun(options, network, train, valid, reporter, checkpoints)
    if saved is not None:
        run.restore(saved)
    return run.run(stop or threading.Event())
