"""Spans: stretches of steps that tags such as B-city I-city O mark."""

from collections.abc import Sequence
from typing import NamedTuple

PREFIXES, OUTSIDE = ("B", "I", "E", "S"), "O"


class Span(NamedTuple):
    """Steps `begin` to `end`, the last not included, of one kind."""

    begin: int
    end: int
    kind: str


def span_f1(predicted: Sequence[Sequence[str]], true: Sequence[Sequence[str | None]]) -> float:
    """F1 of spans as conlleval counts them (Tjong Kim Sang & Buchholz 2000, CoNLL), 0 to 100; 0 where none is right.

        precision P = right / said,   recall R = right / true,   F1 = 2 P R / (P + R)

    A span is right if it begins and ends with a true one of the same kind. See `spans_of` for where spans begin.

    Args:
        predicted: the tags of each row.
        true: as many of them in each row; a step whose tag is not known, None, is outside in both.

    Example:
        >>> span_f1([["B-city", "I-city", "O", "B-day"]], [["B-city", "I-city", "O", "O"]])
        66.66666666666667
    """
    right = said = are = 0
    for answer, truth in zip(predicted, true, strict=True):
        if None in truth:
            answer = [OUTSIDE if tag is None else said_tag for said_tag, tag in zip(answer, truth, strict=True)]
        found, wanted = spans_of(answer), spans_of([tag or OUTSIDE for tag in truth])
        right += len(set(found) & set(wanted))
        said += len(found)
        are += len(wanted)
    return 100 * 2 * right / (said + are) if right else 0.0


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of a row mark.

    A span goes on where B or I is followed by I (or E, which ends it) of the same kind. Every other B, I, E or S begins
    one: I after O or after another kind too. What is none of these, as O, is outside.

    Example:
        >>> [tuple(span) for span in spans_of(["I-a", "I-a", "B-a", "I-b", "O", "B-b"])]
        [(0, 2, 'a'), (2, 3, 'a'), (3, 4, 'b'), (5, 6, 'b')]
    """
    spans: list[Span] = []
    open_kind: str | None = None  # of the span that the next step may go on with
    for step, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix in ("I", "E") and kind == open_kind:
            spans[-1] = spans[-1]._replace(end=step + 1)
        elif prefix in PREFIXES:
            spans.append(Span(step, step + 1, kind))
        open_kind = kind if prefix in ("B", "I") else None
    return spans
