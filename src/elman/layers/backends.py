"""Which code runs a cell over a whole batch: the one place where that is decided."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, MemorylessCell, MinGRUCell
from elman.checks import check_choice, fail
from elman.layers.at_once import at_once
from elman.layers.by_hand import by_hand
from elman.layers.by_hand_cells import EQUATIONS
from elman.layers.directions import each_way
from elman.layers.fused import fused, fused_refuses, fused_suits, transformed
from elman.layers.noise import NoisyCell
from elman.layers.scan import scan
from elman.layers.torch_kernels import torch_kernels
from elman.layers.unroll import unroll
from elman.types import State


class Backend(NamedTuple):
    # One layer: (cells, x, state, lengths, reset, start) -> (outputs, state), for one cell or a forward and a backward
    # one; x (B, T, D), states (B, W, H) of W cells, outputs (B, T, W * H); the rest is as in `unroll`.
    run: Callable[..., tuple[Tensor, State]]
    # (cell, x, reset) -> why it would not be exact, or None
    refuses: Callable[[Cell, Tensor, Tensor | None], str | None]
    # likewise -> whether "auto" should take it
    suits: Callable[[Cell, Tensor, Tensor | None], bool] = lambda cell, x, reset: True


def _by_hand_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None if type(cell) in EQUATIONS else "its derivative is written down for RNN, LSTM and GRU only"


def _by_hand_suits(cell: Cell, x: Tensor, reset: Tensor | None) -> bool:
    """torch is as fast where no backward pass follows, faster for an LSTM (oneDNN), and on a GPU (cuDNN)."""
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
    """A single step is one for the cell itself; and torch's kernels take no part in torch.func."""
    return x.device.type != "cpu" or (x.shape[1] > 1 and (bool(torch._C._get_tracing_state()) or not transformed()))


def _scan_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None if type(cell) is MinGRUCell else "only a cell whose gates never see the state can be scanned"


def _at_once_refuses(cell: Cell, x: Tensor, reset: Tensor | None) -> str | None:
    return None if type(cell) is MemorylessCell else "only a cell that never reads its state needs no order of steps"


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
        reason: str | None = "recurrent_dropout and zoneout reach into every step, as only the reference can"
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
