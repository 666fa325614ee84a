"""Labels: any number of classes a row, such as the topics of a message."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from elman.checks import check_choice, check_range, fail, shown
from elman.decoding.special import sigmoid
from elman.errors import BadValueError, DataError
from elman.fields.base.field import Single
from elman.fields.values.cells import is_blank
from elman.fields.values.classes import as_given, class_name, in_order, listed, with_counts
from elman.types import Json


class Labels(Single):
    """None, one or several of K classes a row, each a question of its own.

    Args:
        name: the column.
        separator: what separates the classes of a cell that is one text.
        threshold: 0 to 1, the probability from which on a class is predicted.
        class_weights: "none"; or "balanced": for each class, rows that have it weigh (rows without it) / (rows with
            it), so that both sides count alike.

    A cell that holds nothing has no class, as an empty list: a CSV file has no other way to say so. Classes whose names
    are all integers (or True and False) are given back as such.

    Raises:
        ArgumentError: an empty separator, a smoothing out of range, or a name that does not exist.

    Example:
        >>> field = Labels("topics")
        >>> field.fit([field.parse(cell) for cell in ("sport | money", ["money"], "", ["art", "money"])])
        >>> field.classes, field.encode(["art", "sport"]).tolist()
        (['art', 'money', 'sport'], [True, False, True])
        >>> field.decode(np.array([[-2.0, 3.0, 0.5], [-1.0, -1.0, -1.0]]))
        [['money', 'sport'], []]
        >>> field.describe()
        '3 classes, 1.25 a row: art 1, money 3, sport 1; 1 row has none'
    """

    kind = "labels"
    metrics = ("micro_f1", "macro_f1", "accuracy")
    storage = pa.list_(pa.string())
    parse_options = frozenset({"separator"})

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
            must, then = "have at least one class in the training split", "Check the column, or the split."
            fail(f"column {self.name!r}", "labels", must, "none", then, DataError)
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

    def representative_values(self, column: pa.Array) -> list[list[str]]:
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

    def weights(self) -> np.ndarray | None:
        """The weight of each class where a row has it, (K,) float32, rows without it by rows with it; None where all
        weigh 1.

        A class that every row has counts as if one row lacked it: its weight would be 0.
        """
        if self.class_weights == "none":
            return None
        counts = np.array(self.counts, np.float32)
        balanced: np.ndarray = (self.rows - counts).clip(min=1) / counts
        return balanced

    def decode(self, output: np.ndarray) -> list[Any]:
        return self.decode_target(sigmoid(output) >= self.threshold)

    def decode_target(self, target: np.ndarray) -> list[Any]:
        names = self.labels()
        return [[name for name, has in zip(names, row, strict=True) if has] for row in target.tolist()]

    def labels(self) -> list[Any]:
        """The classes as the user knows them, see `as_given`."""
        return as_given(self.classes)

    def compared(self, values: Sequence[Any]) -> list[Any]:
        """As sets."""
        return [frozenset(value) for value in values]

    def probabilities(self, output: np.ndarray) -> list[dict[str, float]]:
        """Of each class by itself: those of a row are not 1 in sum."""
        return [dict(zip(self.classes, row, strict=True)) for row in sigmoid(output).tolist()]

    def _set_classes(self, classes: list[str], counts: list[int], rows: int, without: int) -> None:
        self.classes, self.counts, self.rows, self.without = classes, counts, rows, without
        self._ids = {name: index for index, name in enumerate(classes)}
