"""Transcript: a text that was spoken or written along what is read, each of its symbols at some of the steps."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range
from elman.decoding.ctc import align, greedy, least_steps, prefix_beam
from elman.fields.base.aligned import Aligned
from elman.fields.tags import scores_of_steps
from elman.fields.text.field import Text
from elman.fields.text.scores import SCORES, Score
from elman.fields.text.tokenizer import Value
from elman.layers.ctc import ctc_loss
from elman.types import Column, Json

UNKNOWN = 1  # the id of what the vocabulary lacks, which is never answered


class Transcript(Aligned):
    """A text beside a longer sequence that says the same in the same order, such as the words of a clip of sound.

    Nothing says where in the sequence a symbol stands: the network gives each step a symbol or a blank, the loss is
    -log of the probability of all ways in which the steps may read as the text (connectionist temporal classification,
    Graves et al. 2006), and the answer is the text that is likeliest, as far as a search over prefixes finds it. The
    id of the padding is that of the blank.

    Args:
        name: the column.
        level, split, lowercase, max_vocabulary: of the symbols, as in `Text`; case is kept unless told otherwise.
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
    heeded_by_parse = frozenset({"level"})

    def __init__(
        self,
        name: str,
        *,
        level: Literal["word", "character", "byte", "bpe", "unigram"] = "word",
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
        if min_count is None and level in ("word", "character"):  # the others know every text
            min_count = 1
        self._text = Text(
            name, level=level, split=split, lowercase=lowercase, min_count=min_count, max_vocabulary=max_vocabulary
        )
        self.beam = beam
        signs = level in ("character", "byte")
        self.metrics = tuple(metrics or (("cer", "wer", "exact_match") if signs else ("wer", "cer", "exact_match")))

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

    def head(self, input_size: int) -> nn.Module:
        return nn.Linear(input_size, len(self._text.vocabulary))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of a step whose symbol is known, in nats, (N,); what training lowers is a row's, see
        `steps_loss`."""
        return nn.functional.cross_entropy(output, target, reduction="none")

    def steps_loss(self, head: nn.Module, features: Tensor, target: Column, lengths: Tensor | None = None) -> Tensor:
        """-log p(text) of each row in nats, (B,), over all ways to read the steps as it: features (B, T, H)."""
        assert lengths is not None
        assert target.lengths is not None
        logs = scores_of_steps(head, features, lengths).float().log_softmax(-1)
        return ctc_loss(logs, lengths, target.values, target.lengths)

    def answer_steps(self, head: nn.Module, features: Tensor, lengths: Tensor) -> tuple[list[str], None]:
        """The likeliest text of each row."""
        return [self.read(self._found(logs)) for logs in self._logs(head, features, lengths)], None

    def stretches(self, head: nn.Module, features: Tensor, lengths: Tensor) -> list[list[tuple[str, int, int]]]:
        names, rows = self._text.symbols(), []
        for logs in self._logs(head, features, lengths):
            found = self._found(logs)
            at = align(logs, found)
            rows.append([(names[symbol], *where) for symbol, where in zip(found, at, strict=True)])
        return rows

    def read(self, encoded: Sequence[int]) -> str:
        return self._text.reader()(encoded, True)

    def truth(self, value: Value) -> str:
        return self._text.truth(value)

    def compared(self, values: Sequence[str]) -> list[str]:
        return self._text.compared(values)

    def _logs(self, head: nn.Module, features: Tensor, lengths: Tensor) -> list[np.ndarray]:
        """The log-probabilities of each row's own steps, (T, K); what is unknown is never the answer."""
        scores = scores_of_steps(head, features, lengths).detach().double()
        scores[..., UNKNOWN] = -torch.inf
        logs = scores.log_softmax(-1).cpu().numpy()
        return [row[:length] for row, length in zip(logs, lengths.tolist(), strict=True)]

    def _found(self, logs: np.ndarray) -> list[int]:
        return greedy(logs) if self.beam == 1 else prefix_beam(logs, self.beam)
