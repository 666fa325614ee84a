"""Training and scoring."""

from elman.training.calibration import calibrate
from elman.training.checkpoint import Checkpoints, Saved, all_checkpoints, read_checkpoint, refuse_rows
from elman.training.curves import draw_curves
from elman.training.estimate import Estimate, estimate, trial_rows
from elman.training.evaluate import (
    Judged,
    answer_scores,
    input_keys,
    judge,
    leading_metric,
    metric_name,
    score,
    scores_of,
    signatures_of,
    symbols_of,
    wants_answers,
)
from elman.training.history import Ended, History, finite
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
    "Judged",
    "Reporter",
    "Run",
    "Saved",
    "Trainer",
    "all_checkpoints",
    "answer_scores",
    "calibrate",
    "draw_curves",
    "estimate",
    "finite",
    "input_keys",
    "is_out_of_memory",
    "judge",
    "leading_metric",
    "metric_name",
    "read_checkpoint",
    "refuse_rows",
    "score",
    "scores_of",
    "signatures_of",
    "stop_flag",
    "symbols_of",
    "trial_rows",
    "wants_answers",
]
