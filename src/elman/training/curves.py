"""The learning curves of a training as a picture."""

from collections.abc import Sequence
from typing import Any

from elman.media.figures import new_figure, png


def draw_curves(rows: Sequence[dict[str, Any]], metric: str) -> bytes:
    """A PNG of the losses (left) and the validation metric (right) over the epochs; `rows` as in `History`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    epochs = [row["epoch"] for row in rows]
    figure = new_figure("the picture of the curves", 9, 3.5)
    from matplotlib.ticker import MaxNLocator

    losses, scores = figure.subplots(1, 2)
    losses.plot(epochs, [row["train_loss"] for row in rows], marker=".", label="training")
    if f"valid_{metric}" in rows[0]:
        losses.plot(epochs, [row["valid_loss"] for row in rows], marker=".", label="validation")
        scores.plot(epochs, [row[f"valid_{metric}"] for row in rows], marker=".", color="tab:green")
    else:
        scores.text(0.5, 0.5, "no validation split", ha="center", transform=scores.transAxes)
    losses.set(xlabel="epoch", ylabel="loss", title="Loss")
    scores.set(xlabel="epoch", ylabel=f"validation {metric}", title=f"Validation {metric}")
    losses.legend()
    for axes in (losses, scores):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
    return png(figure, dpi=120)
