"""Types that the whole project shares, and the letters that stand for sizes in every docstring.

B batch, T time, D input size, H hidden size, N layers times directions, V vocabulary, K classes, C channels.
"""

from typing import Any

from torch import Tensor

# The state of a cell is that cell's own NamedTuple of (B, H) tensors; that of a stack of layers is the same NamedTuple
# of (B, N, H) tensors. Rows come first in both, so that picking, joining and resetting rows is one operation.
State = tuple[Tensor, ...]

Json = dict[str, Any]
