"""Sequences out of a network that writes symbol by symbol: greedy, by beam or by lot, in batches or as they come."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from elman.checks import check_range, fail, shown
from elman.decoding.options import Decoding, Hypothesis, Writer
from elman.decoding.search import Search

CPU = torch.device("cpu")


@torch.inference_mode()
def decode(
    writer: Writer,
    state: Any,
    rows: int,
    begin: int,
    end: int,
    decoding: Decoding,
    prompts: Sequence[np.ndarray] | None = None,
    numbers: Sequence[int] | None = None,
    device: torch.device = CPU,
) -> list[list[Hypothesis]]:
    """What the network writes, for each row at most `decoding.n_best` hypotheses, best first.

    Rows that are done leave the batch at once. A row gives the same alone and in a batch.

    Args:
        writer: the network, in evaluation.
        state: of `rows` rows, before `begin` is fed.
        rows: B, 0 or more.
        begin: the symbol that is fed first.
        end: the symbol that ends a sequence.
        decoding: how to choose.
        prompts: ids that stand before what is written, one array a row, of any lengths; none if None.
        numbers: of each row in the whole, at least 0, so that a row draws the same in whatever batch it comes; 0 to
            B - 1 if None.
        device: where the writer's tensors are.

    Raises:
        ArgumentError: arguments that do not go together, logits that are no numbers.

    Example:
        >>> class Count:  # after each symbol the next one is the likeliest
        ...     def step(self, symbols, state):
        ...         return torch.eye(5).roll(1, 1)[symbols], state, None
        ...     def select(self, state, rows):
        ...         return state
        >>> [[best]] = decode(Count(), None, 1, begin=0, end=4, decoding=Decoding())
        >>> best.symbols, best.ended
        ([1, 2, 3], True)
    """
    check_range("decode", "rows", rows, low=0)
    _check_end(end, decoding)
    for name, given in (("prompts", prompts), ("numbers", numbers)):
        if given is not None and len(given) != rows:
            fail("decode", name, "be one a row", f"{len(given)} for {rows} rows")
    search = Search(
        writer,
        state,
        range(rows) if numbers is None else numbers,
        begin,
        end,
        decoding,
        [np.empty(0, np.int64)] * rows if prompts is None else prompts,
        device,
    )
    while search.alive:
        search.step()
    return search.results()


def write(
    writer: Writer,
    state: Any,
    begin: int,
    end: int,
    decoding: Decoding,
    prompt: np.ndarray | None = None,
    number: int = 0,
    device: torch.device = CPU,
) -> Iterator[int]:
    """The symbols of one row as they come: those that `decode` gives, without prompt and end.

    Args:
        writer, state, begin, end, decoding, device: as in `decode`; one sequence, and no beam, which knows what it
            wrote only at the end.
        prompt: ids that stand before what is written.
        number: of the row in the whole.

    Raises:
        ArgumentError: as `decode`; a beam, several sequences.
    """
    _check_end(end, decoding)
    if decoding.beam is not None:
        then = "Leave it out, or draw with temperature=1."
        fail("write", "beam", "be None for symbols as they come", shown(decoding.beam), then)
    if decoding.n_best > 1:
        fail("write", "n_best", "be 1 for symbols as they come", str(decoding.n_best), "Leave it out.")
    prompt = np.empty(0, np.int64) if prompt is None else prompt
    return _written(Search(writer, state, [number], begin, end, decoding, [prompt], device), len(prompt), end)


def _written(search: Search, forced: int, end: int) -> Iterator[int]:
    while search.alive:
        with torch.inference_mode():  # not around the generator: what runs between two symbols is none of its business
            symbol = int(search.step())
        if forced > 0:
            forced -= 1
        elif symbol != end:
            yield symbol


def _check_end(end: int, decoding: Decoding) -> None:
    if end in decoding.forbidden:
        fail(
            "decode", "forbidden", "leave `end` alone", shown(decoding.forbidden), "Use min_length for long sequences."
        )
