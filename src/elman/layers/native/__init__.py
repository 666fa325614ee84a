"""Recurrent layers by the compiled kernels: tensors in, tensors out."""

__all__: list[str] = []
