"""Answers from a trained network."""

from elman.inference.answers import Answers, answer
from elman.inference.decode import decode, write
from elman.inference.decoding import Decoding, Hypothesis
from elman.inference.trace import Step, trace
from elman.inference.written import Begun, NetworkWriter, begun

__all__ = [
    "Answers",
    "Begun",
    "Decoding",
    "Hypothesis",
    "NetworkWriter",
    "Step",
    "answer",
    "begun",
    "decode",
    "trace",
    "write",
]
