"""The type of a metric."""

from collections.abc import Callable
from typing import NamedTuple


class Metric(NamedTuple):
    """A metric.

    Args:
        score: (predicted, true), decoded values, one per row -> the score; for a metric `from_loss`: the mean loss in
            nats per step -> the score.
        higher_is_better: whether the higher of two scores is the better one.
        from_loss: whether the score follows from the loss alone.
    """

    score: Callable[..., float]
    higher_is_better: bool
    from_loss: bool = False
