"""When the kernels may run: depending on what torch is doing, and on the tensors."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from elman.kernels import KERNELS

PLAIN = (Tensor, nn.Parameter)  # a subclass of them may mean anything


def transformed() -> bool:
    """Whether torch is tracing, transforming or differentiating in forward mode, which the kernels do not support."""
    return not torch.compiler.is_compiling() and (
        bool(torch._C._get_tracing_state())
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def watched(tensors: Iterable[Any]) -> bool:
    """Whether something observes the operators called with these tensors, so that the kernels must be one."""
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or any(type(tensor) not in PLAIN for tensor in tensors)
    )


def are_plain(tensors: Iterable[Any]) -> bool:
    """Whether all of them are float32 tensors on the CPU."""
    return all(
        isinstance(tensor, Tensor) and tensor.dtype == torch.float32 and tensor.device.type == "cpu"
        for tensor in tensors
        if tensor is not None
    )


def kernels_may_run(tensors: Iterable[Any]) -> bool:
    """Whether nothing observes or transforms torch's operators, and all tensors are plain float32 on the CPU."""
    tensors = list(tensors)
    if KERNELS.name == "none" or torch.is_autocast_enabled("cpu") or transformed() or watched(tensors):
        return False
    return are_plain(tensors)
