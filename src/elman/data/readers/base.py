"""The lines of a file, and their decoding."""

from collections.abc import Iterator
from typing import Any

from elman.checks import shown
from elman.data.files import Digest, File

BLOCK = 1 << 23  # bytes that are read at once
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def blocks(stream: Any) -> Iterator[bytes]:
    """The file in blocks of some megabytes that end at the end of a line."""
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
    """The lines of a file, those of a block together, without their ends "\\n" or "\\r\\n"; nothing else ends a line.

    The text after the last end is a line only if it is not empty. A byte order mark is not part of the first line.
    """
    first = True
    with file.open(digest) as stream:
        for block in blocks(stream):
            text = block.removeprefix(BYTE_ORDER_MARK) if first else block
            yield [line.removesuffix(b"\r") for line in text.removesuffix(b"\n").split(b"\n")] if text else []
            first = False


def decoded(line: bytes) -> tuple[str, str]:
    """A line as text, and an error message, empty if there is none."""
    try:
        return line.decode(), ""
    except UnicodeDecodeError:
        return "", f"the line must be UTF-8, got {shown(line)}"
