"""Answers from a trained network."""

from elman.inference.answers import Answers, answer, as_objects, as_rows
from elman.inference.attention import AttentionWeights, attention_of, check_has_attention
from elman.inference.batches import evaluate
from elman.inference.frames import check_fits_frames
from elman.inference.generate import (
    GeneratedText,
    Prompt,
    check_generates,
    frames,
    pieces,
    read_prompts,
    rows_to_generate,
    texts,
)
from elman.inference.network_decoder import NetworkStepDecoder, hypotheses, symbols
from elman.inference.next_symbols import next_in_table, next_symbols
from elman.inference.timestamps import Timestamp, timestamps_of
from elman.inference.trace import Step, check_traces, trace

__all__ = [
    "Answers",
    "AttentionWeights",
    "GeneratedText",
    "NetworkStepDecoder",
    "Prompt",
    "Step",
    "Timestamp",
    "answer",
    "as_objects",
    "as_rows",
    "attention_of",
    "check_fits_frames",
    "check_generates",
    "check_has_attention",
    "check_traces",
    "evaluate",
    "frames",
    "hypotheses",
    "next_in_table",
    "next_symbols",
    "pieces",
    "read_prompts",
    "rows_to_generate",
    "symbols",
    "texts",
    "timestamps_of",
    "trace",
]
