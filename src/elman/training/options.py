"""How to train: every option of `[train]`, validated."""

from typing import Literal

from elman.checks import check_choice, check_range, fail
from elman.training.averaging import AVERAGES
from elman.training.optimizer import SCHEDULES

EMA_DECAY = 0.999
PRECISIONS = ("float32", "bfloat16")


class TrainingOptions:
    """How to train. Each argument can be set in `[train]`.

    Args:
        seed: of all random numbers: the splits, the initial weights, dropout and the order of the rows.
        epochs: maximum number of passes over the training rows; None: 20, or for a small table as many as make 1,000
            steps, at most 200.
        minutes: maximum training time, more than 0; None: no limit.
        batch: rows per step.
        micro_batch: rows in memory at once; a batch is processed in pieces of this size and their gradients are added
            up, which changes nothing but rounding and the random numbers of dropout. None: the whole batch. It is
            halved when memory runs out.
        lr: the peak learning rate; None: the default of the network (`Network.lr`).
        weight_decay: of AdamW, on matrices.
        clip: maximum norm of the gradient (Pascanu et al. 2013, arXiv 1211.5063); 0: no clipping.
        gradient_noise: eta of the noise N(0, eta / (1 + step)^0.55) that is added to the clipped gradient (Neelakantan
            et al. 2015, arXiv 1511.06807, who try 0.01, 0.3 and 1); 0: no noise.
        schedule: "cosine", "plateau" or "constant", see `optimizer.learning_rate_factor`.
        warmup: 0 to 1, fraction of the steps over which the learning rate rises.
        average: "none", "ema" or "swa": the weights that are evaluated and kept are a mean over the steps, see
            `averaging.WeightAverage`.
        average_decay: 0 to 1, decay of the mean per step with "ema" only; None: 0.999.
        precision: "float32", or "bfloat16" for autocast, which is faster on devices with bf16 units.
        patience: evaluations without a better validation score before training ends; 0: no limit; None: a quarter of
            all evaluations.
        evaluations: evaluations on the validation split per epoch.
        checkpoint_minutes: minutes between checkpoints; 0: none are written by time.
        checkpoint_steps: steps between checkpoints, in addition; None: by time only.
        tensorboard: folder for TensorBoard event files; None: none are written.

    The weights with the best score are kept; of equal scores, those with the lower validation loss.

    Raises:
        ArgumentError: a value is out of range.
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
        for name, fraction in {"warmup": warmup, "average_decay": average_decay}.items():
            check_range("train", name, 0 if fraction is None else fraction, low=0, high=1)
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
