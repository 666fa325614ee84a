"""Answers from a trained network."""

from elman.inference.decode import decode, write
from elman.inference.decoding import Decoding, Hypothesis, Writer
from elman.inference.trace import Step, trace

__all__ = ["Decoding", "Hypothesis", "Step", "Writer", "decode", "trace", "write"]
