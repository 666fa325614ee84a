"""Draws of torch's generator by the compiled kernels: the same ones, several times as fast."""

from functools import cache

import torch
from torch import Tensor

from elman.kernels.library import KERNELS

SEED_BYTES, STATE_BYTES = 8, 5056  # what stands before the Mersenne Twister in a state of torch's generator; all of it


def draws_as_torch() -> bool:
    """Whether there are kernels that draw what torch draws: how it keeps its generator is written nowhere."""
    return KERNELS.library is not None and _found_equal()


def marked(x: Tensor, share: float) -> Tensor:
    """1 / share where a draw of torch's generator from [0, 1) is below `share`, 0 elsewhere, in the shape of x.

    The generator is left as torch would leave it. x is float32 on the CPU, and `draws_as_torch`.
    """
    return _marks(torch.empty_like(x, requires_grad=False), share, torch.default_generator)


def _marks(to: Tensor, share: float, generator: torch.Generator) -> Tensor:
    assert KERNELS.library is not None
    state = generator.get_state()
    place = state.data_ptr() + SEED_BYTES
    KERNELS.library.elman_draws_mark(place, to.numel(), share, 1 / share, to.data_ptr())
    generator.set_state(state)
    return to


@cache
def _found_equal() -> bool:
    own, other = (torch.Generator().manual_seed(1) for _ in range(2))
    if len(own.get_state()) != STATE_BYTES:
        return False
    marks = _marks(torch.empty(1000), 0.5, own)
    same = torch.equal(marks > 0, torch.rand(1000, dtype=torch.float64, generator=other) < 0.5)
    return same and torch.equal(own.get_state(), other.get_state())
