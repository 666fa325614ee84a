"""A linear map to many symbols and its softmax by the compiled kernels, of weights packed once."""

import weakref

import torch
from torch import Tensor

from elman.kernels.library import KERNELS


class Projection:
    """A linear map with the weights that it has now, and the logarithm of the softmax of what it gives:

        log-probabilities = log softmax(x weight^T + bias)

    A row comes out the same, to the last bit, whoever stands beside it.

    Args:
        weight: (V, H), float32 on the CPU.
        bias: (V,), likewise.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        library = KERNELS.library
        assert library is not None  # whoever asks has seen that there are kernels
        self.columns, self.depth = weight.shape
        weight, bias = weight.detach().contiguous(), bias.detach().contiguous()
        sizes = self.depth, self.columns, torch.get_num_threads()
        handle = library.elman_projection_pack(*sizes, weight.data_ptr(), bias.data_ptr())
        if not handle:
            raise MemoryError(f"projection: no memory for {self.columns} x {self.depth} weights")
        weakref.finalize(self, library.elman_projection_free, handle)
        self._handle, self._run = handle, library.elman_projection_run

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, H), float32 on the CPU -> (N, V)."""
        x = x.contiguous()
        found = x.new_empty(len(x), self.columns)
        self._run(self._handle, len(x), torch.get_num_threads(), x.data_ptr(), found.data_ptr())
        return found
