"""The learning curves of several trainings in one picture."""

from collections.abc import Sequence

from elman.checks import fail
from elman.errors import DataError
from elman.insight.runs import Log
from elman.media.figures import new_figure, png


def draw_runs(logs: Sequence[Log]) -> bytes:
    """A PNG of the validation loss (left; the training loss dashed) and of the metric (right), a line per training.

    Raises:
        DataError: a training has no evaluation yet, or the trainings have different metrics.
        MissingExtraError: matplotlib is not installed.
    """
    for log in logs:
        if not log.rows:
            fail("curves", log.name, "have an evaluation", "none yet", "Wait for the first.", DataError)
    metrics = {log.metric for log in logs if log.metric}
    if len(metrics) > 1:
        then = "Draw only runs with the same metric together."
        fail("curves", "the runs", "have one metric", ", ".join(sorted(metrics)), then, DataError)
    figure = new_figure("the picture of the curves", 10, 4)
    losses, scores = figure.subplots(1, 2)
    for index, log in enumerate(logs):
        epochs, colour = [row["epoch"] for row in log.rows], f"C{index % 10}"
        losses.plot(epochs, [row["train_loss"] for row in log.rows], color=colour, linestyle="--", linewidth=1)
        if log.metric:
            losses.plot(epochs, [row["valid_loss"] for row in log.rows], color=colour)
            values = [row[f"valid_{log.metric}"] for row in log.rows]
            scores.plot(epochs, values, color=colour, marker=".", label=log.name)
    name = next(iter(metrics), "no metric")
    losses.set(xlabel="epoch", ylabel="loss", title="Loss: validation (solid), training (dashed)")
    scores.set(xlabel="epoch", ylabel=f"validation {name}", title=f"Validation {name}")
    if metrics:
        scores.legend(fontsize=9)
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
    return png(figure, dpi=120)
