"""The level of a window: what is taken off the past of a series before a network reads it, and put back after."""

import torch
from torch import Tensor

from elman.checks import check_choice
from elman.layers.unroll import real_steps

LEVELS = ("none", "last", "window", "swing")
SMALLEST_VARIANCE = 1e-5  # of a window, so that one that never changes can be divided by its deviation
SEASONS, LEAST_RECENT = 4, 48  # how far back "swing" looks: restless times come together and pass


def level_of(kind: str, past: Tensor, lengths: Tensor | None = None, season: int = 1) -> Tensor:
    """Shift and scale of each row's past.

        last:    shift = the last value,  scale = 1               (NLinear, Zeng et al. 2023, arXiv 2205.13504)
        window:  shift = mean,            scale = sqrt(variance + 1e-5)
        swing:   shift = the last value,  scale = sqrt(mean of (x_t - x_(t - season))^2 + 1e-5)

    "window" is reversible instance normalisation (Kim et al. 2022, ICLR) without its affine part. "swing", which is
    ours, is as wide as the times are restless: a series that has become calm is forecast within narrower ranges.

    Args:
        kind: "last", "window" or "swing".
        past: (B, T), T at least 1.
        lengths: (B,) real steps; all if None. A row without any has the level (0, 1).
        season: steps, at least 1, of "swing", whose mean is over the last four seasons and at least 48 steps, if
            there are so many; a row without two values a season apart has the scale 1.

    Shape: -> (B, 2).

    Example:
        >>> level_of("last", torch.tensor([[1.0, 5.0, 0.0]]), torch.tensor([2]))
        tensor([[5., 1.]])
    """
    check_choice("level", "the kind", kind, LEVELS[1:])
    steps = past.shape[1]
    if lengths is None:
        lengths = torch.full((len(past),), steps, device=past.device)
    real = real_steps(lengths, steps)
    past = past.masked_fill(~real, 0)  # a NaN times zero is a NaN
    if kind != "window":
        shift = past.gather(1, (lengths - 1).clamp(min=0)[:, None])[:, 0]
        return torch.stack([shift, torch.ones_like(shift) if kind == "last" else _swing(past, real, season)], 1)
    count = lengths.clamp(min=1)
    shift = past.sum(1) / count
    variance = (past - shift[:, None]).masked_fill(~real, 0).square().sum(1) / count
    scale = torch.where(lengths > 0, (variance + SMALLEST_VARIANCE).sqrt(), 1.0)
    return torch.stack([shift, scale], 1)


def _swing(past: Tensor, real: Tensor, season: int) -> Tensor:
    """The root mean square of what a row's last values differ from those a season before, (B,)."""
    recent = real.sum(1, keepdim=True) - max(SEASONS * season, LEAST_RECENT)
    pairs = (real & (torch.arange(real.shape[1], device=real.device) >= recent))[:, season:]
    squares = (past[:, season:] - past[:, : max(0, past.shape[1] - season)]).square().masked_fill(~pairs, 0).sum(1)
    count = pairs.sum(1)
    return torch.where(count > 0, (squares / count.clamp(min=1) + SMALLEST_VARIANCE).sqrt(), 1.0)


def take_off(level: Tensor, past: Tensor) -> Tensor:
    """(B, T) in units of the level: (past - shift) / scale."""
    return (past - level[:, :1]) / level[:, 1:]
