"""The user's handle on a trained network."""

from elman.model.load import load
from elman.model.model import Model

__all__ = ["Model", "load"]
