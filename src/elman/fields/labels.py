"""Labels: any number of classes a row, such as the topics of a message."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_choice, check_range, fail, shown
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Single
from elman.fields.values.cells import is_blank
from elman.fields.values.classes import as_given, class_name, in_order, listed, with_counts
from elman.types import Json


class Labels(Single):
    """None, one or several of K classes a row, each a question of its own.

    Args:
        name: the column.
        separator: what stands between the classes of a cell that is one text.
        threshold: 0 to 1, the probability from which on a class is answered.
        class_weights: "none"; or "balanced": a row that has a class weighs, for this class, as many times more than one
            that has it not as there are more of the others, so that both sides count alike.

    A cell that holds nothing has no class, as an empty list: a CSV file has no other way to say so. Classes whose names
    are all integers (or True and False) are given back as such.

    Raises:
        ArgumentError: an empty separator, a share or a name that does not exist.

    Example:
        >>> field = Labels("topics")
        >>> field.fit([field.parse(cell) for cell in ("sport | money", ["money"], "", ["art", "money"])])
        >>> field.classes, field.encode(["art", "sport"]).tolist()
        (['art', 'money', 'sport'], [True, False, True])
        >>> field.decode(torch.tensor([[-2.0, 3.0, 0.5], [-1.0, -1.0, -1.0]]))
        [['money', 'sport'], []]
        >>> field.describe()
        '3 classes, 1.25 a row: art 1, money 3, sport 1; 1 row has none'
    """

    kind = "labels"
    metrics = ("micro_f1", "macro_f1", "accuracy")
    storage = pa.list_(pa.string())
    heeded_by_parse = frozenset({"separator"})

    def __init__(
        self,
        name: str,
        *,
        separator: str = "|",
        threshold: float = 0.5,
        class_weights: Literal["none", "balanced"] = "none",
    ) -> None:
        super().__init__(name)
        if not separator:
            fail(name, "separator", "be a character or several", shown(separator))
        check_range(name, "threshold", threshold, low=0, high=1)
        check_choice(name, "class_weights", class_weights, ("none", "balanced"))
        self.separator, self.threshold, self.class_weights = separator, threshold, class_weights
        self._set_classes([], [], 0, 0)

    def parse(self, raw: Any) -> list[str]:
        """A list (or set) of classes, or a text of classes with the separator between them; each is named once."""
        if isinstance(raw, (list, tuple, set, frozenset, np.ndarray)):
            return sorted({class_name(element) for element in raw})
        if is_blank(raw):
            return []
        parts = class_name(raw).split(self.separator)
        return sorted({part.strip() for part in parts if not is_blank(part)})

    def fit(self, values: Iterable[Sequence[str]]) -> None:
        counted: Counter[str] = Counter()
        rows = without = 0
        for names in values:
            counted.update(names)
            rows, without = rows + 1, without + (not names)
        if not counted:
            fail(
                f"column {self.name!r}",
                "labels",
                "have at least one class in the training split",
                "none",
                "Check the column, or the split.",
                DataError,
            )
        classes = in_order(counted)
        self._set_classes(classes, [counted[name] for name in classes], rows, without)

    def encode(self, value: Sequence[str]) -> np.ndarray:
        """Whether the row has each class, (K,)."""
        unknown = [name for name in value if name not in self._ids]
        if unknown:
            must = f"hold only the {len(self.classes)} classes of the training split ({listed(self.classes)})"
            raise BadValueError(must, shown(unknown[0]))
        has = np.zeros(len(self.classes), bool)
        has[[self._ids[name] for name in value]] = True
        return has

    def witnesses(self, column: pa.Array) -> list[list[str]]:
        return [[name] for name in column.flatten().unique().to_pylist()]

    def learned(self) -> Json:
        return {"classes": self.classes, "counts": self.counts, "rows": self.rows, "without": self.without}

    def restore(self, learned: Json) -> None:
        classes, counts = list(learned["classes"]), list(learned["counts"])
        if not all(isinstance(name, str) for name in classes):
            raise TypeError("a class is no text")
        self._set_classes(classes, counts, int(learned["rows"]), int(learned["without"]))

    def describe(self) -> str:
        several = "" if len(self.classes) == 1 else "es"
        a_row = f"{sum(self.counts) / self.rows:.3g} a row"
        none = f"; {self.without:,} row{' has' if self.without == 1 else 's have'} none" if self.without else ""
        return f"{len(self.classes)} class{several}, {a_row}: {with_counts(self.classes, self.counts)}{none}"

    def head(self, input_size: int) -> nn.Module:
        return nn.Linear(input_size, len(self.classes))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a row, (B,): output (B, K), target (B, K).

            p = sigmoid(output)
            loss = -sum over the classes k of  weight_k target_k log p_k + (1 - target_k) log (1 - p_k)

        It is summed and not averaged over the classes: without weights it is -log of the probability of the row's
        set of classes, in the same unit as the losses of other targets beside it.
        """
        true = target.to(output.dtype)
        weights = self.weights()
        weights = None if weights is None else weights.to(output)
        return F.binary_cross_entropy_with_logits(output, true, reduction="none", pos_weight=weights).sum(-1)

    def weights(self) -> Tensor | None:
        """The weight of each class where a row has it, (K,), rows without it by rows with it; None where all weigh 1.

        A class that every row has counts as if one row had it not: its weight would be 0.
        """
        if self.class_weights == "none":
            return None
        counts = torch.tensor(self.counts, dtype=torch.float)
        return (self.rows - counts).clamp(min=1) / counts

    def decode(self, output: Tensor) -> list[Any]:
        return self.decode_target(output.sigmoid() >= self.threshold)

    def decode_target(self, target: Tensor) -> list[Any]:
        names = self.labels()
        return [[name for name, has in zip(names, row, strict=True) if has] for row in target.tolist()]

    def labels(self) -> list[Any]:
        """The classes as the user knows them, see `as_given`."""
        return as_given(self.classes)

    def compared(self, values: Sequence[Any]) -> list[Any]:
        """As sets."""
        return [frozenset(value) for value in values]

    def probabilities(self, output: Tensor) -> list[dict[str, float]]:
        """Of each class by itself: those of a row are not 1 in sum."""
        return [dict(zip(self.classes, row, strict=True)) for row in output.sigmoid().tolist()]

    def _set_classes(self, classes: list[str], counts: list[int], rows: int, without: int) -> None:
        self.classes, self.counts, self.rows, self.without = classes, counts, rows, without
        self._ids = {name: index for index, name in enumerate(classes)}
