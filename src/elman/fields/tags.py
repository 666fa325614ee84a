"""Tags: a label for every step of the sequence that is read, such as the slot that each word fills."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from elman.checks import check_choice, check_fraction, fail, shown
from elman.decoding.special import softmax
from elman.decoding.viterbi import marginals, viterbi
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields.base.in_step import InStep, StepScores
from elman.fields.values.cells import is_blank
from elman.types import Json

OUTSIDE = "O"
UNKNOWN = -1  # the label of a step that has none


class Tags(InStep):
    """One of K labels a step.

    Labels that are all O, B-x or I-x mark spans (Ramshaw & Marcus 1995): B-x begins a span of the kind x, I-x continues
    it. Where an I-x continues nothing, a span begins there too, as in conlleval; `describe` counts them.

    Args:
        name: the column.
        head: "softmax", each step by itself; "crf", all steps of a row together by a linear-chain conditional random
            field, see `elman.layers.crf.CRF`; None: "crf" where the labels mark spans, for there one label says much
            about the next (Lample et al. 2016, arXiv 1603.01360; Reimers & Gurevych 2017, arXiv 1707.06799), and
            "softmax" elsewhere, where it adds little and takes time with K^2.
        scheme: "auto", look whether the labels mark spans; "bio", they must; "none", they are labels and nothing more.
        label_smoothing: 0 to 1, how much of each step's probability is spread evenly over all labels, see `Category`;
            for the softmax alone, whose loss is of one step.
        unlabelled: what a file holds where a step has no label, such as "_". In a list None and "" do, too.

    A step without a label is read and answered as any other, and is not scored: it has no part in the loss of a
    softmax, a CRF sums over all labels that it might have, and no metric counts it. A row has at least one label.

    A CRF's answer never holds an I-x that continues nothing, unless more spans of the training split begin by I-x
    than by B-x: then B-x only parts neighbours, the older form of these labels.

    Raises:
        ConfigError: label smoothing without a softmax.

    Example:
        >>> field = Tags("slots")
        >>> field.fit([field.parse("O B-artist I-artist"), field.parse(["O", "O"])])
        >>> field.labels, field.encode(["B-artist", "O"]).tolist(), field.metrics
        (['B-artist', 'I-artist', 'O'], [0, 2], ('span_f1', 'accuracy'))
        >>> field.describe()
        '3 labels that mark spans of 1 kind: artist'
    """

    kind = "tags"
    storage = pa.list_(pa.string())
    parse_options = frozenset({"unlabelled"})

    def __init__(
        self,
        name: str,
        *,
        head: Literal["softmax", "crf"] | None = None,
        scheme: Literal["auto", "bio", "none"] = "auto",
        label_smoothing: float = 0.0,
        unlabelled: str | None = None,
    ) -> None:
        super().__init__(name)
        check_choice(name, "head", head or "crf", ("softmax", "crf"))
        check_choice(name, "scheme", scheme, ("auto", "bio", "none"))
        check_fraction(name, "label_smoothing", label_smoothing)
        if label_smoothing and head != "softmax":
            must = 'be "softmax" where label_smoothing is set'
            fail(f"column {name!r}", "head", must, shown(head), error=ConfigError)
        if unlabelled is not None and unlabelled.split() != [unlabelled]:
            fail(f"column {name!r}", "unlabelled", "be one word", shown(unlabelled), error=ConfigError)
        self._given_head, self.scheme, self.label_smoothing = head, scheme, label_smoothing
        self.unlabelled = unlabelled
        self._set_labels([], [], 0, 0)

    def parse(self, raw: Any) -> list[str | None]:
        """A list of labels, or a text of labels with spaces between them; None where a step has none."""
        if isinstance(raw, str):
            raw = raw.split()
        if not isinstance(raw, (list, tuple, np.ndarray)):
            raise BadValueError("be a list of labels, or labels with spaces between them", shown(raw))
        labels = [self._label(label) for label in raw]
        if all(label is None for label in labels):
            raise BadValueError("have at least one label", "none")
        return labels

    def fit(self, values: Iterable[Sequence[str | None]]) -> None:
        counted: Counter[str] = Counter()
        loose = missing = 0
        for labels in values:
            known = [label for label in labels if label is not None]
            counted.update(known)
            missing += len(labels) - len(known)
            loose += sum(_continues_nothing(*pair) for pair in pairwise(chain([OUTSIDE], labels)))
        if len(counted) < 2:
            got = f"only {shown(next(iter(counted)))}" if counted else "none"
            must, then = "have at least two labels in the training split", "Check the column, or the split."
            fail(f"column {self.name!r}", "tags", must, got, then, DataError)
        odd = [label for label in counted if not _marks_spans(label)]
        if self.scheme == "bio" and odd:
            must = 'be O, B-x or I-x where scheme = "bio"'
            fail(f"column {self.name!r}", "a label", must, shown(odd[0]), 'Leave scheme at "auto".', DataError)
        self._set_labels(sorted(counted), [counted[label] for label in sorted(counted)], loose, missing)

    def encode(self, value: Sequence[str | None]) -> np.ndarray:
        unknown = [label for label in value if label not in self._ids]
        if unknown:
            some = ", ".join(self.labels[:8]) + (", ..." if len(self.labels) > 8 else "")
            raise BadValueError(
                f"hold only the {len(self.labels)} labels of the training split ({some})", shown(unknown[0])
            )
        return np.array([self._ids[label] for label in value], dtype=np.int64)

    def representative_values(self, column: pa.Array) -> list[list[str]]:
        return [[label] for label in column.flatten().unique().to_pylist() if label is not None]

    def learned(self) -> Json:
        return {"labels": self.labels, "counts": self.counts, "loose": self.loose, "missing": self.missing}

    def restore(self, learned: Json) -> None:
        labels, counts = list(learned["labels"]), list(learned["counts"])
        if not all(isinstance(label, str) for label in labels):
            raise TypeError("a label is no text")
        self._set_labels(labels, counts, int(learned["loose"]), int(learned.get("missing", 0)))

    def describe(self) -> str:
        if not self.marks_spans:
            often = sorted(zip(self.labels, self.counts, strict=True), key=lambda entry: -entry[1])
            shown, more = [f"{label} {count:,}" for label, count in often[:6]], len(often) - 6
            return f"{len(self.labels)} labels: {_listed(shown, more)}{self._said_missing()}"
        kinds = sorted({label[2:] for label in self.labels if label != OUTSIDE})
        several = "" if len(kinds) == 1 else "s"
        listed = _listed(kinds[:6], len(kinds) - 6)
        said_loose = f"; {self.loose:,} spans begin with I- in place of B-" if self.loose else ""
        marked = f"{len(self.labels)} labels that mark spans of {len(kinds)} kind{several}: {listed}{said_loose}"
        return marked + self._said_missing()

    def allowed(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Which transitions, (K, K) from row to column, and which first labels, (K,), a prediction may have; None where
        all may be."""
        if not self._is_strict():
            return None, None
        transitions = [[not _continues_nothing(before, label) for label in self.labels] for before in self.labels]
        first = [not _continues_nothing(OUTSIDE, label) for label in self.labels]
        return np.array(transitions, bool), np.array(first, bool)

    def decode_steps(self, scores: StepScores) -> tuple[list[list[str | None]], list[list[float]]]:
        """The likeliest label of each step, and its probability; of a CRF the likeliest labels of each row together,
        and of each label its marginal: the probability of all paths through it."""
        lengths = scores.lengths.tolist()
        if scores.chain is not None:
            found, _ = viterbi(scores.scores, scores.lengths, *scores.chain, *self.allowed())
            probabilities = marginals(scores.scores, scores.lengths, *scores.chain)
        else:
            best = scores.scores.argmax(-1).tolist()
            found = [ids[:length] for ids, length in zip(best, lengths, strict=True)]
            probabilities = softmax(scores.scores)
        each = [row[np.arange(len(ids)), ids].tolist() for row, ids in zip(probabilities, found, strict=True)]
        return [self.decode_sequence(ids) for ids in found], each

    def decode_sequence(self, encoded: Sequence[int]) -> list[str | None]:
        return [None if index < 0 else self.labels[int(index)] for index in encoded]

    def _label(self, raw: Any) -> str | None:
        if is_blank(raw):
            return None
        if not isinstance(raw, (str, int, np.integer)):
            raise BadValueError("hold a label, or None, at each step", shown(raw))
        label = str(raw).strip()
        return None if label == self.unlabelled else label

    def _said_missing(self) -> str:
        return f"; {self.missing:,} step{' has' if self.missing == 1 else 's have'} none" if self.missing else ""

    def _set_labels(self, labels: list[str], counts: list[int], loose: int, missing: int) -> None:
        self.labels, self.counts, self.loose, self.missing = labels, counts, loose, missing
        self._ids: dict[str | None, int] = {None: UNKNOWN, **{label: index for index, label in enumerate(labels)}}
        all_mark = all(map(_marks_spans, labels)) and labels not in ([], [OUTSIDE])
        self.marks_spans = self.scheme != "none" and all_mark
        self.head = self._given_head or ("crf" if self.marks_spans else "softmax")
        self.metrics = ("span_f1", "accuracy") if self.marks_spans else ("accuracy", "macro_f1")

    def _is_strict(self) -> bool:
        """Whether a span begins with B-x; if most do not, it is not the rule here."""
        begun = sum(count for label, count in zip(self.labels, self.counts, strict=True) if label.startswith("B-"))
        return self.marks_spans and self.loose < begun


def _marks_spans(label: str) -> bool:
    return label == OUTSIDE or (label[:2] in ("B-", "I-") and len(label) > 2)


def _continues_nothing(before: str | None, label: str | None) -> bool:
    """Whether `label` is an I-x that comes after neither B-x nor I-x, as far as both are known."""
    if before is None or label is None:
        return False
    return label.startswith("I-") and (before[:2] not in ("B-", "I-") or before[2:] != label[2:])


def _listed(shown: list[str], more: int) -> str:
    return ", ".join(shown + [f"and {more} more"] * (more > 0))
