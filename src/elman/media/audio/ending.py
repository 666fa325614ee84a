"""Whether an audio file is truncated: readers read what is there without an error."""

from pathlib import Path
from typing import IO

UNKNOWN = 0xFFFFFFFF  # placeholder for a size that was not known when the header was written, as to a pipe
GUESSED = range(0x7F000000, 0x80000000)  # placeholders of other writers: a very large size
PAGE, LAST = 27, 4  # Ogg: bytes of a page's header before its table of sizes; the flag of a stream's last page
XING = 64  # MP3: bytes of the first frame within which the table with its size begins, if it has one


def is_cut_off(path: Path) -> bool:
    """Whether a RIFF (WAV), FORM (AIFF), Ogg or MP3 file is shorter than it says; False for any other file.

    A size that is a placeholder, as programs write it to a pipe, is ignored.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"OggS":
            file.seek(0)
            return not _has_last_page(file, size)
        if head[:3] == b"ID3" or head[:1] == b"\xff":
            return _promised_bytes(file, head) > size
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        promised = int.from_bytes(head[4:8], "little")
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        promised = int.from_bytes(head[4:8], "big")
    else:
        return False
    return promised != UNKNOWN and promised not in GUESSED and promised & ~1 > size - 8


def _promised_bytes(file: IO[bytes], head: bytes) -> int:
    """Where the last frame of an MP3 file ends by the table in its first frame (Xing, or Info); 0 without a table."""
    begin = 0
    if head[:3] == b"ID3":  # a tag, whose size is stored in 7 bits of each byte
        begin = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(begin)
    first = file.read(XING)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0:
        return 0
    flags = int.from_bytes(first[at + 4 : at + 8], "big")  # 1: has the number of frames, 2: has the number of bytes
    place = at + 8 + 4 * (flags & 1)
    return begin + int.from_bytes(first[place : place + 4], "big") if flags & 2 else 0


def _has_last_page(file: IO[bytes], size: int) -> bool:
    """Whether the pages of an Ogg file end with a complete one that is marked as the last (RFC 3533); data after them,
    such as a tag, is ignored."""
    marked, at = False, 0
    while at < size:
        file.seek(at)
        head = file.read(PAGE)
        if head[:4] != b"OggS"[: len(head)]:
            return marked
        if len(head) < PAGE:
            return False
        table = file.read(head[26])
        at += PAGE + head[26] + sum(table)
        marked = bool(head[5] & LAST)
        if len(table) < head[26] or at > size:
            return False
    return marked
