"""Metrics of spans: segments of steps that tags such as B-city I-city O mark."""

from collections.abc import Sequence
from typing import NamedTuple

PREFIXES, OUTSIDE = ("B", "I", "E", "S"), "O"


class Span(NamedTuple):
    """A segment of one kind: steps from `begin` to `end`, which is not included."""

    begin: int
    end: int
    kind: str


def span_f1(predicted: Sequence[Sequence[str]], true: Sequence[Sequence[str | None]]) -> float:
    """F1 of spans as in conlleval (Tjong Kim Sang & Buchholz 2000, CoNLL), 0 to 100; 0 if no span is correct.

        precision P = correct / predicted,   recall R = correct / true,   F1 = 2 P R / (P + R)

    A span is correct if a true span has the same begin, end and kind. See `spans_of` for where spans begin.

    Args:
        predicted: the tags of each row.
        true: the true tags, as many in each row; a step with an unknown tag, None, is outside in both.

    Example:
        >>> span_f1([["B-city", "I-city", "O", "B-day"]], [["B-city", "I-city", "O", "O"]])
        66.66666666666667
    """
    correct = predicted_count = true_count = 0
    for answer, truth in zip(predicted, true, strict=True):
        if None in truth:
            answer = [OUTSIDE if tag is None else own for own, tag in zip(answer, truth, strict=True)]
        spans, true_spans = spans_of(answer), spans_of([tag or OUTSIDE for tag in truth])
        correct += len(set(spans) & set(true_spans))
        predicted_count += len(spans)
        true_count += len(true_spans)
    return 100 * 2 * correct / (predicted_count + true_count) if correct else 0.0


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of a row mark.

    A span continues where B or I is followed by I (or E, which ends it) of the same kind. Every other B, I, E or S
    begins a span, also I after O or after another kind. Any other tag, such as O, is outside.

    Example:
        >>> [tuple(span) for span in spans_of(["I-a", "I-a", "B-a", "I-b", "O", "B-b"])]
        [(0, 2, 'a'), (2, 3, 'a'), (3, 4, 'b'), (5, 6, 'b')]
    """
    spans: list[Span] = []
    open_kind: str | None = None  # of the span that the next step may continue
    for step, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix in ("I", "E") and kind == open_kind:
            spans[-1] = spans[-1]._replace(end=step + 1)
        elif prefix in PREFIXES:
            spans.append(Span(step, step + 1, kind))
        open_kind = kind if prefix in ("B", "I") else None
    return spans
