"""Answers from a trained network."""

from elman.inference.answers import Answers, answer, as_array, as_rows
from elman.inference.decode import decode, write
from elman.inference.decoding import Decoding, Hypothesis, laid_over, says_how
from elman.inference.frames import check_fits_frames
from elman.inference.looking import Looked, check_looks, looks
from elman.inference.next_symbols import next_in_table, next_symbols
from elman.inference.stamps import Stamp, stamps
from elman.inference.trace import Step, check_traces, trace
from elman.inference.writing import Prompt, Written, check_writes, frames, pieces, read_prompts, rows_to_write, texts
from elman.inference.written import NetworkWriter, hypotheses, symbols

__all__ = [
    "Answers",
    "Decoding",
    "Hypothesis",
    "Looked",
    "NetworkWriter",
    "Prompt",
    "Stamp",
    "Step",
    "Written",
    "answer",
    "as_array",
    "as_rows",
    "check_fits_frames",
    "check_looks",
    "check_traces",
    "check_writes",
    "decode",
    "frames",
    "hypotheses",
    "laid_over",
    "looks",
    "next_in_table",
    "next_symbols",
    "pieces",
    "read_prompts",
    "rows_to_write",
    "says_how",
    "stamps",
    "symbols",
    "texts",
    "trace",
    "write",
]
