"""A Markov model of what is written: each symbol told from the few before it, which a network must beat."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import torch

from elman.data import BadRows, encode, parse
from elman.data.table import Table
from elman.fields import Fields, Symbols
from elman.metrics import METRICS
from elman.training.datasets import Tables
from elman.types import Column

Context = tuple[Hashable, ...]


class Markov:
    """Symbols told from the `order` symbols before them, interpolated with all shorter contexts (Witten & Bell 1991):

        p_k(s | c) = (n(c s) + d(c) p_{k-1}(s | c')) / (n(c) + d(c))

    where c are the last k symbols, c' the last k - 1 of them, n counts in the training rows, d(c) is how many different
    symbols followed c there, and p_{-1} is the same for all symbols.

    Args:
        order: k, at least 0.
        symbols: how many different ones there may be.

    Example:
        >>> model = Markov(1, symbols=2)
        >>> model.learn([([0], [1, 1])])
        >>> model.probability((1,), 1) > model.probability((0,), 0)
        True
        >>> sum(model.probability((1,), symbol) for symbol in (0, 1))
        1.0
    """

    def __init__(self, order: int, symbols: int) -> None:
        self.order, self.symbols = order, symbols
        self.counts: defaultdict[Context, Counter[int]] = defaultdict(Counter)

    def learn(self, rows: Iterable[tuple[Sequence[Hashable], Sequence[int]]]) -> None:
        """Count the symbols of rows, each with what stands before its first symbol."""
        for context, symbol in self._steps(rows):
            for begin in range(len(context) + 1):
                self.counts[context[begin:]][symbol] += 1

    def probability(self, context: Context, symbol: int) -> float:
        """Of a symbol after these, at most `order` of them."""
        found = 1 / self.symbols
        for begin in range(len(context), -1, -1):
            seen = self.counts.get(context[begin:])
            if seen is None:  # then no longer one was seen either
                break
            found = (seen[symbol] + len(seen) * found) / (seen.total() + len(seen))
        return found

    def loss(self, rows: Iterable[tuple[Sequence[Hashable], Sequence[int]]]) -> float:
        """-log p of all symbols of rows, added up, in nats."""
        return -sum(math.log(self.probability(context, symbol)) for context, symbol in self._steps(rows))

    def _steps(self, rows: Iterable[tuple[Sequence[Hashable], Sequence[int]]]) -> Iterable[tuple[Context, int]]:
        """Each symbol, and those before it that are looked at."""
        for before, symbols in rows:
            line: list[Hashable] = [*before, *symbols]
            for at, symbol in enumerate(symbols, len(before)):
                yield tuple(line[max(0, at - self.order) : at]), symbol


def scores_of_markov(order: int, tables: Tables, fields: Fields) -> dict[str, float]:
    """The figures of a Markov model on the test rows: those metrics of the target that are made of the loss.

    They are on the scale of a network's: of the same symbols, over as many steps. Before the first symbol stands
    `begin`, and before that the values of the row's single inputs.

    Args:
        order: symbols that are looked at.
        tables: with a test part.
        fields: one target that is written, fitted.
    """
    ((_, field),) = fields.targets.items()
    assert isinstance(field, Symbols)
    assert tables.test is not None
    model = Markov(order, len(field.symbols()) - len(field.unwritten))
    model.learn(_rows(tables.train, fields, field))
    rows = _rows(tables.test, fields, field)
    lengths = torch.tensor([len(symbols) for _, symbols in rows])
    values = torch.nn.utils.rnn.pad_sequence([torch.tensor(symbols) for _, symbols in rows], batch_first=True)
    loss = model.loss(rows) / int(field.counted(Column(values, lengths)).sum())
    return {metric: METRICS[metric].score(loss) for metric in field.metrics if METRICS[metric].from_loss}


def _rows(table: Table, fields: Fields, field: Symbols) -> list[tuple[list[Hashable], list[int]]]:
    """What stands before the first symbol of each row, and its symbols."""
    kept, _ = encode(parse(table, fields, BadRows(skip=True)), fields, BadRows(skip=True))
    singles = [name for name, input in fields.inputs.items() if not input.is_sequence]
    conditions = zip(*(kept.values[f"input.{name}"] for name in singles), strict=True)
    written = [ids.tolist() for ids in field.encode_batch(kept.values[f"target.{field.name}"])]
    before = [[f"{name}={value}" for name, value in zip(singles, row, strict=True)] for row in conditions]
    return [([*own, field.begin], ids) for own, ids in zip(before or [[] for _ in written], written, strict=True)]
