"""From a step function to sequences, and from scores to answers: beam search, sampling, Viterbi, CTC, quantiles.

Everything here is NumPy: a trained model answers with it, with PyTorch or without.
"""

from elman.decoding.decode import decode, stream_symbols
from elman.decoding.options import Decoding, Hypothesis, StepDecoder, chooses_method, with_overrides

__all__ = ["Decoding", "Hypothesis", "StepDecoder", "chooses_method", "decode", "stream_symbols", "with_overrides"]
