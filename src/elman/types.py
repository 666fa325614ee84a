"""Types that the whole project shares, and the letters that stand for sizes in every docstring.

B batch, T time, S source time, D input size, H hidden size, N layers times directions, V vocabulary, K classes,
C channels.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

# The state of a cell is that cell's own NamedTuple of (B, H) tensors; that of a stack of layers is the same NamedTuple
# of (B, N, H) tensors. Rows come first in both, so that picking, joining and resetting rows is one operation.
State = tuple["Tensor", ...]

Json = dict[str, Any]


class Column(NamedTuple):
    """One field's part of a batch, as encoded."""

    values: "np.ndarray"  # (B, T, ...) padded with zeros, or (B, ...) of single values
    lengths: "np.ndarray | None"  # (B,) real steps; None for single values
