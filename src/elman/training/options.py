"""How to train: every option of `[train]`, checked."""

import threading
from typing import Literal

from elman.checks import check_choice, check_range, fail
from elman.data import Examples
from elman.network import Network
from elman.training.averaging import AVERAGES
from elman.training.checkpoint import Checkpoints, Saved
from elman.training.history import History
from elman.training.loop import Run
from elman.training.optimizer import SCHEDULES
from elman.training.progress import Reporter

EMA_DECAY = 0.999
PRECISIONS = ("float32", "bfloat16")


class Trainer:
    """How to train. Each argument may be set in `[train]`.

    Args:
        seed: of every random draw: the split, the first weights, dropout and the order of the rows.
        epochs: times that every training row is read, at most; None: 20, or as many as make 1,000 steps of a small
            table, at most 200.
        minutes: stop after so many, more than 0; None: no limit.
        batch: rows a step.
        micro_batch: rows in memory at once; a batch is read in so many pieces and their gradients are added up, which
            changes nothing beyond rounding but what dropout draws. None: the whole batch. Out of memory halves it.
        lr: the peak learning rate; None: what suits the network (`Network.lr`).
        weight_decay: of AdamW, on matrices.
        clip: the largest norm of the gradient (Pascanu et al. 2013, arXiv 1211.5063); 0: not clipped.
        gradient_noise: eta of the noise N(0, eta / (1 + step)^0.55) that is added to the clipped gradient (Neelakantan
            et al. 2015, arXiv 1511.06807, who try 0.01, 0.3 and 1); 0: none.
        schedule: "cosine", "plateau" or "constant", see `optimise.rate`.
        warmup: 0 to 1, share of the steps over which the rate rises.
        average: "none", "ema" or "swa": the weights that are scored and kept are a mean over the steps, see
            `averaging.Average`.
        average_decay: 0 to 1, how much of the mean "ema" keeps a step; None: 0.999. Of no other average.
        precision: "float32", or "bfloat16" for autocast, which pays where the device has bf16 units.
        patience: evaluations without a better validation score before training ends; 0: never; None: a quarter of all.
        evaluations: how often an epoch the validation split is scored.
        checkpoint_minutes: a checkpoint is written where the last one is older; 0: at no time.
        checkpoint_steps: a checkpoint after every so many steps too; None: by time only.
        tensorboard: folder to write event files for TensorBoard to; None: none are written.

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
        micro_batch: int | None = None,
        lr: float | None = None,
        weight_decay: float = 0.01,
        clip: float = 1.0,
        gradient_noise: float = 0.0,
        schedule: Literal["cosine", "plateau", "constant"] = "cosine",
        warmup: float = 0.05,
        average: Literal["none", "ema", "swa"] = "none",
        average_decay: float | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
        patience: int | None = None,
        evaluations: int = 1,
        checkpoint_minutes: float = 5.0,
        checkpoint_steps: int | None = None,
        tensorboard: str | None = None,
    ) -> None:
        check_range("train", "seed", seed, low=0, high=2**63 - 1)
        counts = {
            "epochs": epochs,
            "batch": batch,
            "micro_batch": micro_batch,
            "evaluations": evaluations,
            "checkpoint_steps": checkpoint_steps,
        }
        for name, count in counts.items():
            check_range("train", name, 1 if count is None else count, low=1)
        amounts = {
            "weight_decay": weight_decay,
            "clip": clip,
            "gradient_noise": gradient_noise,
            "patience": patience,
            "checkpoint_minutes": checkpoint_minutes,
        }
        for name, amount in amounts.items():
            check_range("train", name, 0 if amount is None else amount, low=0)
        for name, share in {"warmup": warmup, "average_decay": average_decay}.items():
            check_range("train", name, 0 if share is None else share, low=0, high=1)
        if average_decay is not None and average != "ema":
            then = "Set train.average = 'ema' with it."
            fail("train", "average_decay", f"be left out with average {average!r}", str(average_decay), then)
        check_range("train", "lr", 1.0 if lr is None else lr, low=1e-12, high=1e3, then="Try train.lr=0.001.")
        check_range("train", "minutes", 1.0 if minutes is None else minutes, low=1e-6)
        check_choice("train", "schedule", schedule, SCHEDULES)
        check_choice("train", "average", average, AVERAGES)
        check_choice("train", "precision", precision, PRECISIONS)
        self.seed, self.epochs, self.minutes, self.batch, self.micro_batch = seed, epochs, minutes, batch, micro_batch
        self.lr, self.weight_decay, self.clip, self.gradient_noise = lr, weight_decay, clip, gradient_noise
        self.schedule, self.warmup, self.average = schedule, warmup, average
        self.average_decay = EMA_DECAY if average_decay is None else average_decay
        self.precision, self.patience, self.evaluations = precision, patience, evaluations
        self.checkpoint_minutes, self.checkpoint_steps = checkpoint_minutes, checkpoint_steps
        self.tensorboard = tensorboard

    def fit(
        self,
        network: Network,
        train: Examples,
        valid: Examples | None,
        reporter: Reporter,
        checkpoints: Checkpoints | None = None,
        saved: Saved | None = None,
        asked: threading.Event | None = None,
    ) -> History:
        """Train `network` in place and leave the best weights in it: best on `valid`, or the last without one.

        Being asked to stop ends it after the step at hand, with the best weights so far, and the history says so.

        Args:
            network: the network.
            train, valid: the examples of each split.
            reporter: what the person sees.
            checkpoints: where checkpoints go; None: none are written.
            saved: what a checkpoint of this training held; it goes on there.
            asked: set by whoever wants it to stop, see `signals.stop_flag`.

        Raises:
            DataError: the rows are not those that `saved` was trained on.
            TrainingError: a loss or gradient was not finite before the first evaluation; later, the history says so.
        """
        run = Run(self, network, train, valid, reporter, checkpoints)
        if saved is not None:
            run.restore(saved)
        return run.through(asked or threading.Event())
