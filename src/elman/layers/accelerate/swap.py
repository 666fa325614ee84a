"""Swapping: gives torch's layers and cells in a module the classes that call our kernels, and takes them back."""

from typing import NamedTuple

import torch
from torch import nn

from elman.checks import fail
from elman.kernels import KERNELS
from elman.layers.accelerate.cells import FusedGRUCell, FusedLSTMCell
from elman.layers.accelerate.layers import FusedGRU, FusedLSTM, FusedRNN

FUSED: dict[type[nn.Module], type[nn.Module]] = {
    nn.RNN: FusedRNN,
    nn.LSTM: FusedLSTM,
    nn.GRU: FusedGRU,
    nn.LSTMCell: FusedLSTMCell,
    nn.GRUCell: FusedGRUCell,
}
ORIGINAL = {fused: original for original, fused in FUSED.items()}
NAMES = {cls.__name__ for cls in (*FUSED, nn.RNNCell)}


class Accelerated(NamedTuple):
    """What `accelerate` did; `print` shows it as text."""

    swapped: list[str]  # names as in `named_modules`; "" is the module itself
    skipped: dict[str, str]  # name -> why

    def __str__(self) -> str:
        found = len(self.swapped) + len(self.skipped)
        if not found:
            return "nothing to accelerate: no torch.nn.RNN, LSTM, GRU or cell of theirs in this module"
        lines = [f"{len(self.swapped)} of {found} recurrent modules accelerated"]
        lines += [f"  {_shown(name)}" for name in self.swapped]
        lines += [f"  {_shown(name)} left as it was: {reason}" for name, reason in self.skipped.items()]
        if self.swapped and KERNELS.name == "none":
            lines.append(f"torch still computes them here, because there are no kernels ({KERNELS.reason})")
        return "\n".join(lines)


def accelerate(module: nn.Module) -> Accelerated:
    """Let our kernels run torch.nn.RNN, LSTM, GRU, LSTMCell and GRUCell inside a module, itself included.

    In place: the layers keep their parameters, `state_dict`, hooks, options and call signature, so that training,
    saving and optimizers work as before; only their class changes, to a subclass with a faster `forward`. Results
    differ by rounding. What the kernels do not support (another dtype or device, autocast, tracing, compiling,
    `torch.func`) torch computes as before. `restore` the module before it is scripted, quantized or saved whole for a
    machine without elman.

    Args:
        module: any module; layers that cannot be swapped are left as they were, and reported.

    Returns: the names of the swapped layers, and of the others with the reason.

    Raises:
        ArgumentError: not a module.

    Example:
        >>> from torch import nn
        >>> tagger = nn.ModuleDict({"read": nn.LSTM(3, 4, bidirectional=True), "tag": nn.Linear(8, 2)})
        >>> elman.accelerate(tagger).swapped
        ['read']
        >>> outputs, (hidden, cell) = tagger["read"](torch.zeros(5, 2, 3))
        >>> elman.restore(tagger)
        ['read']
    """
    _check("accelerate", module)
    swapped, skipped = [], {}
    for name, child in module.named_modules():
        if not _is_recurrent(child):
            continue
        reason = _refuses(child)
        if reason is None:
            child.__class__ = FUSED[type(child)]
            swapped.append(name)
        else:
            skipped[name] = reason
    return Accelerated(swapped, skipped)


def restore(module: nn.Module) -> list[str]:
    """Give every layer that `accelerate` swapped its own class back.

    Returns: the names of those layers.

    Raises:
        ArgumentError: not a module.
    """
    _check("restore", module)
    found = [(name, child) for name, child in module.named_modules() if type(child) in ORIGINAL]
    for _, child in found:
        child.__class__ = ORIGINAL[type(child)]
    return [name for name, _ in found]


def _check(where: str, module: nn.Module) -> None:
    if not isinstance(module, nn.Module):
        fail(where, "module", "be a torch.nn.Module", type(module).__name__)


def _is_recurrent(module: nn.Module) -> bool:
    if isinstance(module, torch.jit.ScriptModule):
        return module.original_name in NAMES
    return isinstance(module, (nn.RNNBase, nn.RNNCellBase)) or _is_quantized(module)


def _is_quantized(module: nn.Module) -> bool:
    return type(module).__name__ in NAMES and "quantiz" in type(module).__module__


def _refuses(module: nn.Module) -> str | None:
    """Why a recurrent module cannot be swapped, or None."""
    cls = type(module)
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript has compiled it"
    if _is_quantized(module):
        return "it is quantized"
    if cls in ORIGINAL:
        return "it is accelerated already"
    if cls is nn.RNNCell:
        return "torch's own step is as fast"
    if cls not in FUSED:
        base = next(base for base in cls.__mro__ if base.__module__.startswith("torch.nn."))
        return f"{cls.__name__} is a subclass of torch.nn.{base.__name__} and may compute something else"
    if "forward" in vars(module):
        return "its forward has been replaced"
    proj_size = getattr(module, "proj_size", 0)  # cells have none
    return f"there is no kernel for proj_size = {proj_size}" if proj_size else None


def _shown(name: str) -> str:
    return name or "the module itself"
