"""Training and scoring."""

from elman.training.curves import draw_curves
from elman.training.evaluate import outputs_of, scores_of
from elman.training.loop import History, Trainer
from elman.training.metrics import METRICS
from elman.training.progress import Reporter

__all__ = ["METRICS", "History", "Reporter", "Trainer", "draw_curves", "outputs_of", "scores_of"]
