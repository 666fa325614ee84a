"""What all pictures share: a figure that needs no screen, an axis of dates, and the PNG in the end."""

import io
from typing import TYPE_CHECKING, Any

from elman.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(picture: str, width: float, height: float) -> "Figure":
    """An empty figure of so many inches.

    Args:
        picture: what it is for, in words, for the message where it cannot be drawn.
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
    """Let an axis of dates name them shortly."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib types a part of its classes only
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def png(figure: "Figure", dpi: int) -> bytes:
    """The figure as a file of so many dots an inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()
