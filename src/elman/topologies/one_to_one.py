"""One-to-one: no memory at all; the baseline that every recurrent network has to beat."""

import torch

from elman.checks import check_choice
from elman.layers import POOLS
from elman.topologies.base import Encoded, Features, SequenceTopology


class OneToOne(SequenceTopology):
    """The baseline y = W x + b: the head is applied to the inputs directly.

    For one answer per row a sequence is pooled to one vector, so that the order of its steps does not matter; for one
    answer per step each step is answered on its own.

    Args:
        input_size: D, features per step of the encoded sequences; 0: none.
        single_size: C, features of the encoded single values; 0: none.
        pooling: "mean" or "max" over the steps of a sequence; single values are not pooled.

    Shape: steps (B, T, D) with lengths (B,), single (B, C) -> steps (B, T, D + C), single (B, D + C).

    Raises:
        ArgumentError: no such pooling.

    Example:
        >>> OneToOne(3)(Encoded(torch.zeros(2, 5, 3), torch.tensor([5, 2]))).single.shape
        torch.Size([2, 3])
    """

    name = "one-to-one"
    initial_state_description = "none"
    lr = 2e-2  # without a recurrent body nothing explodes

    def __init__(self, input_size: int, single_size: int = 0, *, pooling: str = "mean") -> None:
        super().__init__()
        check_choice("model", "pooling", pooling, POOLS)
        self.output_size, self.pooling = input_size + single_size, pooling

    def forward(self, encoded: Encoded) -> Features:
        steps, lengths, single, _ = encoded
        if steps is None or lengths is None:
            return Features(single=single)
        pooled = POOLS[self.pooling](steps, lengths)
        if single is None:
            return Features(steps, pooled)
        every = single[:, None].expand(-1, steps.shape[1], -1)
        return Features(torch.cat([steps, every], -1), torch.cat([pooled, single], -1))
