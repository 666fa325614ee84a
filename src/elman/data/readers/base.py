"""The lines of a file: what ends one, and which are text."""

from collections.abc import Iterator
from typing import Any

from elman.checks import shown
from elman.data.files import Digest, File

BLOCK = 1 << 23  # bytes that are read together
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def blocks(stream: Any) -> Iterator[bytes]:
    """The file in blocks of some megabytes that end with a line."""
    rest = b""
    while block := stream.read(BLOCK):
        whole, end, cut = block.rpartition(b"\n")
        if end:
            yield rest + whole + end
            rest = cut
        else:
            rest += cut
    if rest:
        yield rest


def lines_of(file: File, digest: Digest | None = None) -> Iterator[list[bytes]]:
    """The lines of a file, those of a block together, without what ends them: "\\n" or "\\r\\n", and nothing else.

    What follows the last end is a line only if it holds something. A byte order mark is no part of the first.
    """
    first = True
    with file.open(digest) as stream:
        for block in blocks(stream):
            text = block.removeprefix(BYTE_ORDER_MARK) if first else block
            yield [line.removesuffix(b"\r") for line in text.removesuffix(b"\n").split(b"\n")] if text else []
            first = False


def decoded(line: bytes) -> tuple[str, str]:
    """A line as text, and what is wrong with it (or nothing)."""
    try:
        return line.decode(), ""
    except UnicodeDecodeError:
        return "", f"the line must be UTF-8, got {shown(line)}"
