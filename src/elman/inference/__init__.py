"""Answers from a trained network."""

from elman.inference.trace import Step, trace

__all__ = ["Step", "trace"]
