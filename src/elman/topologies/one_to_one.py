"""One-to-one: no memory at all. What every recurrent network has to beat."""

from torch import Tensor

from elman.checks import check_choice
from elman.layers import POOLS
from elman.topologies.base import Topology


class OneToOne(Topology):
    """The baseline y = W x + b: the head sits straight on the input.

    A sequence is pooled to one vector first, so that the order of its steps plays no part.

    Args:
        input_size: D, features of the encoded input.
        pooling: "mean" or "max" over the steps of a sequence; a single input is taken as it is.

    Shape: (B, D), or (B, T, D) with lengths (B,) -> (B, D).

    Raises:
        ArgumentError: no such pooling.

    Example:
        >>> OneToOne(3)(torch.zeros(2, 5, 3), torch.tensor([5, 2])).shape
        torch.Size([2, 3])
    """

    name = "one-to-one"
    lr = 2e-2  # without a recurrent body nothing explodes

    def __init__(self, input_size: int, *, pooling: str = "mean") -> None:
        super().__init__()
        check_choice("model", "pooling", pooling, POOLS)
        self.output_size, self.pooling = input_size, pooling

    def forward(self, encoded: Tensor, lengths: Tensor | None) -> Tensor:
        return encoded if lengths is None else POOLS[self.pooling](encoded, lengths)
