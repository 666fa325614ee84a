"""elman.accelerate: torch's recurrent layers and cells in any module run by our kernels; elman.restore undoes it."""

from elman.layers.accelerate.swap import Accelerated, accelerate, restore

__all__ = ["Accelerated", "accelerate", "restore"]
