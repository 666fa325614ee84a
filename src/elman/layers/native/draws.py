"""Draws from torch's generator by the compiled kernels: the same numbers, several times as fast."""

import os
from functools import cache
from threading import Lock

import torch
from torch import Tensor

from elman.kernels import KERNELS
from elman.kernels.calls import mark_draws

SEED_BYTES, STATE_BYTES = 8, 5056  # before the Mersenne Twister in a state of torch's generator; of the whole state
# Threads that draw by the kernel take turns; torch's own draws in another thread do not wait for them.
TURN = [Lock()]
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        after_in_child=lambda: TURN.__setitem__(0, Lock())
    )  # no thread of the child would release the old one


def draws_as_torch() -> bool:
    """Whether there are kernels and they draw what torch draws; torch does not document its generator's state."""
    return KERNELS.library is not None and _found_equal()


def marked(x: Tensor, rate: float) -> Tensor:
    """1 / rate where a draw of torch's generator from [0, 1) is below `rate`, 0 elsewhere, in the shape of x.

    The generator is left as torch would leave it. Requires x in float32 on the CPU, and `draws_as_torch`.
    """
    return _marks(torch.empty_like(x, requires_grad=False), rate, torch.default_generator)


def _marks(to: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    with TURN[0]:
        state = generator.get_state()
        mark_draws(state.data_ptr() + SEED_BYTES, to.numel(), rate, to.data_ptr())
        generator.set_state(state)
    return to


@cache
def _found_equal() -> bool:
    own, other = (torch.Generator("cpu").manual_seed(1) for _ in range(2))
    if len(own.get_state()) != STATE_BYTES:
        return False
    marks = _marks(torch.empty(1000, dtype=torch.float32, device="cpu"), 0.5, own)
    drawn = torch.rand(1000, dtype=torch.float64, device="cpu", generator=other)
    return torch.equal(marks > 0, drawn < 0.5) and torch.equal(own.get_state(), other.get_state())
