"""The picture of attention weights: a column for each source step and a row for each target step."""

from collections.abc import Sequence

import numpy as np

from elman.checks import check_shape, fail
from elman.media.figures import new_figure, png

LONGEST_NAME = 16  # characters of a step's name
CELL = 0.36  # inches a step
MOST = 100  # names per side; of more steps, only some are named


def draw_attention(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> bytes:
    """A PNG of the weights: a column for each source step, a row for each generated step.

    Args:
        source: S names.
        target: T names.
        weights: (T, S), 0 to 1.

    Raises:
        ArgumentError: source or target is empty, or the sizes do not agree.
        MissingExtraError: matplotlib is not installed.
    """
    check_shape("draw_attention", "weights", weights.shape, "T S", T=len(target), S=len(source))
    if not source:
        fail("draw_attention", "the source", "have a step", "none", "Give a value that is not empty.")
    if not target:
        fail("draw_attention", "the target", "have a step", "none", "Set min_length to at least 1.")
    columns, rows = _named(source), _named(target)
    wide, high = (0.09 * max(map(len, named.values())) for named in (rows, columns))
    size = CELL * min(MOST, len(source)) + wide + 1.6, max(2.2, CELL * min(MOST, len(target))) + high + 0.8
    figure = new_figure("the picture of attention", *size)
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_xticks(list(columns), list(columns.values()), rotation=90, fontsize=10, parse_math=False)
    axes.set_yticks(list(rows), list(rows.values()), fontsize=10, parse_math=False)
    axes.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    for border in list(columns)[1:]:
        axes.axvline(border - 0.5, color="0.9", linewidth=0.6)
    for border in list(rows)[1:]:
        axes.axhline(border - 0.5, color="0.9", linewidth=0.6)
    axes.set(xlabel="source", ylabel="target")
    axes.xaxis.set_label_position("top")
    figure.suptitle("Attention weights", fontsize=11)
    bar = figure.colorbar(image, ax=axes, fraction=0.08, aspect=30)
    bar.set_label("attention weight\n(a row adds up to 1)", fontsize=9)
    return png(figure, dpi=130)


def _named(pieces: Sequence[str]) -> dict[int, str]:
    """The names on the axis: all, or of many steps every second, third and so on."""
    return {step: _shown(pieces[step]) for step in range(0, len(pieces), -(-len(pieces) // MOST))}


def _shown(piece: str) -> str:
    """A step's name as a label: leading and trailing white space made visible, shortened."""
    inner = piece.strip(" ")
    before, after = (piece.partition(inner)[::2]) if inner else (piece, "")
    seen = ("␣" * len(before) + inner + "␣" * len(after)).replace("\n", "↵").replace("\t", "⇥")
    return seen if len(seen) <= LONGEST_NAME else seen[: LONGEST_NAME - 1] + "…"
