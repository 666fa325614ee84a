"""Answers from a trained network."""

from elman.inference.answers import Answers, answer
from elman.inference.decode import decode, write
from elman.inference.decoding import Decoding, Hypothesis
from elman.inference.trace import Step, trace
from elman.inference.written import NetworkWriter, hypotheses, symbols

__all__ = [
    "Answers",
    "Decoding",
    "Hypothesis",
    "NetworkWriter",
    "Step",
    "answer",
    "decode",
    "hypotheses",
    "symbols",
    "trace",
    "write",
]
