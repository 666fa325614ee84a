"""Training and scoring."""

from elman.training.checkpoint import Checkpoints, Saved, all_checkpoints, read_checkpoint, refuse_rows
from elman.training.curves import draw_curves
from elman.training.estimate import Estimate, estimate, trial_rows
from elman.training.evaluate import outputs_of, scores_of
from elman.training.history import Ended, History
from elman.training.loop import Run
from elman.training.memory import is_out_of_memory
from elman.training.metrics import METRICS
from elman.training.progress import Reporter
from elman.training.signals import stop_flag
from elman.training.trainer import Trainer

__all__ = [
    "METRICS",
    "Checkpoints",
    "Ended",
    "Estimate",
    "History",
    "Reporter",
    "Run",
    "Saved",
    "Trainer",
    "all_checkpoints",
    "draw_curves",
    "estimate",
    "is_out_of_memory",
    "outputs_of",
    "read_checkpoint",
    "refuse_rows",
    "scores_of",
    "stop_flag",
    "trial_rows",
]
