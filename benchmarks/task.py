"""The task of an item: the same weights, inputs, lengths and gradient for every contender."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.items import GATES, VALID, Item

Array = np.ndarray[Any, np.dtype[Any]]


class Task(NamedTuple):
    item: Item
    weights: dict[str, Array]  # under torch's names, in torch's order of gates
    x: Array  # (B, T, D)
    lengths: Array  # (B,) all T unless the item is packed
    gradient: Array  # (B, T, H) of the loss by the outputs, zero in the padding

    @property
    def valid(self) -> float:
        """Fraction of real steps."""
        return float(self.lengths.sum() / (self.item.batch * self.item.time))


class Prepared(NamedTuple):
    """A contender, ready to be timed."""

    run: Callable[[], object]  # the work, once, until it is finished
    answer: Array | None  # outputs, or when training the gradient of x, which must agree between contenders
    threads: int | None = None  # of torch; the item's own if None
    scale: float = 1.0  # factor of the time


def make_task(item: Item) -> Task:
    """The task of an item, the same every time."""
    random = np.random.default_rng(0)
    rows, steps, inputs, hidden = item.batch, item.time, item.input_size, item.hidden_size
    height, bound = GATES[item.cell] * hidden, hidden**-0.5
    shapes = {"weight_ih": (height, inputs), "weight_hh": (height, hidden), "bias_ih": (height,), "bias_hh": (height,)}
    weights = {
        f"{name}_l0{suffix}": random.uniform(-bound, bound, shape).astype(np.float32)
        for suffix in ("", "_reverse")[: item.directions]
        for name, shape in shapes.items()
    }
    x = random.standard_normal((rows, steps, inputs), np.float32)
    gradient = random.standard_normal((rows, steps, hidden * item.directions), np.float32)
    lengths = np.full(rows, steps)
    if item.packed:
        lengths = np.linspace((2 * VALID - 1) * steps, steps, rows).round().astype(np.int64).clip(1)
        random.shuffle(lengths)  # unsorted, like an ordinary batch
        gradient[np.arange(steps) >= lengths[:, None]] = 0
    return Task(item, weights, x, lengths, gradient)
