"""Training and evaluation."""

from elman.training.calibration import calibrate
from elman.training.checkpoint import Checkpoints, Saved, read_checkpoint, refuse_rows
from elman.training.curves import draw_curves
from elman.training.estimate import Estimate, estimate, trial_rows
from elman.training.history import Ended, History
from elman.training.loop import TrainingRun, train_network
from elman.training.options import TrainingOptions
from elman.training.progress import Reporter
from elman.training.signals import stop_flag

__all__ = [
    "Checkpoints",
    "Ended",
    "Estimate",
    "History",
    "Reporter",
    "Saved",
    "TrainingOptions",
    "TrainingRun",
    "calibrate",
    "draw_curves",
    "estimate",
    "read_checkpoint",
    "refuse_rows",
    "stop_flag",
    "train_network",
    "trial_rows",
]
