"""Category: one of a fixed set of classes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_choice, check_range, check_share, fail, shown
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Input, Single
from elman.fields.values.cells import each_distinct
from elman.fields.values.classes import as_given, class_name, in_order, listed, with_counts
from elman.layers import TokenEmbedding
from elman.types import Json


class Category(Input, Single):
    """One of K classes.

    Args:
        name: the column.
        head: as a target, "softmax" (K outputs, cross-entropy) or "sigmoid" (one output, for two classes).
        class_weights: as a target, "none"; "balanced", each class weighs rows / (K * its rows), as in scikit-learn; or
            a table of weights by class, 1 for those it leaves out.
        label_smoothing: 0 to 1, as a target, share of each row's probability that training wants spread evenly over
            all classes (Szegedy et al. 2016, arXiv 1512.00567); the loss of the validation and test splits is without.
        embedding: as an input, numbers in the vector of a class.

    Classes whose names are all integers (or True and False) are given back as such.

    Example:
        >>> field = Category("stars", class_weights="balanced")
        >>> field.fit(["5", "1", "5", "5"])
        >>> field.classes, field.labels(), field.weights()
        (['1', '5'], [1, 5], tensor([2.0000, 0.6667]))
    """

    kind = "category"
    is_sequence = False
    metrics = ("accuracy", "macro_f1")
    only_as_input = frozenset({"embedding"})
    only_as_target = frozenset({"head", "class_weights", "label_smoothing"})
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
        check_share(name, "label_smoothing", label_smoothing)
        check_range(name, "embedding", embedding, low=1)
        if isinstance(class_weights, str):
            check_choice(name, "class_weights", class_weights, ("none", "balanced"))
        self.head_kind, self.class_weights, self.embedding = head, class_weights, embedding
        self.label_smoothing = label_smoothing
        self.classes: list[str] = []
        self.counts: list[int] = []

    def parse(self, raw: Any) -> str:
        return class_name(raw)

    def fit(self, values: Iterable[str] | Mapping[str, int]) -> None:
        counted: Counter[str] = Counter(values)
        if len(counted) < 2:
            only = f"only {shown(next(iter(counted)))}" if counted else "none"
            fail(
                f"column {self.name!r}",
                "a category",
                "have at least two classes in the training split",
                only,
                "Check the column, or the split.",
                DataError,
            )
        if self.head_kind == "sigmoid" and len(counted) != 2:
            fail(
                f"column {self.name!r}",
                "a sigmoid head",
                "have exactly two classes",
                f"{len(counted)}",
                'Pass head = "softmax".',
                DataError,
            )
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

    def witnesses(self, column: pa.Array) -> list[str]:
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

    def encoder(self) -> nn.Module:
        return TokenEmbedding(len(self.classes), self.embedding)

    def pieces(self, value: str) -> list[str]:
        return [value]

    def head(self, input_size: int) -> nn.Module:
        return nn.Linear(input_size, 1 if self.head_kind == "sigmoid" else len(self.classes))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a row, (B,), times the weight of the row's class.

        softmax: -log softmax(output)[target]; sigmoid: -log sigmoid(output) for the second class, -log(1 - ...) for the
        first. The mean over rows is later taken over their number; torch's weighted mean divides by the sum of weights.
        """
        return self._loss(output, target, 0.0)

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """As `loss`, with (1 - label_smoothing) of the truth on the row's class and the rest on all K evenly."""
        return self._loss(output, target, self.label_smoothing)

    def _loss(self, output: Tensor, target: Tensor, smoothing: float) -> Tensor:
        if self.head_kind == "sigmoid":
            second = (1 - smoothing) * target.to(output.dtype) + smoothing / 2
            loss = F.binary_cross_entropy_with_logits(output[:, 0], second, reduction="none")
        else:
            loss = F.cross_entropy(output, target, reduction="none", label_smoothing=smoothing)
        weights = self.weights()
        return loss if weights is None else loss * weights.to(loss)[target]

    def weights(self) -> Tensor | None:
        """The weight of each class, (K,), or None where all weigh the same."""
        if self.class_weights == "none":
            return None
        if isinstance(self.class_weights, dict):
            return torch.tensor([self.class_weights.get(text, 1.0) for text in self.classes])
        counts = torch.tensor(self.counts, dtype=torch.float)
        return counts.sum() / (len(counts) * counts)

    def decode(self, output: Tensor) -> list[Any]:
        return self.decode_target(self._distribution(output).argmax(-1))

    def decode_target(self, target: Tensor) -> list[Any]:
        names = self.labels()
        return [names[index] for index in target.tolist()]

    def probabilities(self, output: Tensor) -> list[dict[str, float]]:
        return [dict(zip(self.classes, row, strict=True)) for row in self._distribution(output).tolist()]

    def labels(self) -> list[Any]:
        """The classes as the user knows them, see `as_given`."""
        return as_given(self.classes)

    def _distribution(self, output: Tensor) -> Tensor:
        """Output (B, K) or, of a sigmoid head, (B, 1) -> probabilities (B, K)."""
        if self.head_kind == "sigmoid":
            second = output.sigmoid()
            return torch.cat([1 - second, second], -1)
        return output.softmax(-1)
