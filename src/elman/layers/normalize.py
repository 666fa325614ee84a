"""Normalizing a window by its own past: what is subtracted and divided by before a network reads it."""

import torch
from torch import Tensor

from elman.checks import check_choice
from elman.layers.unroll import real_steps

NORMALIZATIONS = ("last", "window", "seasonal-difference")
SMALLEST_VARIANCE = 1e-5  # of a window, so that one that never changes can be divided by its standard deviation
SEASONS, LEAST_RECENT = 4, 48  # how far back seasonal differences reach: restless times come together and pass


def normalization_of(kind: str, past: Tensor, lengths: Tensor | None = None, season: int = 1) -> Tensor:
    """Shift and scale of each row's past.

        last:                 shift = the last value,  scale = 1     (NLinear, Zeng et al. 2023, arXiv 2205.13504)
        window:               shift = mean,            scale = sqrt(variance + 1e-5)
        seasonal-difference:  shift = the last value,  scale = sqrt(mean of (x_t - x_(t - season))^2 + 1e-5)

    "window" is reversible instance normalization (Kim et al. 2022, ICLR) without its affine part. With
    "seasonal-difference", which is ours, a series that has become calm is forecast within narrower intervals.

    Args:
        kind: one of the three.
        past: (B, T), T at least 1.
        lengths: (B,) real steps; all if None. A row without any has shift 0 and scale 1.
        season: steps, at least 1, of "seasonal-difference", whose mean is over the last four seasons and at least 48
            steps, as far as there are any; a row without two values a season apart has the scale 1.

    Shape: -> (B, 2).

    Example:
        >>> normalization_of("last", torch.tensor([[1.0, 5.0, 0.0]]), torch.tensor([2]))
        tensor([[5., 1.]])
    """
    check_choice("normalize", "the kind", kind, NORMALIZATIONS)
    steps = past.shape[1]
    if lengths is None:
        lengths = torch.full((len(past),), steps, device=past.device)
    real = real_steps(lengths, steps)
    past = past.masked_fill(~real, 0)  # a NaN times zero is a NaN
    if kind != "window":
        shift = past.gather(1, (lengths - 1).clamp(min=0)[:, None])[:, 0]
        scale = torch.ones_like(shift) if kind == "last" else _seasonal_difference(past, real, season)
        return torch.stack([shift, scale], 1)
    count = lengths.clamp(min=1)
    shift = past.sum(1) / count
    variance = (past - shift[:, None]).masked_fill(~real, 0).square().sum(1) / count
    scale = torch.where(lengths > 0, (variance + SMALLEST_VARIANCE).sqrt(), 1.0)
    return torch.stack([shift, scale], 1)


def normalized(normalization: Tensor, past: Tensor) -> Tensor:
    """(B, T) -> (past - shift) / scale."""
    return (past - normalization[:, :1]) / normalization[:, 1:]


def _seasonal_difference(past: Tensor, real: Tensor, season: int) -> Tensor:
    """The root mean square of what a row's last values differ from those a season before, (B,)."""
    recent = real.sum(1, keepdim=True) - max(SEASONS * season, LEAST_RECENT)
    pairs = (real & (torch.arange(real.shape[1], device=real.device) >= recent))[:, season:]
    squares = (past[:, season:] - past[:, : max(0, past.shape[1] - season)]).square().masked_fill(~pairs, 0).sum(1)
    count = pairs.sum(1)
    return torch.where(count > 0, (squares / count.clamp(min=1) + SMALLEST_VARIANCE).sqrt(), 1.0)
