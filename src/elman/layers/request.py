"""What a recurrent layer may be asked for: shapes, types and values of its arguments."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from elman.cells import check_state
from elman.checks import check_shape, fail
from elman.types import State

if TYPE_CHECKING:
    from elman.layers.recurrent import Recurrent


def check_request(
    layer: "Recurrent", x: Tensor, state: State | None, lengths: Tensor | None, reset: Tensor | None
) -> None:
    """Fail unless these are arguments of `Recurrent.forward`."""
    where = type(layer).__name__
    check_shape(where, "x", x.shape, "B T D", D=layer.input_size)
    rows, steps = x.shape[:2]
    if state is not None:
        sizes = {"B": rows, "N": len(layer.cells()), "H": layer.hidden_size}
        check_state(where, state, layer.cell_type.state_type, "B N H", **sizes)
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
    """Fail unless these are real steps of so many rows, integers from 0 to `steps`."""
    if not isinstance(lengths, Tensor):
        fail(where, "lengths", "be a tensor", type(lengths).__name__, "Pass lengths=torch.tensor(...).")
    check_shape(where, "lengths", lengths.shape, "B", B=rows)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        fail(where, "lengths", "be integers", str(lengths.dtype))
    # A compiled layer cannot branch on what a tensor holds, so there the values go unchecked.
    values_known = rows and not torch.compiler.is_compiling()
    if values_known and not 0 <= int(lengths.min()) <= int(lengths.max()) <= steps:
        fail(where, "lengths", f"lie between 0 and T = {steps}", f"{int(lengths.min())} to {int(lengths.max())}")
