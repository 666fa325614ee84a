"""The compiled kernels on torch's tensors: tensors in, tensors out."""

from elman.kernels import lend_threads

lend_threads()  # at import, for a compiled graph cannot load libraries

__all__: list[str] = []
