"""A linear map by the compiled kernels, such as that to a large vocabulary, with its weights packed once."""

import weakref
from typing import Any

import torch
from torch import Tensor

from elman.checks import check_shape, fail
from elman.kernels import KERNELS
from elman.kernels.calls import free_projection, pack_projection, run_projection


class Projection:
    """A linear map with a copy of these weights:

        logits = x weight^T + bias

    A row's result is the same, to the last bit, whatever the other rows are.

    Args:
        weight: (V, H), float32 on the CPU.
        bias: (V,), likewise; None: zeros.

    Shape: x (..., H), float32 on the CPU -> (..., V).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.columns, self.depth = weight.shape
        weight = weight.detach().contiguous()
        bias = weight.new_zeros(self.columns) if bias is None else bias.detach().contiguous()
        sizes = self.depth, self.columns, torch.get_num_threads()
        self._handle = pack_projection(*sizes, weight.data_ptr(), bias.data_ptr())
        weakref.finalize(self, free_projection, self._handle)

    def __call__(self, x: Tensor) -> Tensor:
        """x (..., H) -> logits (..., V)."""
        return self._computed(x, as_logs=False)

    def log_softmax(self, x: Tensor) -> Tensor:
        """x (..., H) -> log-probabilities (..., V)."""
        return self._computed(x, as_logs=True)

    def __reduce__(self) -> Any:
        fail("Projection", "packed weights", "stay where they are", "a copy of them", "Pack the layer again.")

    def _computed(self, x: Tensor, as_logs: bool) -> Tensor:
        check_shape("Projection", "the last dimension of x", x.shape[-1:], "H", H=self.depth)
        x = x.float().contiguous()  # under autocast it may come in half precision
        scores = x.new_empty(*x.shape[:-1], self.columns)
        rows = scores.numel() // self.columns
        run_projection(self._handle, rows, torch.get_num_threads(), as_logs, x.data_ptr(), scores.data_ptr())
        return scores


def packed(weight: Tensor, bias: Tensor | None = None) -> Projection | None:
    """The linear map with these weights packed; None where no kernel computes it."""
    tensors = (weight,) if bias is None else (weight, bias)
    fit = all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
    return Projection(weight, bias) if fit and KERNELS.library is not None else None
