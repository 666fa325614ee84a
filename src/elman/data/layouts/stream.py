"""Stream: one long text, split at its end for validation and test, never shuffled, continued chunk by chunk."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from elman.checks import check_range, fail, shown
from elman.data.batch import Examples
from elman.data.layouts.base import Layout, Note, Sources, Splits
from elman.data.readers import blocks_of
from elman.data.stream import StreamExamples
from elman.data.table import BadRows, Table
from elman.errors import BadValueError, DataError
from elman.fields import Fields, Text

NEAR = 1000  # characters in which the end of a line or word is searched where the text is cut
CHUNK = 128  # steps over which the gradient reaches back where model.bptt does not say


class StreamLayout(Layout):
    """A source is one long text.

    Args:
        fields: one text that is generated, and no input.
        chunk: steps of an example, over which the gradient reaches back; None: 128.
    """

    is_stream = True
    reads_whole = False  # of what is a table: its rows are prompts; a source is read by `read_stream`

    def __init__(self, fields: Fields, chunk: int | None = None) -> None:
        super().__init__(fields)
        self.chunk = chunk or CHUNK
        (text,) = fields.targets.values()
        assert isinstance(text, Text)
        self.text = text

    def splits(self, sources: Sources, fractions: tuple[float, float], seed: int, bad: BadRows, note: Note) -> Splits:
        whole, valid, test = sources.tables()
        text = "".join(self._blocks(whole))
        fractions = 0.0 if valid else fractions[0], 0.0 if test else fractions[1]
        check_range("data", "valid_fraction and data.test_fraction together", sum(fractions), low=0, high=0.99)
        borders = [_border(text, len(text) - round(len(text) * part)) for part in (sum(fractions), fractions[1])]
        splits = [blocks_of(text[begin:end]) for begin, end in pairwise([0, *borders, len(text)])]
        for index, table in ((1, valid), (2, test)):
            splits[index] = self._blocks(table) if table else splits[index]
        wanted = True, bool(fractions[0] or valid), bool(fractions[1] or test)
        if any(wish and not blocks for wish, blocks in zip(wanted, splits, strict=True)):
            must, got = "have enough text for every split", f"{len(text):,} characters"
            then = "Add text, or set data.valid_fraction and data.test_fraction."
            fail("data", whole.source, must, got, then, DataError)
        self.text.fit(splits[0])
        train, *others = (self._encoded(blocks, whole.source) if blocks else None for blocks in splits)
        assert train is not None
        return Splits(train, others[0], others[1])

    def examples(self, table: Table, bad: BadRows) -> Examples:
        return self._encoded(self._blocks(table, bad), table.source)

    def latest(self, table: Table, bad: BadRows) -> Examples:
        return self.examples(table, bad)  # its targets are the text itself

    def _encoded(self, blocks: Sequence[str], source: str) -> StreamExamples:
        """The examples of one long text whose pieces these are; messages call it `source`.

        Raises:
            DataError: there is no step in it.
        """
        ids = self.text.encode_stream(blocks)
        if not len(ids):
            fail(source, "the text", f"hold a {self.text.tokenizer}", "none", error=DataError)
        return StreamExamples(self.text.name, ids, self.chunk, source)

    def _blocks(self, table: Table, bad: BadRows | None = None) -> list[str]:
        """The pieces of one long text, which are joined as they are: line ends must be in them.

        Raises:
            DataError: one of them is no text.
        """
        found = table.values(self.text.name, _text, bad or BadRows())
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
