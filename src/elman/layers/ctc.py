"""The loss of connectionist temporal classification (CTC)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from elman.decoding.ctc import BLANK


def ctc_loss(logs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """-log p(symbols) of each row in nats, (B,) (Graves et al. 2006):

        p(symbols) = sum over the paths that collapse to them of the product over t of p(path_t)

    A path has a symbol or a blank at each step; it collapses by merging repeated symbols, then removing blanks. The
    loss is infinite if a row has fewer steps than `elman.decoding.ctc.least_steps` of its symbols.

    Args:
        logs: (B, T, K) log-probabilities, finite in the padding too.
        lengths: (B,) real steps, 0 to T.
        targets: (B, S) ids of symbols; the padding is never read.
        target_lengths: (B,) real symbols, 0 to S.

    Example:
        >>> logs = torch.full((1, 2, 2), 0.5).log()
        >>> ctc_loss(logs, torch.tensor([2]), torch.tensor([[1]]), torch.tensor([1])).exp()
        tensor([1.3333])
    """
    some = lengths > 0
    real = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
    loss: Tensor = logs.new_zeros(len(logs)).masked_fill(~some & (target_lengths > 0), torch.inf)
    if not bool(some.any()):
        return loss + 0 * logs.sum()
    losses = F.ctc_loss(
        logs[some].transpose(0, 1).float(),
        targets.masked_fill(~real, BLANK)[some],
        lengths[some],
        target_lengths[some],
        BLANK,
        "none",
    )
    return loss.masked_scatter(some, losses.to(loss.dtype))
