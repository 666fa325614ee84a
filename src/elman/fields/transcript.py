"""Transcript: a text that is spoken or written along the input, each of its symbols aligned with some steps."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from elman.checks import check_choice, check_range
from elman.decoding.ctc import align, greedy, least_steps, prefix_beam
from elman.decoding.special import log_softmax
from elman.fields.base.in_step import Aligned, StepScores
from elman.fields.text.field import Text
from elman.fields.text.scores import SCORES, Score
from elman.fields.text.tokenizer import Value
from elman.types import Json

UNKNOWN = 1  # the id of what the vocabulary lacks, which is never answered


class Transcript(Aligned):
    """A text beside a longer sequence that says the same in the same order, such as the words of a clip of sound.

    Nothing says where in the sequence a symbol occurs: the network gives each step a symbol or a blank, the loss is
    -log of the probability of all ways in which the steps may read as the text (connectionist temporal classification,
    Graves et al. 2006), and the answer is the text that is likeliest, as far as a search over prefixes finds it. The
    id of the padding is that of the blank.

    Args:
        name: the column.
        tokenizer, split, lowercase, max_vocabulary: of the symbols, as in `Text`; case is kept by default.
        min_count: a word or character rarer than this in the training split is none, and is never answered; None: 1.
        beam: prefixes that the search keeps; 1: no search, the likeliest path.
        metrics: what it is scored by: of `elman.fields.text.scores.SCORES`; None: wer, cer and exact_match, of
            characters and bytes cer first.

    A text of more symbols than the sequence has steps, counting a blank between equal neighbours, is a bad row.

    Raises:
        ArgumentError: an option out of its range.
        MissingExtraError: the package `tokenizers` is not installed.

    Example:
        >>> field = Transcript("words")
        >>> field.fit(["three one", "one one four"])
        >>> field.encode("one four").tolist(), field.least_steps(field.encode("one one"))
        ([2, 3], 3)
    """

    kind = "transcript"
    storage = pa.string()
    parse_options = frozenset({"tokenizer"})

    def __init__(
        self,
        name: str,
        *,
        tokenizer: Literal["word", "character", "byte", "bpe", "unigram"] = "word",
        split: Literal["word", "space"] = "word",
        lowercase: bool = False,
        min_count: int | None = None,
        max_vocabulary: int | None = None,
        beam: int = 8,
        metrics: list[Score] | None = None,
    ) -> None:
        super().__init__(name)
        check_range(name, "beam", beam, low=1)
        for score in metrics or ():
            check_choice(name, "metrics", score, SCORES)
        if min_count is None and tokenizer in ("word", "character"):  # the others know every text
            min_count = 1
        self._text = Text(
            name,
            tokenizer=tokenizer,
            split=split,
            lowercase=lowercase,
            min_count=min_count,
            max_vocabulary=max_vocabulary,
        )
        self.beam = beam
        short = tokenizer in ("character", "byte")
        self.metrics = tuple(metrics or (("cer", "wer", "exact_match") if short else ("wer", "cer", "exact_match")))

    def parse(self, raw: Any) -> Value:
        return self._text.parse(raw)

    def fit(self, values: Sequence[Value]) -> None:
        self._text.fit(values)

    def encode(self, value: Value) -> np.ndarray:
        return self._text.encode(value)

    def encode_batch(self, values: Sequence[Value]) -> list[np.ndarray]:
        return self._text.encode_batch(values)

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        return self._text.parse_column(column)

    def pack(self, value: Value) -> str:
        return self._text.pack(value)

    def unpack(self, stored: pa.Scalar) -> Value:
        return self._text.unpack(stored)

    def unpack_column(self, stored: pa.Array) -> list[Value]:
        return self._text.unpack_column(stored)

    def learned(self) -> Json:
        return self._text.learned()

    def restore(self, learned: Json) -> None:
        self._text.restore(learned)

    def describe(self) -> str:
        return f"{self._text.describe()}; each at some of the steps (CTC)"

    def least_steps(self, encoded: np.ndarray) -> int:
        return least_steps(encoded)

    @property
    def tokenizer(self) -> str:
        """The name of what cuts texts into symbols."""
        return self._text.tokenizer

    @property
    def vocabulary(self) -> list[str]:
        """The symbols by their ids; the first is the blank."""
        return self._text.vocabulary

    def decode_steps(self, scores: StepScores) -> tuple[list[str], None]:
        """The likeliest text of each row."""
        return [self.decode_sequence(self._symbols(logs)) for logs in self._log_probabilities(scores)], None

    def align(self, scores: StepScores) -> list[list[tuple[str, int, int]]]:
        names, rows = self._text.symbols(), []
        for logs in self._log_probabilities(scores):
            found = self._symbols(logs)
            at = align(logs, found)
            rows.append([(names[symbol], *where) for symbol, where in zip(found, at, strict=True)])
        return rows

    def decode_sequence(self, encoded: Sequence[int]) -> str:
        return self._text.reader()(encoded, True)

    def truth(self, value: Value) -> str:
        return self._text.truth(value)

    def compared(self, values: Sequence[str]) -> list[str]:
        return self._text.compared(values)

    def _log_probabilities(self, scores: StepScores) -> list[np.ndarray]:
        """Those of each row's own steps, (T, K) float64; what is unknown is never predicted."""
        logits = scores.scores.astype(np.float64)
        logits[..., UNKNOWN] = -np.inf
        return [log_softmax(row[:length]) for row, length in zip(logits, scores.lengths.tolist(), strict=True)]

    def _symbols(self, logs: np.ndarray) -> list[int]:
        return greedy(logs) if self.beam == 1 else prefix_beam(logs, self.beam)
