"""Error rates: the edit distance between a text and its reference, per unit of the reference; may exceed 1.

rate = (substitutions + deletions + insertions) / units of the reference, summed over the rows, as in jiwer. Of several
references the one with the smallest edit distance counts, of these the longest.
"""

import math
from collections.abc import Sequence
from typing import Any

from elman.errors import MissingExtraError
from elman.metrics.texts import joined, with_references


def wer(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Word error rate: the units are words, separated by white space.

    Raises:
        MissingExtraError: the package jiwer is not installed.

    Example:
        >>> wer(["the cat sat"], ["the cat sat down"]), wer(["a b"], [["a c", "a b c d"]])
        (0.25, 0.5)
    """
    return _rate(predicted, true, "process_words")


def cer(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Character error rate: the units are characters, spaces included. Raises: as `wer`.

    Example:
        >>> cer(["cat"], ["cats"])
        0.25
    """
    return _rate(predicted, true, "process_characters")


def per(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Phoneme error rate: the units are the symbols of a list, or the words of a string. Raises: as `wer`.

    Example:
        >>> per([["K", "AE", "T"]], [["K", "AH", "T"]])
        0.3333333333333333
    """
    return _rate(predicted, true, "process_words")


def _rate(predicted: Sequence[Any], true: Sequence[Any], process: str) -> float:
    try:
        import jiwer
    except ImportError:
        raise MissingExtraError("jiwer", "text", "error rates") from None
    rows = with_references(predicted, true)
    pairs = [(" ".join(joined(text).split()), " ".join(joined(ref).split())) for text, refs in rows for ref in refs]
    output = getattr(jiwer, process)([ref for _, ref in pairs], [text for text, _ in pairs])
    aligned = zip(output.alignments, output.references, strict=True)
    counts = iter([(_edits(alignment), -len(units)) for alignment, units in aligned])
    nearest = [min(next(counts) for _ in refs) for _, refs in rows]
    edits, units = sum(edits for edits, _ in nearest), -sum(length for _, length in nearest)
    if not units:
        return math.inf if edits else 0.0
    return edits / units


def _edits(alignment: Sequence[Any]) -> int:
    return sum(
        max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        for chunk in alignment
        if chunk.type != "equal"
    )
