"""Backends: the code that can run a cell over a whole batch, one file each, and the choice among them."""

from elman.layers.backends.choice import BACKENDS, CHOICES, Backend, choose_backend

__all__ = ["BACKENDS", "CHOICES", "Backend", "choose_backend"]
