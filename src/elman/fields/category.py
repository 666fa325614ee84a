"""Category: one of a fixed set of classes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from elman.checks import check_choice, check_fraction, check_range, fail, shown
from elman.decoding.special import sigmoid, softmax
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Input, Single
from elman.fields.values.cells import each_distinct
from elman.fields.values.classes import as_given, class_name, in_order, listed, with_counts
from elman.types import Json


class Category(Input, Single):
    """One of K classes.

    Args:
        name: the column.
        head: as a target, "softmax" (K outputs, cross-entropy) or "sigmoid" (one output, for two classes).
        class_weights: as a target, "none"; "balanced", each class weighs rows / (K * its rows), as in scikit-learn; or
            a table of weights by class, 1 for those it leaves out.
        label_smoothing: 0 to 1, as a target, fraction of each row's probability that training spreads evenly over all
            classes (Szegedy et al. 2016, arXiv 1512.00567); the loss of the validation and test splits is without.
        embedding: as an input, size of the vector of a class.

    Classes whose names are all integers (or True and False) are given back as such.

    Example:
        >>> field = Category("stars", class_weights="balanced")
        >>> field.fit(["5", "1", "5", "5"])
        >>> field.classes, field.labels(), field.weights().astype(float).round(4).tolist()
        (['1', '5'], [1, 5], [2.0, 0.6667])
    """

    kind = "category"
    is_sequence = False
    metrics = ("accuracy", "macro_f1")
    input_options = frozenset({"embedding"})
    target_options = frozenset({"head", "class_weights", "label_smoothing"})
    storage = pa.string()
    fits_on_counts = True  # a class that a sample leaves out could not be answered

    def __init__(
        self,
        name: str,
        *,
        head: Literal["softmax", "sigmoid"] = "softmax",
        class_weights: Literal["none", "balanced"] | dict[str, float] = "none",
        label_smoothing: float = 0.0,
        embedding: int = 16,
    ) -> None:
        super().__init__(name)
        check_choice(name, "head", head, ("softmax", "sigmoid"))
        check_fraction(name, "label_smoothing", label_smoothing)
        check_range(name, "embedding", embedding, low=1)
        if isinstance(class_weights, str):
            check_choice(name, "class_weights", class_weights, ("none", "balanced"))
        self.head, self.class_weights, self.embedding = head, class_weights, embedding
        self.label_smoothing = label_smoothing
        self.classes: list[str] = []
        self.counts: list[int] = []

    def parse(self, raw: Any) -> str:
        return class_name(raw)

    def fit(self, values: Iterable[str] | Mapping[str, int]) -> None:
        counted: Counter[str] = Counter(values)
        if len(counted) < 2:
            only = f"only {shown(next(iter(counted)))}" if counted else "none"
            must, then = "have at least two classes in the training split", "Check the column, or the split."
            fail(f"column {self.name!r}", "a category", must, only, then, DataError)
        if self.head == "sigmoid" and len(counted) != 2:
            must, then = "have exactly two classes", 'Pass head = "softmax".'
            fail(f"column {self.name!r}", "a sigmoid head", must, f"{len(counted)}", then, DataError)
        self.classes = in_order(counted)
        self.counts = [counted[text] for text in self.classes]
        if isinstance(self.class_weights, dict):
            for text, weight in self.class_weights.items():
                check_choice(f"column {self.name!r}", "class_weights", text, self.classes)
                check_range(f"column {self.name!r}", f"class_weights.{text}", weight, low=0)

    def encode(self, value: str) -> np.ndarray:
        try:
            return np.array(self.classes.index(value), dtype=np.int64)
        except ValueError:
            must = f"be one of the {len(self.classes)} classes of the training split ({listed(self.classes)})"
            raise BadValueError(must, shown(value)) from None

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        return each_distinct(column, self.parse, self.storage)

    def representative_values(self, column: pa.Array) -> list[str]:
        found: list[str] = column.unique().to_pylist()
        return found

    def encode_batch(self, values: Sequence[str]) -> list[np.ndarray]:
        ids = {text: np.array(index, dtype=np.int64) for index, text in enumerate(self.classes)}
        return [ids[value] if value in ids else self.encode(value) for value in values]

    def learned(self) -> Json:
        return {"classes": self.classes, "counts": self.counts}

    def restore(self, learned: Json) -> None:
        self.classes, self.counts = list(learned["classes"]), list(learned["counts"])
        if not all(isinstance(text, str) for text in self.classes):
            raise TypeError("a class is no text")

    def describe(self) -> str:
        return f"{len(self.classes)} classes: {with_counts(self.classes, self.counts)}"

    def step_names(self, value: str) -> list[str]:
        return [value]

    def weights(self) -> np.ndarray | None:
        """The weight of each class, (K,) float32, or None where all weigh the same."""
        if self.class_weights == "none":
            return None
        if isinstance(self.class_weights, dict):
            return np.array([self.class_weights.get(text, 1.0) for text in self.classes], np.float32)
        counts = np.array(self.counts, np.float32)
        balanced: np.ndarray = counts.sum() / (len(counts) * counts)
        return balanced

    def decode(self, output: np.ndarray) -> list[Any]:
        return self.decode_target(self._distribution(output).argmax(-1))

    def decode_target(self, target: np.ndarray) -> list[Any]:
        names = self.labels()
        return [names[index] for index in target.tolist()]

    def probabilities(self, output: np.ndarray) -> list[dict[str, float]]:
        return [dict(zip(self.classes, row, strict=True)) for row in self._distribution(output).tolist()]

    def labels(self) -> list[Any]:
        """The classes as the user knows them, see `as_given`."""
        return as_given(self.classes)

    def _distribution(self, output: np.ndarray) -> np.ndarray:
        """Output (B, K) or, of a sigmoid head, (B, 1) -> probabilities (B, K)."""
        if self.head == "sigmoid":
            second = sigmoid(output)
            return np.concatenate([1 - second, second], -1)
        return softmax(output)
