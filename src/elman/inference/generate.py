"""Texts from an autoregressive network: from prompts, with their scores, or piece by piece as they are certain."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.checks import fail, shown
from elman.data import Batch, Examples
from elman.decoding.options import Decoding
from elman.errors import BadValueError, DataError
from elman.fields import Frames, Generated, Symbols
from elman.fields.base.generated import TextReader
from elman.inference.frames import decode_frames, generate_frames
from elman.inference.network_decoder import hypotheses, symbols
from elman.network import Network
from elman.topologies import AutoregressiveTopology

TOGETHER = 256  # rows that are generated together


class Prompt(NamedTuple):
    """What is continued."""

    steps: np.ndarray  # (T,) ids, or frames (T, C)
    text: str  # as it is before the generated symbols


class GeneratedText(NamedTuple):
    """One generated text."""

    text: str  # the prompt before it
    log_probability: float  # of the generated symbols and the end, in the network's own distribution
    score: float  # what ranks: with a beam see `Decoding`, else the log-probability
    ended: bool  # by itself; False where it was cut at `max_length`


def check_generates(network: Network, from_values: bool) -> None:
    """Fail where the network does not generate, or not from values, or not without them."""
    if not isinstance(network.topology, AutoregressiveTopology):
        fail("generate", "the target", "be generated", network.topology.name, "Use predict.")
    if from_values and not network.fields.inputs:
        fail("generate", "values", "be left out where a text is continued", "some", "Pass a prompt.")
    if network.fields.inputs and not from_values:
        fail("generate", "values", f"be given, those of {', '.join(network.fields.inputs)}", "none")


def rows_to_generate(
    network: Network, prompts: Sequence[Any] | None, examples: Examples | None
) -> tuple[Batch, list[Prompt]]:
    """The rows to generate for, and the prompt of each.

    Args:
        network: of an autoregressive topology.
        prompts: as `read_prompts`.
        examples: rows of the inputs; None: there are none, and a row for each prompt.
    """
    if examples is None:
        batch = Batch({}, None, np.arange(1 if prompts is None else len(prompts)))
    else:
        batch = examples.batch(np.arange(len(examples)))
    return batch, read_prompts(network.generated, prompts, len(batch.rows))


def read_prompts(field: Generated, given: Sequence[Any] | None, rows: int) -> list[Prompt]:
    """The prompt of each row.

    Args:
        field: the generated target.
        given: one for all rows, or one a row; None: from the beginning.
        rows: their number.

    Raises:
        ArgumentError: another number of prompts.
        DataError: a prompt that is no text, or of which no part is known.
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


def _read_prompt(field: Generated, prompt: Any) -> Prompt:
    """A prompt that is typed stays as it is, words that are unknown too; of a space at its end the field decides."""
    known = field.encode_prompt(field.parse(prompt))
    if not isinstance(field, Symbols):
        return Prompt(known, "")
    text = field.decode_sequence(known.tolist())
    if isinstance(prompt, str):
        text = prompt if text[-1:].isspace() else prompt.rstrip()
    return Prompt(known, text)


def texts(network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[Prompt]) -> list[list[GeneratedText]]:
    """What a network generates for each row of a batch, best first.

    Args:
        network: in evaluation mode, of an autoregressive topology.
        batch: its targets, if there are any, are not used.
        decoding: how to choose.
        prompts: one a row.
    """
    found = []
    for begin in range(0, len(batch.rows), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        found += hypotheses(network, batch.part(part), decoding, [prompt.steps for prompt in prompts[part]])
    return [
        [
            GeneratedText(_after(network.symbols, prompt, one.symbols), one.log_probability, one.score, one.ended)
            for one in row
        ]
        for prompt, row in zip(prompts, found, strict=True)
    ]


def frames(network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[Prompt]) -> list[list[Any]]:
    """As `texts`, of a target of frames: what the user reads of them, after the prompt."""
    found = []
    for begin in range(0, len(batch.rows), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        before = [prompt.steps for prompt in prompts[part]]
        found += decode_frames(network, before, generate_frames(network, batch.part(part), decoding, before))
    return found


def pieces(network: Network, batch: Batch, decoding: Decoding, prompt: Prompt) -> Iterator[str]:
    """What `texts` gives for a batch of one row, the prompt first, each piece as soon as it is certain.

    Raises:
        ArgumentError: a beam or several texts, which are known at the end only; more than one row.
    """
    if isinstance(network.generated, Frames):
        fail("generate", "the target", "be text where it is streamed", network.generated.kind, "Leave out stream.")
    if len(batch.rows) != 1:
        fail("generate", "what is streamed", "be one row", shown(len(batch.rows)), "Leave out stream.")
    return _as_they_come(network.symbols, prompt, symbols(network, batch, decoding, prompt.steps))


def _as_they_come(field: Symbols, prompt: Prompt, generated: Iterator[int]) -> Iterator[str]:
    """The prompt, and what each symbol adds; the first bytes of a character wait for its last."""
    yield prompt.text
    read = _after_prompt(field, prompt)
    for symbol in generated:
        yield read([symbol], False)
    yield read([], True)


def _after(field: Symbols, prompt: Prompt, generated: Sequence[int]) -> str:
    """The text with these symbols after its prompt."""
    return prompt.text + _after_prompt(field, prompt)(generated, True)


def _after_prompt(field: Symbols, prompt: Prompt) -> TextReader:
    """What reads the symbols that come after a prompt."""
    read = field.reader()
    read(prompt.steps.tolist(), False)
    return read
