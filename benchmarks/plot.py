"""docs/benchmarks.png: all ratios, a row per item, a mark per contender, a line at equal speed."""

from pathlib import Path

from benchmarks.report import shape
from elman.types import Json

ROW, MARGIN = 0.19, 0.9  # inches
COLOURS = ("#c1440e", "#2a6f97", "#5b8e3e", "#8a4f9e", "#b08900", "#444444")
MARKS = "osD^vPX"  # one more than colours, so that many contenders have different combinations


def draw(entries: list[Json], path: Path) -> None:
    """Draw the entries of one machine."""
    from matplotlib.figure import Figure

    works = list(dict.fromkeys(entry["work"] for entry in entries))
    groups = [[entry for entry in entries if entry["work"] == work][::-1] for work in works]
    heights = [ROW * len(group) + MARGIN for group in groups]
    figure = Figure(figsize=(9, sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    peers = list(dict.fromkeys(name for entry in entries for name in entry["ratios"]))
    styles = {name: (COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]) for i, name in enumerate(peers)}
    for work, group, axis in zip(works, groups, axes, strict=True):
        for name, (colour, mark) in styles.items():
            points = [(entry["ratios"][name], row) for row, entry in enumerate(group) if name in entry["ratios"]]
            if points:
                axis.plot(*zip(*points, strict=True), mark, color=colour, label=name, markersize=5)
        axis.axvline(1, color="black", linewidth=1)
        axis.set_xscale("log")
        axis.set_xlim(min(0.5, *axis.get_xlim()), max(2.1, *axis.get_xlim()))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_xticks([tick for tick in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100) if _within(tick, axis.get_xlim())])
        axis.minorticks_off()
        axis.set_yticks(range(len(group)), [f"{e['cell']}  {shape(e)}  {e['threads']}t" for e in group], fontsize=7)
        axis.set_ylim(-0.7, len(group) - 0.3)
        axis.grid(axis="both", color="#dddddd", linewidth=0.5)
        axis.set_title(work, loc="left", fontsize=10)
        axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.suptitle("Time of each contender over elman's: right of 1 elman is faster", fontsize=11)
    figure.savefig(path, dpi=110)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
