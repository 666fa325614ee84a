"""The picture of a trace: the unrolled network, step by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elman.media.figures import new_figure, png

if TYPE_CHECKING:
    from elman.inference import Step

LONGEST_NAME = 14  # characters of a step's name that fit under its box
MOST = 10  # classes with a bar, as many as there are colours
GAP = 1.6  # between two steps, in units of the picture


def draw_trace(text: str, steps: "Sequence[Step]") -> bytes:
    """The unrolled network of a trace as a PNG: the input below, the states h1..hT, the predictions above.

    The darker a state, the larger its norm. The bars are the probabilities of the classes, at most the ten that are
    most probable at the end; a predicted number is shown as text.

    Args:
        text: the traced value, for the title.
        steps: from `elman.inference.trace`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure("the picture of a trace", max(5.0, 1.45 * len(steps) + 1.5), 4.2)
    from matplotlib import colormaps
    from matplotlib.patches import FancyBboxPatch

    axes = figure.subplots()
    classes = steps[-1].probabilities or {}
    likeliest = sorted(sorted(classes, key=lambda label: -classes[label])[:MOST], key=list(classes).index)
    largest = max((step.norm or 0.0 for step in steps), default=0.0) or 1.0
    arrow = {"arrowstyle": "-|>", "color": "0.35", "shrinkA": 0, "shrinkB": 0}
    for number, step in enumerate(steps):
        x = GAP * number
        name = step.piece if len(step.piece) <= LONGEST_NAME else step.piece[: LONGEST_NAME - 1] + "…"
        axes.text(x, -1.0, name, ha="center", va="center", fontsize=11, family="monospace", parse_math=False)
        axes.annotate("", (x, -0.35), (x, -0.75), arrowprops=arrow)
        axes.annotate("", (x, 0.75), (x, 0.35), arrowprops=arrow)
        if number:
            axes.annotate("", (x - 0.5, 0), (x - GAP + 0.5, 0), arrowprops=arrow)
        shade = colormaps["Blues"](0.1 + 0.5 * (step.norm or 0.0) / largest)
        axes.add_patch(FancyBboxPatch((x - 0.45, -0.3), 0.9, 0.6, boxstyle="round,pad=0.04", fc=shade, ec="0.3"))
        size = "" if step.norm is None else f"\n|h| {step.norm:.2f}"
        axes.text(x, 0, f"$h_{{{number + 1}}}${size}", ha="center", va="center", fontsize=9)
        left = x - 0.45
        for index, label in enumerate(likeliest):
            width, probability = 0.9 / len(likeliest), (step.probabilities or {})[label]
            shown = label if number == 0 else None  # once in the legend
            axes.bar(left + width / 2, probability, width * 0.85, bottom=0.85, color=f"C{index}", label=shown)
            left += width
        prediction = step.prediction if step.probabilities else f"{step.prediction:.4g}"
        axes.text(x, 1.92, str(prediction), ha="center", va="bottom", fontsize=9, weight="bold", parse_math=False)
    if steps[0].probabilities:
        axes.plot([-0.6, GAP * (len(steps) - 1) + 0.6], [0.85, 0.85], color="0.7", linewidth=0.8)
        axes.text(-0.68, 1.35, "probability\n(0 to 1)", rotation=90, ha="right", va="center", fontsize=9)
        some = f"the {MOST} likeliest\nat the end" if len(classes) > MOST else None
        legend = axes.legend(title=some, loc="upper left", bbox_to_anchor=(1.0, 0.95), frameon=False, fontsize=9)
        for words in legend.get_texts():
            words.set_parse_math(False)
    axes.text(-0.68, 0, "state", rotation=90, ha="right", va="center", fontsize=9)
    axes.text(-0.68, -1.0, "input", rotation=90, ha="right", va="center", fontsize=9)
    axes.set_title(f"“{text}”: the prediction after each step", fontsize=11, parse_math=False)
    axes.set(xlim=(-1.0, GAP * (len(steps) - 1) + 0.8), ylim=(-1.3, 2.2))
    axes.axis("off")
    return png(figure, dpi=130)
