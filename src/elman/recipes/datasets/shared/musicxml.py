"""MusicXML: the notes of one part of a score, and its key."""

import zipfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, fromstring

from elman.checks import fail
from elman.errors import DataError
from elman.media.music import Note

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CONTAINER = "META-INF/container.xml"  # of a compressed score: names the file of the score


class Part(NamedTuple):
    """One part of a score."""

    name: str  # as in the score
    fifths: int  # of its first key: sharps, or flats if negative
    mode: str  # of its first key, such as "major"; "" if the score has none
    notes: list[Note]


def read_parts(path: Path) -> list[Part]:
    """The parts of a score, plain (.xml, .musicxml) or compressed (.mxl), in order.

    Only the first voice of each part is read: tied notes are one note, of a chord only the first note counts, and grace
    notes are left out.

    Raises:
        DataError: the file is not a MusicXML score by parts.
    """
    try:
        root = fromstring(_document(path))
        if root.tag != "score-partwise":
            fail("musicxml", str(path), "be a score by parts", f"<{root.tag}>", error=DataError)
        names = {part.get("id"): part.findtext("part-name", "") for part in root.iter("score-part")}
        return [_part(part, names.get(part.get("id"), "")) for part in root.findall("part")]
    except (OSError, zipfile.BadZipFile, ParseError, LookupError, ValueError) as error:
        fail("musicxml", str(path), "be a MusicXML score", f"{type(error).__name__}: {error}", error=DataError)


def _document(path: Path) -> bytes:
    if path.suffix != ".mxl":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        container = fromstring(archive.read(CONTAINER))
        roots = [element for element in container.iter() if element.tag.endswith("rootfile")]
        return archive.read(roots[0].attrib["full-path"])


def _part(part: Element, name: str) -> Part:
    notes: list[Note] = []
    divisions, now = 1, Fraction(0)  # of a beat; in beats
    key: tuple[int, str] | None = None
    voice: str | None = None
    open_tie: int | None = None  # pitch of the last note, if a tie starts there
    for measure in part.findall("measure"):
        for element in measure:
            if element.tag == "attributes":
                divisions = int(element.findtext("divisions", str(divisions)))
                if key is None and element.find("key/fifths") is not None:
                    key = int(element.findtext("key/fifths", "0")), element.findtext("key/mode", "")
            length = Fraction(element.findtext("duration", "0")) / divisions
            if element.tag == "backup":
                now -= length
            elif element.tag == "forward":
                now += length
            if element.tag != "note" or element.find("chord") is not None or element.find("grace") is not None:
                continue
            voice = voice or element.findtext("voice", "1")
            pitch = _pitch(element.find("pitch"))
            if element.findtext("voice", "1") == voice and pitch is not None:
                ties = {tie.get("type") for tie in element.findall("tie")}
                if "stop" in ties and open_tie == pitch:
                    notes[-1] = notes[-1]._replace(length=float(now + length - Fraction(notes[-1].begin)))
                else:
                    notes.append(Note(pitch, float(now), float(length)))
                open_tie = pitch if "start" in ties else None
            now += length
    return Part(name, *(key or (0, "")), notes)


def _pitch(element: Element | None) -> int | None:
    if element is None:
        return None
    alter, octave = float(element.findtext("alter", "0")), int(element.findtext("octave", "4"))
    return STEPS[element.findtext("step", "")] + int(alter) + 12 * (octave + 1)
