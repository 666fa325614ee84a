"""The training loop: batches in, gradients down, the validation score watched, the best weights kept."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range, fail
from elman.data import Batch, Examples, batches_an_epoch
from elman.errors import TrainingError
from elman.fields import Target
from elman.network import Network
from elman.training.evaluate import outputs_of, scores_of
from elman.training.metrics import METRICS
from elman.training.optimise import PLATEAU_WAIT, SCHEDULES, adamw, rate
from elman.training.progress import Reporter

EPOCHS, LEAST_STEPS, MOST_EPOCHS = 20, 1000, 200  # the default length of a training, see `Trainer`
Ended = Literal["epochs", "patience", "minutes", "interrupted", "diverged"]


@dataclass
class History:
    """What happened in a training.

    `rows` holds one dictionary an evaluation (step, epoch, lr, train_loss, valid_loss, valid_<metric>, seconds,
    sequences_per_second), `best` the one whose weights were kept, `padding` the share of the last epoch's steps that
    was padding.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    ended: Ended = "epochs"
    message: str = ""
    padding: float = 0.0
    seconds: float = 0.0


class Trainer:
    """How to train. Each argument may be set in `[train]`.

    Args:
        seed: of every random draw: the split, the first weights, dropout and the order of the rows.
        epochs: times that every training row is read, at most; None: 20, or as many as make 1,000 steps of a small
            table, at most 200.
        minutes: stop after so many, more than 0; None: no limit.
        batch: rows a step.
        lr: the peak learning rate; None: what suits the topology (`Topology.lr`).
        weight_decay: of AdamW, on matrices.
        clip: the largest norm of the gradient (Pascanu et al. 2013, arXiv 1211.5063); 0: not clipped.
        schedule: "cosine", "plateau" or "constant", see `optimise.rate`.
        warmup: 0 to 1, share of the steps over which the rate rises.
        patience: evaluations without a better validation score before training ends; 0: never; None: a quarter of all.
        evaluations: how often an epoch the validation split is scored.

    The weights that are kept are those of the best score; of equal scores, those with the lower validation loss.

    Raises:
        ArgumentError: a value out of its range.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        epochs: int | None = None,
        minutes: float | None = None,
        batch: int = 32,
        lr: float | None = None,
        weight_decay: float = 0.01,
        clip: float = 1.0,
        schedule: Literal["cosine", "plateau", "constant"] = "cosine",
        warmup: float = 0.05,
        patience: int | None = None,
        evaluations: int = 1,
    ) -> None:
        check_range("train", "seed", seed, low=0, high=2**63 - 1)
        for name, count in {"epochs": epochs, "batch": batch, "evaluations": evaluations}.items():
            check_range("train", name, 1 if count is None else count, low=1)
        for name, amount in {"weight_decay": weight_decay, "clip": clip, "patience": patience}.items():
            check_range("train", name, 0 if amount is None else amount, low=0)
        check_range("train", "warmup", warmup, low=0, high=1)
        check_range("train", "lr", 1.0 if lr is None else lr, low=1e-12, high=1e3, then="Try train.lr=0.001.")
        check_range("train", "minutes", 1.0 if minutes is None else minutes, low=1e-6)
        check_choice("train", "schedule", schedule, SCHEDULES)
        self.seed, self.epochs, self.minutes, self.batch, self.lr = seed, epochs, minutes, batch, lr
        self.weight_decay, self.clip, self.schedule, self.warmup = weight_decay, clip, schedule, warmup
        self.patience, self.evaluations = patience, evaluations

    def fit(
        self, network: Network, target: Target, train: Examples, valid: Examples | None, reporter: Reporter
    ) -> History:
        """Train `network` in place and leave the best weights in it: best on `valid`, or the last without one.

        Ctrl-C ends it after the step at hand, with the best weights so far, and the history says so.

        Raises:
            TrainingError: a loss or gradient was not finite before the first evaluation; later, the history says so.
        """
        run = _Run(self, network, target, train, valid, reporter)
        with _interrupt_flag() as interrupted:
            return run.through(interrupted)


class _Run:
    """One training on its way: what `Trainer.fit` keeps between steps."""

    def __init__(
        self,
        how: Trainer,
        network: Network,
        target: Target,
        train: Examples,
        valid: Examples | None,
        reporter: Reporter,
    ) -> None:
        self.how, self.network, self.target, self.reporter = how, network, target, reporter
        self.train, self.valid = train, valid
        self.lr = how.lr or network.topology.lr
        self.optimiser = adamw(network, self.lr, how.weight_decay)
        self.steps = batches_an_epoch(len(train), how.batch)
        self.epochs = how.epochs or min(MOST_EPOCHS, max(EPOCHS, math.ceil(LEAST_STEPS / self.steps)))
        self.patience = math.ceil(self.epochs * how.evaluations / 4) if how.patience is None else how.patience
        self.history = History()
        self.metric = target.metrics[0]
        self.best_weights: dict[str, Tensor] | None = None
        self.losses: list[float] = []  # since the last evaluation
        self.since_best = self.halvings = 0
        self.begin = time.perf_counter()

    def through(self, interrupted: threading.Event) -> History:
        how, steps = self.how, self.steps
        check_range("train", "evaluations", how.evaluations, high=steps, then=f"An epoch has {steps} steps.")
        if how.schedule == "plateau" and self.valid is None:
            fail("train", "schedule", "be cosine or constant without a validation split", "'plateau'")
        scored_after = {round(steps * part / how.evaluations) for part in range(1, how.evaluations + 1)}
        with self.reporter.start(steps * self.epochs) as bar:
            for step, batch in enumerate(self._batches()):
                epoch = step // steps + 1
                try:
                    loss = self._step(step, steps * self.epochs, epoch, batch)
                except TrainingError as error:
                    return self._end("diverged", str(error))
                self.losses.append(loss)
                bar.step(epoch, loss, len(batch.rows))
                ended = self._ended(interrupted)
                # What is cut short is scored too where nothing was yet, so that there is something to keep.
                if step % steps + 1 in scored_after or ended == "minutes" or (ended and self.best_weights is None):
                    self._score(step + 1, (step + 1) / steps)
                    if self.patience and self.since_best >= self.patience:
                        ended = ended or "patience"
                if ended:
                    return self._end(ended)
        return self._end("epochs")

    def _ended(self, interrupted: threading.Event) -> Ended | None:
        """Why training should end after this step, if it should."""
        if interrupted.is_set():
            return "interrupted"
        minutes = (time.perf_counter() - self.begin) / 60
        return "minutes" if self.how.minutes is not None and minutes > self.how.minutes else None

    def _batches(self) -> Iterator[Batch]:
        for epoch in range(self.epochs):
            real = padded = 0
            for batch in self.train.batches(self.how.batch, self.how.seed, epoch):
                yield batch
                if batch.lengths is not None:
                    real += int(batch.lengths.sum())
                    padded += batch.inputs.shape[:2].numel()
            self.history.padding = 1 - real / padded if padded else 0.0

    def _step(self, step: int, total: int, epoch: int, batch: Batch) -> float:
        how, network = self.how, self.network
        network.train()
        share = rate(how.schedule, step, total, how.warmup, self.halvings)
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * share
        assert batch.targets is not None
        losses = network.loss(batch.inputs, batch.lengths, batch.targets)
        loss = losses.mean()
        self._check_finite("the loss", loss, step, epoch, batch, losses.detach())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(network.parameters(), how.clip or math.inf)
        self._check_finite("the gradient", norm, step, epoch, batch, losses.detach())
        self.optimiser.step()
        return loss.item()

    def _check_finite(self, what: str, value: Tensor, step: int, epoch: int, batch: Batch, losses: Tensor) -> None:
        if bool(torch.isfinite(value)):
            return
        guilty = batch.rows[~torch.isfinite(losses).numpy()]
        guilty = guilty if len(guilty) else batch.rows
        places = ", ".join(self.train.place(int(row)) for row in guilty[:5]) + (", ..." if len(guilty) > 5 else "")
        raise TrainingError(
            f"training: {what} must be finite, got {value.item()} at step {step + 1} (epoch {epoch}; rows: {places}). "
            "Look at these rows, or lower train.lr."
        )

    def _score(self, step: int, epoch: float) -> None:
        """Evaluate, log, and keep the weights if they are the best so far."""
        seconds = time.perf_counter() - self.begin
        row: dict[str, Any] = {
            "step": step,
            "epoch": round(epoch, 4),
            "lr": self.optimiser.param_groups[0]["lr"],
            "train_loss": sum(self.losses) / len(self.losses),
            "seconds": round(seconds, 3),
            "sequences_per_second": round(epoch * len(self.train) / seconds, 1),
        }
        self.losses = []
        better = True
        if self.valid is not None:
            scores = scores_of(outputs_of(self.network, self.valid), self.target, self.valid)
            row |= {f"valid_{name}": value for name, value in scores.items()}
            better = self._is_better(scores)
            self.reporter.scored(epoch, row["train_loss"], self.metric, scores[self.metric], better)
        self.history.rows.append(row)
        self.since_best = 0 if better else self.since_best + 1
        if better:
            self.history.best = row
            self.best_weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        elif self.since_best % PLATEAU_WAIT == 0:
            self.halvings += 1

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
        if self.best_weights is None:
            raise TrainingError(message)
        self.network.load_state_dict(self.best_weights)
        self.network.eval()
        self.history.ended, self.history.message = ended, message
        self.history.seconds = time.perf_counter() - self.begin
        return self.history


@contextmanager
def _interrupt_flag() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that training ends after the step at hand; a second one ends at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread may handle signals
        return

    def first(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
