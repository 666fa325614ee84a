"""From a step function to sequences: greedy, beam search, sampling."""

from elman.decoding.decode import decode, write
from elman.decoding.options import Decoding, Hypothesis, laid_over, says_how

__all__ = ["Decoding", "Hypothesis", "decode", "laid_over", "says_how", "write"]
