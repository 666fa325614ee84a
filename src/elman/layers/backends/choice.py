"""The table of backends, and which of them answers a request. A new one is a file in this folder and one line."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, MemorylessCell, MinGRUCell
from elman.checks import check_choice, fail
from elman.layers.backends.at_once import at_once
from elman.layers.backends.by_hand import by_hand
from elman.layers.backends.by_hand_cells import EQUATIONS
from elman.layers.backends.fused import fused, fused_refuses, fused_suits
from elman.layers.backends.scan import scan
from elman.layers.backends.torch_kernels import torch_kernels
from elman.layers.directions import each_way
from elman.layers.native.conditions import transformed
from elman.layers.noise import NoisyCell
from elman.layers.unroll import unroll
from elman.types import State


class Backend(NamedTuple):
    # One layer: (cells, x, state, lengths, reset, start) -> (outputs, state), for one cell or a forward and a backward
    # one; x (B, T, D), states (B, W, H) of W cells, outputs (B, T, W * H); the rest is as in `unroll`.
    run: Callable[..., tuple[Tensor, State]]
    # (cell, x, reset) -> why it cannot answer exactly, or None
    refuses: Callable[[Cell, Tensor, Tensor | None], str | None]
    # (cell, x, reset) -> whether "auto" should choose it
    suits: Callable[[Cell, Tensor, Tensor | None], bool] = lambda cell, x, reset: True


def _by_hand_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None if type(cell) in EQUATIONS else "only RNN, LSTM and GRU have a derivative written by hand"


def _by_hand_suits(cell: Cell, x: Tensor, reset: Tensor | None) -> bool:
    """torch is as fast without a backward pass, and faster for an LSTM (oneDNN) and on a GPU (cuDNN)."""
    trains = torch.is_grad_enabled() and not isinstance(cell, LSTMCell)
    worth = trains or _torch_refuses(cell, x, reset) is not None
    return worth and x.device.type == "cpu" and x.shape[1] > 1 and not transformed()


def _torch_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    if type(cell) not in (ElmanCell, LSTMCell, GRUCell) or (
        isinstance(cell, ElmanCell) and cell.nonlinearity == "identity"
    ):
        return "torch has no kernel for this cell"
    if reset is not None:
        return "torch's kernels cannot restart a row inside a sequence"
    return "torch's kernels take no empty batch" if x.numel() == 0 else None


def _torch_suits(cell: Cell, x: Tensor, reset: Tensor | None) -> bool:
    """The cell itself computes a single step; and torch's kernels do not support torch.func."""
    return x.device.type != "cpu" or (x.shape[1] > 1 and (bool(torch._C._get_tracing_state()) or not transformed()))


def _scan_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None if type(cell) is MinGRUCell else "only a cell whose gates do not read the state can be scanned"


def _at_once_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return (
        None if type(cell) is MemorylessCell else "only a cell that never reads its state can compute all steps at once"
    )


def _never_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None


# Fastest first; "auto" takes the first that is exact for the request.
BACKENDS: dict[str, Backend] = {
    "at_once": Backend(each_way(at_once), _at_once_refuses),
    "scan": Backend(each_way(scan), _scan_refuses),
    "fused": Backend(fused, fused_refuses, fused_suits),
    "by_hand": Backend(each_way(by_hand), _by_hand_refuses, _by_hand_suits),
    "torch": Backend(each_way(torch_kernels), _torch_refuses, _torch_suits),
    "reference": Backend(each_way(unroll), _never_refuses),
}
CHOICES = ("auto", *BACKENDS)


def choose_backend(name: str, cell: Cell, x: Tensor, reset: Tensor | None) -> Backend:
    """The backend called `name`, or for "auto" the fastest that is exact for the request.

    Raises:
        ArgumentError: no such backend, or the named one cannot answer this request exactly.
    """
    check_choice("backend", "name", name, CHOICES)
    if name == "auto":
        return next(
            backend
            for backend in BACKENDS.values()
            if backend.refuses(cell, x, reset) is None and backend.suits(cell, x, reset)
        )
    if isinstance(cell, NoisyCell) and name != "reference":
        reason: str | None = "recurrent_dropout and zoneout change every step, which only the reference supports"
    else:
        reason = BACKENDS[name].refuses(cell, x, reset)
    if reason is not None:
        fail(
            f"backend {name!r}",
            "the request",
            "be one it answers exactly",
            f"one it cannot: {reason}",
            "Use backend='auto'.",
        )
    return BACKENDS[name]
