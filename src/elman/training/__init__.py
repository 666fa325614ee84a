"""Training and scoring."""

from elman.training.curves import draw_curves
from elman.training.estimate import Estimate, estimate, trial_rows
from elman.training.evaluate import outputs_of, scores_of
from elman.training.loop import History, Trainer
from elman.training.memory import is_out_of_memory
from elman.training.metrics import METRICS
from elman.training.progress import Reporter

__all__ = [
    "METRICS",
    "Estimate",
    "History",
    "Reporter",
    "Trainer",
    "draw_curves",
    "estimate",
    "is_out_of_memory",
    "outputs_of",
    "scores_of",
    "trial_rows",
]
