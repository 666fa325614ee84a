"""What a metric is."""

from collections.abc import Callable
from typing import NamedTuple


class Metric(NamedTuple):
    """How answers are scored.

    Args:
        score: (predicted, true), decoded values, one a row -> the score; of a metric `from_loss`, the mean loss in nats
            a step -> the score.
        higher_is_better: of two scores.
        from_loss: whether the score is made of the loss alone.
    """

    score: Callable[..., float]
    higher_is_better: bool
    from_loss: bool = False
