"""Sequences from a step decoder: greedy, by beam search or by sampling, in batches or symbol by symbol."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from elman.checks import check_range, fail, shown
from elman.decoding.options import Decoding, Hypothesis, StepDecoder
from elman.decoding.search import Search


def decode(
    decoder: StepDecoder,
    state: Any,
    rows: int,
    begin: int,
    end: int,
    decoding: Decoding,
    prompts: Sequence[np.ndarray] | None = None,
    row_numbers: Sequence[int] | None = None,
) -> list[list[Hypothesis]]:
    """Generate up to `decoding.n_best` hypotheses for each row, best first.

    Rows that are finished leave the batch at once. A row gets the same answer alone and in a batch.

    Args:
        decoder: the network, in evaluation mode.
        state: of `rows` rows, before `begin` is fed.
        rows: B, 0 or more.
        begin: the symbol that is fed first.
        end: the symbol that ends a sequence.
        decoding: how to choose.
        prompts: ids before the generated ones, one array (T,) per row, of any lengths; none if None.
        row_numbers: of each row in the whole data, at least 0, so that a row gets the same samples in every batch; 0 to
            B - 1 if None.

    Raises:
        ArgumentError: arguments that do not go together, logits that are not finite.

    Example:
        >>> class Count:  # after each symbol the next one is the most likely
        ...     gives_log_probabilities = False
        ...     def step(self, symbols, state):
        ...         return np.roll(np.eye(5), 1, 1)[symbols], state, None
        ...     def select(self, state, rows):
        ...         return state
        >>> [[best]] = decode(Count(), None, 1, begin=0, end=4, decoding=Decoding())
        >>> best.symbols, best.ended
        ([1, 2, 3], True)
    """
    check_range("decode", "rows", rows, low=0)
    _check_end(end, decoding)
    for name, given in (("prompts", prompts), ("row_numbers", row_numbers)):
        if given is not None and len(given) != rows:
            fail("decode", name, "be one per row", f"{len(given)} for {rows} rows")
    numbers = range(rows) if row_numbers is None else row_numbers
    search = Search(decoder, state, numbers, begin, end, decoding, [_NO_PROMPT] * rows if prompts is None else prompts)
    while search.is_running:
        search.step()
    return search.results()


def stream_symbols(
    decoder: StepDecoder,
    state: Any,
    begin: int,
    end: int,
    decoding: Decoding,
    prompt: np.ndarray | None = None,
    row_number: int = 0,
) -> Iterator[int]:
    """Yield the symbols of one row as they are generated: those of `decode`, without prompt and end.

    Args:
        decoder, state, begin, end, decoding: as in `decode`; one sequence, and no beam, whose answer is known only at
            the end.
        prompt: ids (T,) before the generated ones.
        row_number: of the row in the whole data.

    Raises:
        ArgumentError: as `decode`; a beam, several sequences.
    """
    _check_end(end, decoding)
    if decoding.beam is not None:
        then = "Leave it out, or sample with temperature=1."
        fail("decode", "beam", "be None when symbols are streamed", shown(decoding.beam), then)
    if decoding.n_best > 1:
        fail("decode", "n_best", "be 1 when symbols are streamed", str(decoding.n_best), "Leave it out.")
    prompt = _NO_PROMPT if prompt is None else prompt
    return _stream(Search(decoder, state, [row_number], begin, end, decoding, [prompt]), len(prompt), end)


_NO_PROMPT = np.empty(0, np.int64)


def _stream(search: Search, forced: int, end: int) -> Iterator[int]:
    while search.is_running:
        symbol = int(search.step()[0])
        if forced > 0:
            forced -= 1
        elif symbol != end:
            yield symbol


def _check_end(end: int, decoding: Decoding) -> None:
    if end in decoding.forbidden:
        got, then = shown(decoding.forbidden), "Use min_length for long sequences."
        fail("decode", "forbidden", "leave `end` alone", got, then)
