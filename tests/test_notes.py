"""The field of notes: one voice as symbols, read from files and lists, generated, counted by notes."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch

from elman.encoders import ENCODERS, TensorColumn
from elman.errors import ArgumentError, BadValueError
from elman.fields import Notes
from elman.fields.notes import FIRST_DURATION, FIRST_PITCH
from elman.heads import HEADS
from elman.media.music import Note, read_midi, write_midi

TUNES = [
    [["C5", 1], ["rest", 0.5], [67, 0.5], ["A4", 2]],
    [["E5", "1/4"], ["F5", 0.75], ["E5", 3]],
    [["D4", 1]],
]


def fitted(generated=True, **options):
    field = Notes("tune", generated, **options)
    field.fit([field.parse(tune) for tune in TUNES])
    return field


def test_a_midi_file_comes_back_exactly_on_the_grid(tmp_path):
    field = fitted()
    notes = [Note(72, 0.5, 1.0), Note(67, 1.5, 0.25), Note(69, 3.0, 9.0)]
    write_midi(notes, 100, tmp_path / "one.mid")

    written = field.decode_sequence(field.encode(field.parse(str(tmp_path / "one.mid"))))
    kept = field.save_artifacts(written, tmp_path / "two")

    assert written == "rest:1/2 C5:1 G4:1/4 rest:5/4 A4:3 tie:3 tie:3"  # 3 beats is the longest that has a symbol
    assert [path.suffix for path in kept] == [".mid", ".png", ".wav"]
    assert read_midi(kept[0]) == notes
    assert np.array_equal(field.parse(written), field.parse(str(tmp_path / "one.mid")))


@pytest.mark.parametrize("tune", TUNES)
def test_a_list_a_json_text_and_what_is_generated_are_the_same_value(tune):
    field = fitted()
    value = field.parse(tune)

    assert np.array_equal(field.parse(json.dumps(tune)), value)
    assert np.array_equal(field.parse(field.decode_sequence(field.encode(value))), value)
    assert field.truth(value) == field.decode_sequence(field.encode(value))


def test_relative_paths_start_from_the_root(tmp_path):
    write_midi([Note(60, 0, 1)], 100, tmp_path / "one.mid")

    assert Notes("tune", root=str(tmp_path)).parse("one.mid").tolist() == [[60, 4]]
    with pytest.raises(BadValueError, match="must be the path of a file that is there"):
        Notes("tune").parse("one.mid")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("rest:4", "must have a note, got 'rest:4'"),
        ([], "must have a note"),
        ("", "must have a note"),
        ("[1, 2", "must be pairs of a pitch and its beats"),
        ([["X", 1]], "must be a pitch such as C4"),
        (3.5, "must be the path of a file"),
        (None, "must be the path of a file"),
    ],
)
def test_what_is_no_tune_is_refused(raw, message):
    with pytest.raises(BadValueError, match=message):
        Notes("tune").parse(raw)


@pytest.mark.parametrize("option", ["resolution", "tempo", "embedding", "longest"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ArgumentError, match=f"tune: {option} must"):
        Notes("tune", **{option: 0})
    with pytest.raises(ArgumentError, match="tune: dropout must"):
        Notes("tune", dropout=1.5)


def test_the_resolution_is_the_grid():
    assert Notes("tune", resolution=1).parse([["C5", 0.75], ["D5", 0.75]]).tolist() == [[72, 1], [74, 1]]
    assert Notes("tune", resolution=12).parse([["C5", "1/3"]]).tolist() == [[72, 4]]


def test_only_what_is_generated_has_a_longest_and_an_end():
    field, read = fitted(longest=4), fitted(generated=False, longest=4)
    tune = [["C5", 1], ["D5", 1], ["E5", 1], ["rest", 1], ["F5", 1]]

    with pytest.raises(BadValueError, match="must have at most 4 notes and rests, got 5"):
        field.parse(tune)
    assert len(read.encode(read.parse(tune))) == 10
    assert field.encode(field.parse(tune[:2])).tolist() == [*read.encode(read.parse(tune[:2])), field.end]


def test_symbols_are_named_and_steps_have_the_names_of_the_ids():
    field = fitted()
    names, value = field.symbols(), field.parse(TUNES[0])

    assert len(names) == len(set(names)) == FIRST_DURATION + 12  # 3 beats of 4 steps
    assert [names[index] for index in field.encode(value)[:-1]] == field.step_names(value)
    assert names[FIRST_PITCH + 60], names[FIRST_DURATION + 5] == ("C4", "3/2")
    assert ENCODERS["notes"](field).output_size == 64
    assert ENCODERS["notes"](field)(torch.tensor([[0, field.end]])).shape == (1, 2, 64)
    assert ENCODERS["notes"](fitted(embedding=7)).output_size == 7
    assert ENCODERS["notes"](fitted(dropout=0.5)).dropout == 0.5


def test_what_is_sampled_without_sense_still_reads():
    field = fitted()
    c, d, one = FIRST_PITCH + 60, FIRST_PITCH + 62, FIRST_DURATION + 3

    assert field.decode_sequence([one, c, d, one, one, field.begin, 0, c]) == "D4:1"
    assert field.decode_sequence([4, one, c, one, 4, one]) == "tie:1 C4:1 tie:1"
    assert field.parse("tie:1 C4:1 tie:1").tolist() == [[-1, 4], [60, 8]]
    assert field.save_artifacts(field.decode_sequence([one, one]), None) == []


def test_symbols_read_one_by_one_read_as_all_at_once():
    field = fitted()
    ids = field.encode(field.parse(TUNES[0])).tolist()
    read = field.reader()

    assert "".join([*(read([index], False) for index in ids), read([], True)]) == field.decode_sequence(ids)


def test_the_loss_is_counted_by_notes_so_that_bits_are_bits_a_note():
    field = fitted()
    rows = [torch.tensor(field.encode(field.parse(tune))) for tune in TUNES]
    lengths = torch.tensor([len(row) for row in rows])
    target = TensorColumn(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)
    head = HEADS["notes"](field, 3).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()

    losses = head.row_losses(torch.zeros(3, target.values.shape[1], 3), target)

    assert head.counted(target).tolist() == [3, 3, 1]
    torch.testing.assert_close(losses, lengths * torch.tensor(float(len(field.symbols()))).log())
    assert field.metrics == ("bits",)


def test_tunes_that_lie_in_a_file_are_what_they_were():
    field = fitted()
    values = [field.parse(tune) for tune in TUNES]
    stored = pa.array([field.pack(value) for value in values], field.storage)

    assert all(map(np.array_equal, field.unpack_column(stored), values))
    assert all(map(np.array_equal, [field.unpack(element) for element in stored], values))


def test_what_was_learned_is_taken_back():
    field, other = fitted(), Notes("tune")
    other.restore(json.loads(json.dumps(field.learned())))

    assert other.symbols() == field.symbols()
    assert other.describe() == field.describe() == "7 notes from D4 to F5, up to 3 beats long"
