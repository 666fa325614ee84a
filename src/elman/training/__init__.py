"""Training and scoring."""

from elman.training.checkpoint import Checkpoints, Saved, all_checkpoints, read_checkpoint
from elman.training.curves import draw_curves
from elman.training.evaluate import outputs_of, scores_of
from elman.training.history import Ended, History
from elman.training.loop import Run
from elman.training.metrics import METRICS
from elman.training.progress import Reporter
from elman.training.trainer import Trainer

__all__ = [
    "METRICS",
    "Checkpoints",
    "Ended",
    "History",
    "Reporter",
    "Run",
    "Saved",
    "Trainer",
    "all_checkpoints",
    "draw_curves",
    "outputs_of",
    "read_checkpoint",
    "scores_of",
]
