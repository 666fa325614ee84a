"""One long text as examples: cut at its end for validation and test, never shuffled, gone on with chunk by chunk."""

from collections.abc import Sequence
from typing import Any

from elman.checks import check_range, fail, shown
from elman.config import RunConfig
from elman.data import BadRows, StreamExamples, Table, blocks_of
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields import Fields, Text

NEAR = 1000  # characters in which the end of a line or word is looked for where the text is cut
CHUNK = 128  # steps over which the gradient reaches back where model.bptt does not say

Streams = tuple[StreamExamples, StreamExamples | None, StreamExamples | None]


def long_text(config: RunConfig, fields: Fields, given: tuple[Table | None, Table | None, Table | None]) -> Streams:
    """Training, validation and test of one long text; its field learns from the training part.

    Args:
        config: settled.
        fields: with one text that is written, and no input.
        given: blocks of text that were named for each part; the later ones are cut off the first where they are not.

    Raises:
        ConfigError: no text, or settings that do not go with one long text.
        DataError: a part that should have text would have none.
    """
    ((name, field),) = fields.targets.items()
    data = config.data
    if not isinstance(field, Text) or fields.inputs:
        fail("config", "data.stream", "go with one text and no target", "other columns", error=ConfigError)
    if data.split_group is not None or data.split_time is not None:
        then = "The end of the text is the test; leave data.split_group and data.split_time out."
        fail("config", "data.stream", "go without a split by value", "one", then, ConfigError)
    whole, valid, test = given
    assert whole is not None
    text = "".join(texts_of(whole, name))
    fractions = 0.0 if valid else data.valid_fraction, 0.0 if test else data.test_fraction
    check_range("data", "valid_fraction and data.test_fraction together", sum(fractions), low=0, high=0.99)
    borders = [_border(text, len(text) - round(len(text) * share)) for share in (sum(fractions), fractions[1])]
    parts = [blocks_of(text[: borders[0]]), blocks_of(text[borders[0] : borders[1]]), blocks_of(text[borders[1] :])]
    for index, table in ((1, valid), (2, test)):
        parts[index] = texts_of(table, name) if table else parts[index]
    wanted = True, bool(fractions[0] or valid), bool(fractions[1] or test)
    if any(wish and not blocks for wish, blocks in zip(wanted, parts, strict=True)):
        then = "Add text, or set data.valid_fraction and data.test_fraction."
        fail("data", whole.source, "have enough text for every part", f"{len(text):,} characters", then, DataError)
    field.fit(parts[0])
    train, *others = (stream_of(config, field, blocks, whole.source) if blocks else None for blocks in parts)
    assert train is not None
    return train, others[0], others[1]


def stream_of(config: RunConfig, field: Text, blocks: Sequence[str], source: str) -> StreamExamples:
    """The examples of one long text whose pieces these are, by a fitted field; messages call it `source`.

    Raises:
        DataError: there is no step in it.
    """
    ids = field.encode_stream(blocks)
    if not len(ids):
        fail(source, "the text", f"hold a {field.level}", "none", error=DataError)
    return StreamExamples(field.name, ids, config.model.get("bptt") or CHUNK, source)


def texts_of(table: Table, name: str, bad: BadRows | None = None) -> list[str]:
    """The pieces of one long text, which are joined as they are: line ends must stand in them.

    Raises:
        DataError: one of them is no text.
    """
    found = table.values(name, _text, bad or BadRows())
    return [text for text in found if text is not None]


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise BadValueError("be text", shown(raw))
    return raw


def _border(text: str, place: int) -> int:
    """The end of the line at this place; of the word, where no line ends near; else the place itself."""
    if place >= len(text):
        return len(text)
    for sign in "\n", " ":
        found = text.find(sign, max(place - 1, 0), place + NEAR)
        if found >= 0:
            return found + 1
    return place
