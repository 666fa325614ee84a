"""Error rates: edits that make a text its reference, a unit of the reference; may exceed 1.

rate = (substitutions + deletions + insertions) / units of the reference, summed over the rows, as jiwer counts them.
Where a row has several references the nearest counts: the one that is the fewest edits away, of these the longest.
"""

import math
from collections.abc import Sequence
from typing import Any

from elman.errors import MissingExtraError
from elman.metrics.texts import joined, with_references


def wer(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Word error rate: the units are words, which white space parts.

    Raises:
        MissingExtraError: the package jiwer is not installed.

    Example:
        >>> wer(["the cat sat"], ["the cat sat down"]), wer(["a b"], [["a c", "a b c d"]])
        (0.25, 0.5)
    """
    return _rate(predicted, true, "process_words")


def cer(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Character error rate: the units are characters, spaces among them. Raises: as `wer`.

    Example:
        >>> cer(["cat"], ["cats"])
        0.25
    """
    return _rate(predicted, true, "process_characters")


def per(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Phoneme error rate: the units are the symbols of a list, or of a string what white space parts. Raises: as `wer`.

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
    pairs = [(" ".join(joined(said).split()), " ".join(joined(text).split())) for said, texts in rows for text in texts]
    output = getattr(jiwer, process)([text for _, text in pairs], [said for said, _ in pairs])
    counted = zip(output.alignments, output.references, strict=True)
    counts = iter([(_edits(alignment), -len(units)) for alignment, units in counted])
    nearest = [min(next(counts) for _ in texts) for _, texts in rows]
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
