"""Helpers of all pictures: a figure without a display, an axis of dates, the PNG."""

import io
from typing import TYPE_CHECKING, Any

from elman.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(picture: str, width: float, height: float) -> "Figure":
    """An empty figure.

    Args:
        picture: its purpose in words, for the message if it cannot be drawn.
        width, height: inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", picture) from None
    return Figure(figsize=(width, height), layout="constrained")


def show_dates(axis: Any) -> None:
    """Label an axis of dates concisely."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib types only some of its classes
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def png(figure: "Figure", dpi: int) -> bytes:
    """The figure as a PNG of `dpi` dots an inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()
