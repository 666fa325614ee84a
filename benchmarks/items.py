"""The measured items: one line per kind of work, with all combinations of cells, shapes and threads."""

from fnmatch import fnmatch
from itertools import product
from typing import NamedTuple

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
CELLS = tuple(GATES)
VALID = 0.55  # fraction of real steps in a packed batch


class Item(NamedTuple):
    """One item to measure: a kind of work on one shape."""

    work: str
    cell: str
    batch: int
    time: int
    input_size: int
    hidden_size: int
    threads: int

    @property
    def id(self) -> str:
        """Such as training/gru/b32-t128-d128-h128/2t."""
        shape = f"b{self.batch}-t{self.time}-d{self.input_size}-h{self.hidden_size}"
        return f"{self.work.replace(' ', '-')}/{self.cell}/{shape}/{self.threads}t"

    @property
    def packed(self) -> bool:
        return self.work.startswith("packed")

    @property
    def one_step(self) -> bool:
        return self.work.endswith("step")

    @property
    def trains(self) -> bool:
        return not self.work.endswith("inference") and not self.one_step

    @property
    def directions(self) -> int:
        return 2 if self.work == "bidirectional" else 1

    @property
    def weights(self) -> int:
        """The number of elements of the matrices of one direction."""
        return GATES[self.cell] * self.hidden_size * (self.input_size + self.hidden_size)

    def flops(self, real_steps: int) -> float:
        """Multiplications and additions of the matrix products; a backward pass costs two forward ones."""
        return 2.0 * self.weights * real_steps * self.directions * (3 if self.trains else 1)


SMALL, MIDDLE, WIDE = (32, 128, 64, 64), (32, 128, 128, 128), (32, 256, 256, 256)
ONE_ROW, LARGE, LANGUAGE = (1, 256, 128, 128), (64, 128, 512, 512), (128, 35, 650, 650)
LONG_ROW = (1, 128, 512, 512)
SEQUENCES = (ONE_ROW, SMALL, MIDDLE, WIDE, LARGE, LANGUAGE)
PACKED = tuple((32, time, size, size) for size in (128, 256) for time in (128, 256))
STEPS = tuple((1, 1, size, size) for size in (64, 128, 256, 512))

# (works, cells, shapes, threads): every combination of a line is an item.
TABLE = (
    (("training", "inference"), CELLS, SEQUENCES, (2,)),
    (("training", "inference"), CELLS, (ONE_ROW, MIDDLE), (1,)),
    (("packed training",), CELLS, PACKED, (2,)),
    (("packed own",), CELLS, (PACKED[0], PACKED[-1]), (2,)),
    (("step",), CELLS, STEPS, (1, 2)),
    (("bfloat16 step", "int8 step"), CELLS, STEPS[-1:], (1, 2)),
    (("bfloat16 inference", "int8 inference"), CELLS, (LONG_ROW, MIDDLE), (2,)),
    (("bidirectional",), CELLS, (MIDDLE, WIDE), (2,)),
    (("fallback",), ("gru",), SEQUENCES, (2,)),
)
ITEMS = {
    item.id: item
    for works, cells, shapes, threads in TABLE
    for item in (Item(work, cell, *shape, n) for work, cell, shape, n in product(works, cells, shapes, threads))
}


def picked(only: str | None = None, threads: int | None = None) -> list[Item]:
    """The items on `threads` threads whose id matches a glob, or has a text at its start or after a slash.

    Without either all of them.

    >>> [item.id for item in picked("step/gru/*h64*")]
    ['step/gru/b1-t1-d64-h64/1t', 'step/gru/b1-t1-d64-h64/2t']
    """
    return [
        item
        for name, item in ITEMS.items()
        if (only is None or f"/{only}" in f"/{name}" or fnmatch(name, only)) and threads in (None, item.threads)
    ]
