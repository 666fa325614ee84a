"""Texts out of a network that writes: from prompts, with their scores, or piece by piece as they come."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail, shown
from elman.data import Batch, Examples
from elman.decoding.options import Decoding
from elman.errors import BadValueError, DataError
from elman.fields import Frames, Symbols, Writable
from elman.fields.base.generated import Reader
from elman.inference.frames import read_frames, write_frames
from elman.inference.network_decoder import hypotheses, symbols
from elman.network import Network
from elman.topologies import AutoregressiveTopology

TOGETHER = 256  # rows that are written together


class Prompt(NamedTuple):
    """What is gone on with."""

    steps: np.ndarray  # (T,) ids, or frames (T, C)
    text: str  # as it stands before symbols that are written


class Written(NamedTuple):
    """One text that was written."""

    text: str  # the prompt before it
    log_probability: float  # of what was written, its end included, in the network's own distribution
    score: float  # what ranks: with a beam see `Decoding`, else the log-probability
    ended: bool  # by itself; False where it was cut at `max_length`


def check_writes(network: Network, from_values: bool) -> None:
    """Fail where the network does not write, or not from values, or from nothing else."""
    if not isinstance(network.topology, AutoregressiveTopology):
        fail("generate", "the target", "be written", network.topology.name, "Use predict.")
    if from_values and not network.fields.inputs:
        fail("generate", "values", "be left out where a text is gone on with", "some", "Pass a prompt.")
    if network.fields.inputs and not from_values:
        fail("generate", "values", f"be given, those of {', '.join(network.fields.inputs)}", "none")


def rows_to_write(
    network: Network, prompts: Sequence[Any] | None, examples: Examples | None
) -> tuple[Batch, list[Prompt]]:
    """The rows to be written, and the prompt of each.

    Args:
        network: one that writes.
        prompts: as `read_prompts`.
        examples: rows of the inputs; None: there are none, and a row for each prompt.
    """
    if examples is None:
        batch = Batch({}, None, np.arange(1 if prompts is None else len(prompts)))
    else:
        batch = examples.batch(np.arange(len(examples)))
    return batch, read_prompts(network.written, prompts, len(batch.rows))


def read_prompts(field: Writable, given: Sequence[Any] | None, rows: int) -> list[Prompt]:
    """The prompt of each row.

    Args:
        field: what is written.
        given: one for all rows, or one a row; None: from the beginning.
        rows: how many.

    Raises:
        ArgumentError: another number of prompts.
        DataError: a prompt that is no text, or of which nothing is known.
    """
    if given is None:
        shape = (0, field.size) if isinstance(field, Frames) else (0,)
        return [Prompt(np.zeros(shape, np.int64), "")] * rows
    if len(given) not in (1, rows):
        fail("generate", "prompts", "be one, or one a row", f"{len(given)} for {rows} rows")
    try:
        found = [_read_prompt(field, prompt) for prompt in given]
    except BadValueError as error:
        then = "Give one that training has seen a part of." if field.kind == "text" else "Give another, or none."
        raise DataError(f"generate: the prompt {error}. {then}") from None
    return found * rows if len(found) == 1 else found


def _read_prompt(field: Writable, prompt: Any) -> Prompt:
    """A prompt that is typed stays as it is, words that are unknown too; of a space at its end the field decides."""
    known = field.encode_prompt(field.parse(prompt))
    if not isinstance(field, Symbols):
        return Prompt(known, "")
    text = field.read(known.tolist())
    if isinstance(prompt, str):
        text = prompt if text[-1:].isspace() else prompt.rstrip()
    return Prompt(known, text)


def texts(network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[Prompt]) -> list[list[Written]]:
    """What a network writes for each row of a batch, best first.

    Args:
        network: in evaluation mode, of a topology that writes.
        batch: its targets, if there are any, are not looked at.
        decoding: how to choose.
        prompts: one a row.
    """
    found = []
    for begin in range(0, len(batch.rows), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        found += hypotheses(network, batch.part(part), decoding, [prompt.steps for prompt in prompts[part]])
    return [
        [
            Written(_after(network.symbols, prompt, one.symbols), one.log_probability, one.score, one.ended)
            for one in row
        ]
        for prompt, row in zip(prompts, found, strict=True)
    ]


def frames(network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[Prompt]) -> list[list[Any]]:
    """What `texts` gives where frames are written: what the user reads of them, the prompt before them."""
    found = []
    for begin in range(0, len(batch.rows), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        before = [prompt.steps for prompt in prompts[part]]
        found += read_frames(network, before, write_frames(network, batch.part(part), decoding, before))
    return found


def pieces(network: Network, batch: Batch, decoding: Decoding, prompt: Prompt) -> Iterator[str]:
    """What `texts` gives for a batch of one row, the prompt first, each piece as soon as it is certain.

    Raises:
        ArgumentError: a beam or several texts, which are known at the end only; more than one row.
    """
    if isinstance(network.written, Frames):
        fail("stream", "the target", "be text", network.written.kind, "Use generate.")
    if len(batch.rows) != 1:
        fail("stream", "values", "be one row", shown(len(batch.rows)), "Use generate.")
    return _as_they_come(network.symbols, prompt, symbols(network, batch, decoding, prompt.steps))


def _as_they_come(field: Symbols, prompt: Prompt, coming: Iterator[int]) -> Iterator[str]:
    """The prompt, and what each symbol adds; the first bytes of a character wait for its last."""
    yield prompt.text
    read = _after_prompt(field, prompt)
    for symbol in coming:
        yield read([symbol], False)
    yield read([], True)


def _after(field: Symbols, prompt: Prompt, written: Sequence[int]) -> str:
    """The text with these symbols after its prompt."""
    return prompt.text + _after_prompt(field, prompt)(written, True)


def _after_prompt(field: Symbols, prompt: Prompt) -> Reader:
    """What reads the symbols that come after a prompt."""
    read = field.reader()
    read(prompt.steps.tolist(), False)
    return read
