"""Which backends take which case, so that every guarantee is held to all of them; and what needs kernels at all."""

import os

import pytest
import torch

from elman.kernels import KERNELS
from elman.layers import BACKENDS
from elman.testing import CellCase

needs_kernels = pytest.mark.skipif(KERNELS.name == "none", reason=f"no kernels here: {KERNELS.reason}")

# Under another instruction set only the kernels, and what "auto" makes of having none, are other code.
HELD = {"auto", "fused"} if "ELMAN_KERNELS" in os.environ else {"auto", *BACKENDS}


def with_backends(cases: list[CellCase], reset: bool = False) -> list[tuple[CellCase, str]]:
    """Each case with "auto", and with every backend where several take it, in float32, with `reset` if it is asked."""
    pairs = []
    for case in cases:
        x = torch.zeros(2, 3, case.input_size)
        border = torch.zeros(2, 3, dtype=torch.bool) if reset else None
        cell = case.build().cells()[0]
        takers = [name for name, backend in BACKENDS.items() if backend.refuses(cell, x, border) is None]
        names = ("auto", *takers) if len(takers) > 1 else ("auto",)
        pairs += [(case, name) for name in names if name in HELD]
    return pairs


def exact_type(name: str) -> torch.dtype:
    """In what to compare two ways to the same numbers: a norm makes rounding larger, for a small spread divides it."""
    return torch.float64 if "norm" in name else torch.float32
