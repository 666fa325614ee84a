"""Tensors as arrays."""

import numpy as np
from torch import Tensor


def as_array(tensor: Tensor) -> np.ndarray:
    """A tensor as an array, without a copy where that can be; NumPy knows no bfloat16."""
    tensor = tensor.detach()
    array: np.ndarray = (tensor.float() if tensor.dtype.itemsize == 2 else tensor).cpu().numpy()
    return array
