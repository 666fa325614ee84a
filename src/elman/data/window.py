"""Windows of series: the history to read and the horizon to forecast, cut on demand."""

import hashlib
from collections.abc import Callable, Collection, Mapping

import numpy as np

from elman.data.batch import Batch, Examples
from elman.types import Column


class WindowExamples(Examples):
    """Windows over encoded series, which are concatenated to one array per field, so that nothing is stored twice.

    Row i reads the `window` steps before step `origins[i]` of these arrays and predicts the `horizon` steps from it on.

    Args:
        past: inputs by name that are cut before the origin, (N, C): sequences, or single values if named in `flat`.
        ahead: inputs by name that are cut from the origin on, (N, C), single values.
        at: inputs by name with the value of the last step before the origin, (N,) or (N, K), single values.
        targets: (N,) by name; None for prediction only.
        origins: (rows,) steps of these arrays.
        window, horizon: steps.
        place: step -> its place, for messages.
        flat: inputs of `past` that are single values.
    """

    def __init__(
        self,
        past: Mapping[str, np.ndarray],
        ahead: Mapping[str, np.ndarray],
        at: Mapping[str, np.ndarray],
        targets: Mapping[str, np.ndarray] | None,
        origins: np.ndarray,
        window: int,
        horizon: int,
        place: Callable[[int], str],
        flat: Collection[str] = (),
    ) -> None:
        self.past, self.ahead, self.at, self.answers = past, ahead, at, targets
        self.origins, self.window, self.horizon = origins, window, horizon
        self.flat, self._step = flat, place
        self.lengths = np.full(len(origins), window if set(past) - set(flat) else 1, np.int64)

    def longest_target(self) -> int:
        return self.horizon

    def place(self, row: int) -> str:
        return self._step(int(self.origins[row]))

    def digest(self) -> str:
        digest = hashlib.sha256(f"{self.window} {self.horizon}".encode())
        digest.update(self.origins.tobytes())
        for side in (self.past, self.ahead, self.at, self.answers):
            for name, array in (side or {}).items():
                digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def before(self, name: str, rows: np.ndarray, steps: int) -> np.ndarray:
        """The `steps` values of a target before the rows' origins, (rows, steps)."""
        assert self.answers is not None
        return self._cut(self.answers[name], rows, -steps, 0)

    def ahead_of(self, name: str, rows: np.ndarray) -> np.ndarray:
        """The values of a target that the rows forecast, (rows, horizon)."""
        assert self.answers is not None
        return self._cut(self.answers[name], rows, 0, self.horizon)

    def batch(self, rows: np.ndarray) -> Batch:
        inputs = {}
        for name, array in self.past.items():
            lengths = None if name in self.flat else np.full(len(rows), self.window)
            inputs[name] = Column(self._cut(array, rows, -self.window, 0), lengths)
        for name, array in self.ahead.items():
            inputs[name] = Column(self._cut(array, rows, 0, self.horizon), None)
        for name, array in self.at.items():
            inputs[name] = Column(array[self.origins[rows] - 1], None)
        if self.answers is None:
            return Batch(inputs, None, rows)
        targets = {name: Column(self.ahead_of(name, rows), None) for name in self.answers}
        return Batch(inputs, targets, rows)

    def _cut(self, array: np.ndarray, rows: np.ndarray, begin: int, end: int) -> np.ndarray:
        """Steps `begin` to `end`, counted from the rows' origins, (rows, steps, ...)."""
        cut: np.ndarray = array[self.origins[rows][:, None] + np.arange(begin, end)]
        return cut
