"""The record of a training: its evaluations, and the counters that the next step needs."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from elman.metrics.scores import finite
from elman.types import Json

Ended = Literal["epochs", "patience", "minutes", "interrupted", "diverged"]


@dataclass
class History:
    """The record of a training.

    Attributes:
        rows: one dictionary per evaluation (step, epoch, lr, train_loss, valid_loss, valid_<metric>, seconds,
            sequences_per_second).
        best: the row whose weights were kept.
        ended: why training ended.
        message: the value that was not finite, if training diverged.
        step: optimizer steps done.
        loss_sum, loss_count: over the steps since the last evaluation.
        since_best: evaluations since the best one.
        halvings: how often the plateau schedule has halved the rate.
        micro_batch: rows in memory at once.
        real, padded: time steps of this epoch's batches without and with padding.
        seconds: training time, including that before it was resumed.
        waited, worked: the parts of it in which the network waited for data and in which it made steps.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    ended: Ended = "epochs"
    message: str = ""
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    since_best: int = 0
    halvings: int = 0
    micro_batch: int = 0
    real: int = 0
    padded: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    worked: float = 0.0

    @property
    def padding(self) -> float:
        """Fraction of this epoch's time steps that was padding, 0 to 1."""
        return 1 - self.real / self.padded if self.padded else 0.0

    @property
    def waiting(self) -> float:
        """Fraction of the steps' time in which the network waited for data, 0 to 1; evaluations are not counted."""
        return self.waited / (self.waited + self.worked) if self.worked else 0.0

    def to_json(self) -> Json:
        return asdict(self)

    def log(self) -> bytes:
        """The evaluations as JSON lines."""
        return "".join(json.dumps(finite(row)) + "\n" for row in self.rows).encode()
