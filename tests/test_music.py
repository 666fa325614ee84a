"""Music: MIDI files read and written, notes on a grid and off it, how they sound and look; broken files are refused."""

import sys
import wave

import numpy as np
import pytest

from elman.errors import BadValueError, MissingExtraError
from elman.media.music import (
    RATE,
    SILENT,
    Note,
    draw_piano_roll,
    hertz,
    is_voice,
    notes_of_pairs,
    one_voice,
    pairs_of,
    parse_pitch,
    piano_roll,
    pitch_name,
    read_midi,
    roll_notes,
    save_notes,
    synthesise,
    voice_notes,
    voice_text,
    write_midi,
)
from elman.media.music.midi import TICKS

TUNE = [Note(60, 0.0, 1.0), Note(64, 1.5, 0.5), Note(64, 2.0, 2.0), Note(57, 4.0, 0.25)]
CHORDS = [Note(60, 0.0, 1.0), Note(64, 0.0, 2.0), Note(67, 0.5, 0.5), Note(60, 1.5, 0.5)]


def test_every_pitch_has_a_name_that_names_it():
    assert [parse_pitch(pitch_name(pitch)) for pitch in range(128)] == list(range(128))
    assert [parse_pitch(name) for name in ("Cb4", "B#3", "db4", "Ebb5", "C-1")] == [59, 60, 61, 74, 0]


@pytest.mark.parametrize("raw", ["H4", "C", "C10", "c4 ", 128, -1, 60.0, True, None, ""])
def test_what_is_no_pitch_is_refused_or_read_as_it_stands(raw):
    if raw == "c4 ":
        assert parse_pitch(raw) == 60
        return
    with pytest.raises(BadValueError, match="must be a pitch such as C4"):
        parse_pitch(raw)


def test_a_voice_on_the_grid_comes_back_from_a_midi_file_as_it_was(tmp_path):
    write_midi(TUNE, 90, tmp_path / "tune.mid")

    notes = read_midi(tmp_path / "tune.mid")

    assert notes == TUNE
    assert voice_notes(one_voice(notes, 4), 4) == TUNE


def test_a_roll_comes_back_from_a_midi_file_as_it_was(tmp_path):
    roll = piano_roll(CHORDS, 2)
    write_midi(roll_notes(roll, 2), 90, tmp_path / "chords.mid")

    assert np.array_equal(piano_roll(read_midi(tmp_path / "chords.mid"), 2), roll)
    assert roll.sum() == 2 + 4 + 1 + 1


def test_the_tempo_of_a_file_is_the_one_that_was_asked_for(tmp_path):
    from symusic import Score

    write_midi(TUNE, 72, tmp_path / "tune.mid")

    assert Score(str(tmp_path / "tune.mid")).tempos[0].qpm == pytest.approx(72, abs=1e-3)


def test_drums_are_left_out(tmp_path):
    from symusic import Note as Played
    from symusic import Score, Track

    score = Score(TICKS)
    for drum, pitch in ((True, 36), (False, 60)):
        track = Track("", program=0, is_drum=drum)
        track.notes.append(Played(0, TICKS, pitch, 80))
        score.tracks.append(track)
    score.dump_midi(str(tmp_path / "both.mid"))

    assert read_midi(tmp_path / "both.mid") == [Note(60, 0.0, 1.0)]


def test_a_broken_file_and_one_without_notes_are_one_clear_error_each(tmp_path):
    from symusic import Score

    (tmp_path / "broken.mid").write_bytes(b"MThd\x00\x00 and no more")
    (tmp_path / "text.mid").write_text("no music")
    (tmp_path / "nothing.mid").write_bytes(b"")
    write_midi(TUNE, 90, tmp_path / "whole.mid")
    (tmp_path / "cut.mid").write_bytes((tmp_path / "whole.mid").read_bytes()[:-20])
    Score(TICKS).dump_midi(str(tmp_path / "silent.mid"))

    for name in ("broken.mid", "text.mid", "nothing.mid", "cut.mid"):
        with pytest.raises(BadValueError, match=r"must be a MIDI file, got '.*\.mid', which is not one or is damaged"):
            read_midi(tmp_path / name)
    with pytest.raises(BadValueError, match=r"must have a note, got 'silent\.mid', a MIDI file without notes"):
        read_midi(tmp_path / "silent.mid")


def test_a_missing_package_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "symusic", None)
    for use in (lambda: read_midi(tmp_path / "tune.mid"), lambda: write_midi(TUNE, 90, tmp_path / "tune.mid")):
        with pytest.raises(MissingExtraError, match=r"^a MIDI file: .* Run pip install 'elman\[music\]'\.$"):
            use()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"Run pip install 'elman\[plot\]'\.$"):
        draw_piano_roll(TUNE, 90, "tune")


