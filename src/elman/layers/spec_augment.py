"""SpecAugment: masks bands of frequency and segments of time of a spectrum in training."""

import torch
from torch import Tensor, nn

from elman.checks import check_range

MASKS = 2  # of each kind, as in the paper's best policies
LONGEST = 0.2  # maximum length of a time mask, as a fraction of a row's frames


class SpecAugment(nn.Module):
    """Sets two bands and two segments of each row to zero, the mean of scaled values (Park et al. 2019, arXiv
    1904.08779), in training only:

        width ~ U{0..longest},   begin ~ U{0..size - width},   x[begin : begin + width] = 0

    A segment lies within the frames of its row and has at most a fifth of them. A row ends with its last frame that is
    not all zeros, because padding is zeros, which need no mask; so a row does not depend on its batch. There is no time
    warping, which the paper found to add little.

    Args:
        channels: C, of a frame.
        stack: k, consecutive frames in a step.
        time_mask: the longest segment, in frames; 0: none.
        frequency_mask: the widest band, in channels, at most C; 0: none.

    Shape: (B, T, k C) -> (B, T, k C); a band is the same in all frames of a step.

    Raises:
        ArgumentError: a size out of range.

    Example:
        >>> masks = SpecAugment(4, time_mask=3)
        >>> masks(torch.ones(2, 30, 4)).shape, bool(masks.eval()(torch.ones(2, 30, 4)).all())
        (torch.Size([2, 30, 4]), True)
    """

    def __init__(self, channels: int, stack: int = 1, time_mask: int = 0, frequency_mask: int = 0) -> None:
        super().__init__()
        check_range("SpecAugment", "channels", channels, low=1)
        check_range("SpecAugment", "stack", stack, low=1)
        check_range("SpecAugment", "time_mask", time_mask, low=0)
        check_range("SpecAugment", "frequency_mask", frequency_mask, low=0, high=channels)
        self.channels, self.time_mask, self.frequency_mask = channels, time_mask, frequency_mask
        self.output_size = channels * stack

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not x.numel() or not (self.time_mask or self.frequency_mask):
            return x
        frames = x.reshape(len(x), -1, self.channels)  # (B, k T, C)
        at = torch.arange(1, frames.shape[1] + 1, device=x.device)
        lengths = ((frames != 0).any(2) * at).amax(1)  # (B,)
        longest = (LONGEST * lengths).long().clamp(max=self.time_mask)
        channels, widest = (torch.full_like(lengths, size) for size in (self.channels, self.frequency_mask))
        for _ in range(MASKS):
            time = _masked(frames.shape[1], lengths, longest)
            frequency = _masked(self.channels, channels, widest)
            frames = frames.masked_fill(time[:, :, None] | frequency[:, None, :], 0)
        return frames.reshape(x.shape)


def _masked(steps: int, sizes: Tensor, longest: Tensor) -> Tensor:
    """A random segment of each row, (B, steps) booleans: within its size (B,), at most `longest` (B,)."""
    width = (torch.rand(len(sizes), device=sizes.device) * (longest + 1)).long()
    begin = (torch.rand(len(sizes), device=sizes.device) * (sizes - width + 1)).long()
    at = torch.arange(steps, device=sizes.device)
    return (at >= begin[:, None]) & (at < (begin + width)[:, None])
