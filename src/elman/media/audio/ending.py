"""Whether a file of sound ends where its container says: readers take what is there, and say nothing."""

from pathlib import Path
from typing import IO

UNKNOWN = 0xFFFFFFFF  # what stands for a size that was not known when the head was written, as to a pipe
GUESSED = range(0x7F000000, 0x80000000)  # what other writers put there: as much as they dare
PAGE, LAST = 27, 4  # Ogg: bytes of a page's head before its table of sizes; the mark of a stream's last page
XING = 64  # MP3: bytes of a first frame, in which the table that counts its bytes begins, if it has one


def is_cut_off(path: Path) -> bool:
    """Whether a RIFF (WAV), FORM (AIFF), Ogg or MP3 file says that it goes on where it ends; False of any other.

    A size that is a placeholder, as programs write it to a pipe, says nothing.
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
    """Where the last frame of an MP3 file ends by the table in its first one (Xing, or Info); 0 where it has none."""
    begin = 0
    if head[:3] == b"ID3":  # a tag, whose size is given in 7 bits a byte
        begin = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(begin)
    first = file.read(XING)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0:
        return 0
    told = int.from_bytes(first[at + 4 : at + 8], "big")  # 1: how many frames, 2: how many bytes
    counted = at + 8 + 4 * (told & 1)
    return begin + int.from_bytes(first[counted : counted + 4], "big") if told & 2 else 0


def _has_last_page(file: IO[bytes], size: int) -> bool:
    """Whether the pages of an Ogg file end with a whole one that is marked as the last (RFC 3533); what follows them,
    such as a tag, is passed over."""
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