def test_of_several_voices_the_highest_is_heard():
    both = [Note(72, 0, 1), Note(48, 0, 4), Note(74, 1, 1), Note(50, 1.5, 2), Note(71, 3, 1)]

    # The bass that begins under a higher note is never struck, and so there is silence where only it sounds.
    assert one_voice(both, 2).tolist() == [[72, 2], [74, 2], [SILENT, 2], [71, 2]]
    assert one_voice([Note(72, 0, 1), Note(48, 0, 4)], 2).tolist() == [[72, 2]]
    assert one_voice([Note(72, 0, 2), Note(72, 1, 2)], 1).tolist() == [[72, 1], [72, 2]]


def test_what_is_off_the_grid_goes_to_the_nearest_step_and_lasts_one_at_least():
    assert one_voice([Note(60, 0.1, 0.8), Note(62, 1.2, 0.01)], 4).tolist() == [[60, 4], [SILENT, 1], [62, 1]]
    assert one_voice([Note(60, 0.12, 0.9)], 2).tolist() == [[60, 2]]


def test_a_pitch_that_no_piano_has_and_an_endless_piece_are_refused():
    with pytest.raises(BadValueError, match=r"must have the pitches of a piano, A0 to C8, got 'G#0'"):
        piano_roll([Note(20, 0, 1)], 4)
    with pytest.raises(BadValueError, match="must last at most 1,000,000 steps"):
        one_voice([Note(60, 1e9, 1)], 4)


def test_a_voice_as_text_reads_as_it_was_written():
    voice = one_voice(TUNE, 4)
    text = voice_text(voice, 4)

    assert text == "C4:1 rest:1/2 E4:1/2 E4:2 A3:1/4"
    assert is_voice(text)
    assert np.array_equal(one_voice(notes_of_pairs(pairs_of(text)), 4), voice)
    assert notes_of_pairs([("C4", 1), ("tie", 1), (None, 1), ("tie", 1), (60, 2)]) == [Note(60, 0, 2), Note(60, 4, 2)]


@pytest.mark.parametrize("text", ["C5", "C5:", "C5:1 D5", "songs/C5:1.mid", "H5:1", "C5:1/0/1", ""])
def test_what_is_no_voice_is_told_from_one(text):
    assert not is_voice(text)


@pytest.mark.parametrize("beats", [0, -1, "1/0", "long", float("nan"), float("inf"), True, None])
def test_a_note_lasts_some_beats(beats):
    with pytest.raises(BadValueError, match="must last some beats"):
        notes_of_pairs([["C5", beats]])


@pytest.mark.parametrize("pairs", [["C5"], [["C5", 1, 2]], [60], ["C5:1"]])
def test_what_is_no_pair_is_refused(pairs):
    with pytest.raises(BadValueError, match="must be pairs of a pitch and its beats"):
        notes_of_pairs(pairs)


@pytest.mark.parametrize("pitch", [45, 69, 93])
def test_a_note_sounds_at_its_frequency_for_its_time(pitch):
    sound = synthesise([Note(pitch, 1, 2)], tempo=120)
    seconds = np.arange(len(sound)) / RATE
    spectrum = np.abs(np.fft.rfft(sound[(seconds > 0.5) & (seconds < 1.5)]))

    assert spectrum.argmax() == pytest.approx(hertz(pitch), abs=1)  # a second of sound: bins of 1 Hz
    assert not sound[seconds < 0.5].any()
    assert np.abs(sound[(seconds > 0.5) & (seconds < 0.6)]).max() > 0.5
    assert len(sound) == round(1.65 * RATE)
    assert np.abs(sound).max() == np.float32(0.9)


def test_more_notes_are_no_louder_than_a_sample_can_hold():
    assert np.abs(synthesise([Note(pitch, 0, 1) for pitch in range(21, 109)], tempo=100)).max() == np.float32(0.9)
    assert len(synthesise([], tempo=100)) > 0


def test_the_wav_file_that_is_kept_holds_the_sound(tmp_path):
    sound = synthesise(TUNE, tempo=200)
    save_notes(TUNE, 200, tmp_path / "tune")

    with wave.open(str(tmp_path / "tune.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples / 32767 - sound).max() < 1 / 32767


def test_notes_are_kept_as_three_files_and_none_as_none(tmp_path):
    files = save_notes(TUNE, 90, tmp_path / "a.tune")

    assert [path.name for path in files] == ["a.tune.mid", "a.tune.png", "a.tune.wav"]
    assert read_midi(files[0]) == TUNE
    assert files[1].read_bytes() == draw_piano_roll(TUNE, 90, "a.tune")
    assert save_notes([], 90, tmp_path / "nothing") == []
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("notes", [[Note(60, 0, 0.25)], TUNE, [Note(21 + at, at, 4) for at in range(88)]])
def test_a_piano_roll_is_drawn_of_short_and_of_long_pieces(notes):
    assert draw_piano_roll(notes, 100, "$no math").startswith(b"\x89PNG")


@pytest.mark.parametrize("beats", ["1e400", "1e1000000000", 10**400, 1e300, "0", True])
def test_notes_of_no_length_or_an_endless_one_are_refused(beats):
    with pytest.raises(BadValueError, match="last some beats, more than 0 and at most 1,000,000"):
        notes_of_pairs([("C5", beats)])
