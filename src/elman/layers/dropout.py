"""Dropout in a fraction of the time that torch takes on a CPU, with the same numbers."""

import torch
from torch import Tensor, nn

from elman.layers.fused import kernels_may_run
from elman.layers.native.draws import draws_as_torch, marked


def drop_out(x: Tensor, share: float, training: bool = True) -> Tensor:
    """Set a share of the numbers to zero and make up for it with the others (Srivastava et al. 2014).

    What `torch.nn.functional.dropout` gives, to the last bit, and the generator is left as it leaves it. torch draws a
    double for each number and compares it. Where no kernel fits, to draw all and then compare all is faster.

    Args:
        x: any shape.
        share: 0 to 1, of the numbers that become zero.
        training: without it x comes back as it is.

    Example:
        >>> x = torch.ones(3, 5)
        >>> _ = torch.manual_seed(0)
        >>> ours = drop_out(x, 0.5)
        >>> _ = torch.manual_seed(0)
        >>> torch.equal(ours, nn.functional.dropout(x, 0.5))
        True
    """
    if not training or not 0 < share < 1 or x.device.type != "cpu":
        return nn.functional.dropout(x, share, training)
    kept = 1 - share
    if kernels_may_run((x,)) and draws_as_torch():
        return x * marked(x, kept)
    return x * (torch.rand_like(x, dtype=torch.float64) < kept).to(x.dtype).div_(kept)
