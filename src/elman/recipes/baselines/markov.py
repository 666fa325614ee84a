"""A Markov model of generated symbols as a baseline: each symbol is predicted from the few before it."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import torch

from elman.data import BadRows, encode, parse
from elman.data.layouts import Tables
from elman.data.table import Table
from elman.encoders import TensorColumn
from elman.fields import Fields, Symbols
from elman.heads import HEADS
from elman.metrics import METRICS

Context = tuple[Hashable, ...]


class Markov:
    """Predicts a symbol from the `order` symbols before it, interpolated with shorter contexts (Witten & Bell 1991):

        p_k(s | c) = (n(c s) + d(c) p_{k-1}(s | c')) / (n(c) + d(c))

    where c are the last k symbols, c' the last k - 1 of them, n counts in the training rows, d(c) is the number of
    distinct symbols after c there, and p_{-1} is uniform.

    Args:
        order: k, at least 0.
        symbols: number of possible symbols.

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
        """Count the symbols of rows, each row with the context before its first symbol."""
        for context, symbol in self._steps(rows):
            for begin in range(len(context) + 1):
                self.counts[context[begin:]][symbol] += 1

    def probability(self, context: Context, symbol: int) -> float:
        """Of a symbol after a context of at most `order` symbols."""
        probability = 1 / self.symbols
        for begin in range(len(context), -1, -1):
            seen = self.counts.get(context[begin:])
            if seen is None:  # then no longer context was seen either
                break
            probability = (seen[symbol] + len(seen) * probability) / (seen.total() + len(seen))
        return probability

    def loss(self, rows: Iterable[tuple[Sequence[Hashable], Sequence[int]]]) -> float:
        """The negative log-likelihood of all symbols of rows, in nats."""
        return -sum(math.log(self.probability(context, symbol)) for context, symbol in self._steps(rows))

    def _steps(self, rows: Iterable[tuple[Sequence[Hashable], Sequence[int]]]) -> Iterable[tuple[Context, int]]:
        """The context of each symbol, and the symbol."""
        for before, symbols in rows:
            line: list[Hashable] = [*before, *symbols]
            for at, symbol in enumerate(symbols, len(before)):
                yield tuple(line[max(0, at - self.order) : at]), symbol


def scores_of_markov(order: int, tables: Tables, fields: Fields) -> dict[str, float]:
    """The figures of a Markov model on the test rows: the metrics of the target that follow from the loss.

    They are comparable with a network's: on the same symbols and number of steps. The context of the first symbol is
    `begin`, after the values of the row's single inputs.

    Args:
        order: number of symbols of the context.
        tables: with a test split.
        fields: fitted, with one generated target.
    """
    ((_, field),) = fields.targets.items()
    assert isinstance(field, Symbols)
    assert tables.test is not None
    model = Markov(order, len(field.symbols()) - len(field.never_generated))
    model.learn(_rows(tables.train, fields, field))
    rows = _rows(tables.test, fields, field)
    lengths = torch.tensor([len(symbols) for _, symbols in rows])
    values = torch.nn.utils.rnn.pad_sequence([torch.tensor(symbols) for _, symbols in rows], batch_first=True)
    counted = HEADS[field.kind](field, 1).counted(TensorColumn(values, lengths))
    loss = model.loss(rows) / int(counted.sum())
    return {metric: METRICS[metric].score(loss) for metric in field.metrics if METRICS[metric].from_loss}


def _rows(table: Table, fields: Fields, field: Symbols) -> list[tuple[list[Hashable], list[int]]]:
    """The context before the first symbol of each row, and its symbols."""
    kept, _ = encode(parse(table, fields, BadRows(skip=True)), fields, BadRows(skip=True))
    singles = [name for name, input in fields.inputs.items() if not input.is_sequence]
    conditions = zip(*(kept.values[f"input.{name}"] for name in singles), strict=True)
    targets = [ids.tolist() for ids in field.encode_batch(kept.values[f"target.{field.name}"])]
    before = [[f"{name}={value}" for name, value in zip(singles, row, strict=True)] for row in conditions]
    return [([*own, field.begin], ids) for own, ids in zip(before or [[] for _ in targets], targets, strict=True)]
