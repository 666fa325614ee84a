"""Plain text: a row per line, or one long text in blocks."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from elman.checks import fail, shown
from elman.data.files import FOLDER, PARALLEL, Digest, File, Paths, find_files, readable, source_name
from elman.data.readers.base import BYTE_ORDER_MARK, decoded, lines_of
from elman.data.table import BadRows, Table, check_not_empty
from elman.errors import DataError

LONGEST_BLOCK = 100_000  # characters


def read_text(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read each line into the column `text`, in pieces; blank lines are skipped.

    Raises:
        DataError: a line that is not UTF-8.
    """
    start = 0

    def where(number: int) -> str:
        return f"{file.name}:{number + 1}"

    for lines in lines_of(file, digest):
        texts, numbers = [], []
        for number, line in enumerate(lines, start):
            text, wrong = decoded(line)
            if wrong:
                bad.found(f"{where(number)}: {wrong}")
            elif text.strip():
                texts.append(text)
                numbers.append(number)
        yield Table({"text": pa.array(texts, pa.string())}, file.name, where, numbers=np.array(numbers, np.int64))
        start += len(lines)
    if not start:
        yield Table({"text": []}, file.name)


def read_stream(source: Paths) -> Table:
    """Read files as one long text: the column `text` holds it in blocks that join to the original text.

    A block ends at the end of a line, after at most 100,000 characters; a longer line is cut. No block has text of two
    files. A byte order mark is not part of the text.

    Raises:
        DataError: no such file, a folder, bytes that are not UTF-8, or no text.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pathlib import Path
        >>> with TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "poem.txt").write_text("Roses are red,\\nviolets are blue.\\n")
        ...     read_stream(Path(folder) / "poem.txt").column("text")
        ['Roses are red,\\nviolets are blue.\\n']
    """
    files = find_files(source)
    texts, names = [], []
    for file in files:
        blocks = blocks_of(_whole(file))
        texts += blocks
        names += [f"{file.name}: block {number + 1}" for number in range(len(blocks))]
    return check_not_empty(Table({"text": texts}, source_name(files), lambda row: names[row]))


def blocks_of(text: str) -> list[str]:
    """A text in blocks of at most 100,000 characters that end at the end of a line; joined, they are the text.

    Example:
        >>> text = "a line\\n" * 50_000
        >>> [len(block) for block in blocks_of(text)], "".join(blocks_of(text)) == text
        ([99995, 99995, 99995, 50015], True)
    """
    blocks, start = [], 0
    while start < len(text):
        most = start + LONGEST_BLOCK
        end = text.rfind("\n", start, most) + 1 if most < len(text) else len(text)
        end = end or most
        blocks.append(text[start:end])
        start = end
    return blocks


def _whole(file: File) -> str:
    if file.kind in (FOLDER, PARALLEL):
        must = "be text files to be read as one long text"
        fail(
            "data",
            "the source",
            must,
            repr(file.name),
            "Name the files, or a pattern such as 'books/*.txt'.",
            DataError,
        )
    try:
        with readable(file.path), file.open() as stream:
            return stream.read().removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        got = shown(error.object[error.start : error.start + 8])
        fail(f"{file.name}:{line}", "the text", "be UTF-8", got, "Save the file as UTF-8.", DataError)
