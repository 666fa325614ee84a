"""Checks of what a recurrent layer is called with: shapes, types and values of its arguments."""

from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells import check_state
from elman.checks import check_shape, fail
from elman.types import State


class Sizes(NamedTuple):
    """What a layer takes, as far as its arguments can be checked against it."""

    where: str  # the layer's name in messages
    input_size: int  # D
    cells: int  # N, layers times directions
    hidden_size: int  # H
    state_type: type[State]


def check_request(sizes: Sizes, x: Tensor, state: State | None, lengths: Tensor | None, reset: Tensor | None) -> None:
    """Fail unless these are arguments of `Recurrent.forward` for a layer of these sizes."""
    where = sizes.where
    check_shape(where, "x", x.shape, "B T D", D=sizes.input_size)
    rows, steps = x.shape[:2]
    if state is not None:
        check_state(where, state, sizes.state_type, "B N H", B=rows, N=sizes.cells, H=sizes.hidden_size)
        mixed = next((t for t in state if t.dtype != x.dtype or t.device != x.device), None)
        if mixed is not None and not torch.is_autocast_enabled(x.device.type):
            fail(where, "the state", f"be {x.dtype} on {x.device} as x is", f"{mixed.dtype} on {mixed.device}")
    if lengths is not None:
        check_lengths(where, lengths, rows, steps)
    if reset is not None:
        check_shape(where, "reset", reset.shape, "B T", B=rows, T=steps)
        if reset.dtype != torch.bool:
            fail(where, "reset", "be booleans", str(reset.dtype), "Pass reset=reset.bool().")


def check_lengths(where: str, lengths: Tensor, rows: int, steps: int) -> None:
    """Fail unless these are the lengths (B,) of B = `rows` rows: integers from 0 to `steps`."""
    if not isinstance(lengths, Tensor):
        fail(where, "lengths", "be a tensor", type(lengths).__name__, "Pass lengths=torch.tensor(...).")
    check_shape(where, "lengths", lengths.shape, "B", B=rows)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        fail(where, "lengths", "be integers", str(lengths.dtype))
    # A compiled layer cannot branch on what a tensor holds, so there the values go unchecked.
    values_known = rows and not torch.compiler.is_compiling()
    if values_known and not 0 <= int(lengths.min()) <= int(lengths.max()) <= steps:
        fail(where, "lengths", f"lie between 0 and T = {steps}", f"{int(lengths.min())} to {int(lengths.max())}")
