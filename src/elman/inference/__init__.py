"""Answers from a trained network."""

from elman.inference.answers import Answers, answer, as_array, as_rows
from elman.inference.attention import Looked, check_looks, looks
from elman.inference.batches import judge
from elman.inference.frames import check_fits_frames
from elman.inference.generate import Prompt, Written, check_writes, frames, pieces, read_prompts, rows_to_write, texts
from elman.inference.network_decoder import NetworkStepDecoder, hypotheses, symbols
from elman.inference.next_symbols import next_in_table, next_symbols
from elman.inference.timestamps import Stamp, stamps
from elman.inference.trace import Step, check_traces, trace

__all__ = [
    "Answers",
    "Looked",
    "NetworkStepDecoder",
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
    "frames",
    "hypotheses",
    "judge",
    "looks",
    "next_in_table",
    "next_symbols",
    "pieces",
    "read_prompts",
    "rows_to_write",
    "stamps",
    "symbols",
    "texts",
    "trace",
]
