"""Pictures with their generated captions."""

from collections.abc import Sequence

import numpy as np

from elman.checks import fail
from elman.media.figures import new_figure, png

WIDE = 7.0  # inches
LEAST, MOST = 0.9, 3.0  # inches of a picture's height


def draw_captions(pictures: Sequence[np.ndarray], generated: Sequence[str], true: Sequence[str]) -> bytes:
    """A PNG of pictures in a column, each under its generated caption, with the true one in red if it differs.

    Args:
        pictures: (H, W) or (H, W, C) each, with 1 to 4 channels.
        generated: the caption of each.
        true: the caption in the data.

    Raises:
        ArgumentError: there is no picture.
        MissingExtraError: matplotlib is not installed.
    """
    if not pictures:
        fail("draw_captions", "the pictures", "be one or more", "none")
    heights = [min(MOST, max(LEAST, WIDE * picture.shape[0] / picture.shape[1])) for picture in pictures]
    figure = new_figure("the picture of captions", WIDE, sum(heights) + 0.45 * len(heights) + 0.9)
    figure.suptitle("Generated captions of pictures of the test split", fontsize=11)
    rows = figure.subplots(len(pictures), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, picture, text, right in zip(rows, pictures, generated, true, strict=True):
        axes.imshow(_colours(picture), cmap="gray", interpolation="nearest")
        axes.set_title(f"“{text}”", loc="left", fontsize=10, parse_math=False)
        if text != right:
            axes.set_title(f"true: “{right}”", loc="right", fontsize=10, color="C3", parse_math=False)
        axes.set_ylabel("row\n(pixel)", fontsize=8)
        axes.tick_params(labelsize=8)
    rows[-1].set_xlabel("column (pixel)", fontsize=8)
    return png(figure, dpi=100)


def _colours(picture: np.ndarray) -> np.ndarray:
    """The input of imshow: (H, W), or (H, W, 3 or 4) from 0 to 1."""
    if picture.ndim == 2 or picture.shape[2] <= 2:
        grey: np.ndarray = picture if picture.ndim == 2 else picture[:, :, 0]
        return grey
    low, high = float(picture.min()), float(picture.max())
    return (picture - low) / ((high - low) or 1.0)
