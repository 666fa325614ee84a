"""MusicXML: the notes of each part in beats, ties as one note, whatever else stands in a measure."""

import zipfile

import pytest

from elman.errors import DataError
from elman.media.music import Note
from elman.recipes.datasets.shared.musicxml import read_parts

SCORE = """<?xml version="1.0"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.0 Partwise//EN" "partwise.dtd">
<score-partwise><part-list>
  <score-part id="P1"><part-name>Soprano</part-name></score-part>
  <score-part id="P2"><part-name>Bass</part-name></score-part>
</part-list>
<part id="P1">
  <measure number="0"><attributes><divisions>2</divisions><key><fifths>-3</fifths><mode>minor</mode></key></attributes>
    <note><pitch><step>E</step><alter>-1</alter><octave>5</octave></pitch><duration>2</duration><voice>1</voice></note>
  </measure>
  <measure number="1"><attributes><key><fifths>0</fifths></key></attributes>
    <note><grace/><pitch><step>C</step><octave>6</octave></pitch><voice>1</voice></note>
    <note><pitch><step>D</step><octave>5</octave></pitch><duration>3</duration><voice>1</voice></note>
    <note><chord/><pitch><step>B</step><octave>4</octave></pitch><duration>3</duration><voice>1</voice></note>
    <note><rest/><duration>1</duration><voice>1</voice></note>
    <note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>4</duration><tie type="start"/>
      <voice>1</voice></note>
    <backup><duration>8</duration></backup>
    <note><pitch><step>C</step><octave>3</octave></pitch><duration>8</duration><voice>2</voice></note>
  </measure>
  <measure number="2"><attributes><divisions>4</divisions></attributes>
    <note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>2</duration><tie type="stop"/>
      <voice>1</voice></note>
    <forward><duration>2</duration></forward>
    <note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>4</duration><voice>1</voice></note>
  </measure>
</part>
<part id="P2"><measure number="1"><note><rest/><duration>4</duration></note></measure></part>
</score-partwise>"""
NOTES = [Note(75, 0, 1), Note(74, 1, 1.5), Note(66, 3, 2.5), Note(66, 6, 1)]


def test_a_part_is_read_as_its_notes_in_beats(tmp_path):
    (tmp_path / "score.xml").write_text(SCORE)

    soprano, bass = read_parts(tmp_path / "score.xml")

    assert soprano == ("Soprano", -3, "minor", NOTES)
    assert bass == ("Bass", 0, "", [])


def test_a_compressed_score_is_the_same(tmp_path):
    container = '<container><rootfiles><rootfile full-path="inner/a.xml"/></rootfiles></container>'
    with zipfile.ZipFile(tmp_path / "score.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("inner/a.xml", SCORE)

    assert read_parts(tmp_path / "score.mxl")[0].notes == NOTES


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xml", "no markup"),
        ("a.xml", "<score-timewise/>"),
        ("a.mxl", "no archive"),
        ("a.xml", SCORE.replace("<divisions>2", "<divisions>x")),
        ("a.xml", SCORE.replace("<step>E", "<step>X")),
    ],
)
def test_what_is_no_score_is_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=r"musicxml: .*a\.(xml|mxl) must be a "):
        read_parts(tmp_path / name)
