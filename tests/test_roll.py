"""The field of piano rolls: which keys are down at each step, read from files and lists, predicted, sampled, saved."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.nn import functional as F

import elman
from elman.encoders import ENCODERS, TensorColumn
from elman.errors import ArgumentError, BadValueError, DataError
from elman.fields import Roll
from elman.heads import HEADS
from elman.media.music import KEYS, Note, read_midi, write_midi

NO_SPLIT = {"valid_fraction": 0.0, "test_fraction": 0.0}
PIECES = [[[60, 64], [], ["C4"], [21, 108]], [[60], [62]], [[48, 52, 55], [48, 52, 55], [50]]]


def fitted(generated=True, continues=True, **options):
    field = Roll("piece", generated, continues, **options)
    field.fit([field.parse(piece) for piece in PIECES])
    return field


def batch(field):
    rows = [torch.tensor(field.encode(field.parse(piece))) for piece in PIECES]
    lengths = torch.tensor([len(row) for row in rows])
    return TensorColumn(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)


def test_a_midi_file_comes_back_exactly_on_the_grid(tmp_path):
    field = fitted(resolution=2)
    notes = [Note(60, 0.0, 1.0), Note(64, 0.5, 1.5), Note(48, 2.0, 0.5)]
    write_midi(notes, 100, tmp_path / "one.mid")

    value = field.decode_sequence(field.encode(field.parse(str(tmp_path / "one.mid"))))
    kept = field.save_artifacts(value, tmp_path / "two")

    assert value == [[60], [60, 64], [64], [64], [48]]
    assert [path.suffix for path in kept] == [".mid", ".png", ".wav"]
    assert read_midi(kept[0]) == notes


@pytest.mark.parametrize("piece", PIECES)
def test_a_list_a_json_text_and_what_is_read_are_the_same_value(piece):
    field = fitted()
    value = field.parse(piece)

    assert np.array_equal(field.parse(json.dumps(piece)), value)
    assert np.array_equal(field.parse(field.decode_sequence(field.encode(value))), value)
    assert field.truth(value) == field.decode_sequence(value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "must have a note"),
        ([[], []], "must have a note"),
        ([60, 64], "must be a list of the pitches of each step"),
        ("[[60], 3", "must be a list of the pitches of each step"),
        ([[20]], "must have the pitches of a piano"),
        ([["X"]], "must be a pitch such as C4"),
        ("none.mid", "must be the path of a file that is there"),
        (3.5, "must be the path of a file"),
    ],
)
def test_what_is_no_piece_is_refused(raw, message):
    with pytest.raises(BadValueError, match=message):
        Roll("piece").parse(raw)


@pytest.mark.parametrize(("option", "value"), [("resolution", 0), ("tempo", 0), ("dropout", 2)])
def test_options_out_of_range_are_refused(option, value):
    with pytest.raises(ArgumentError, match=f"piece: {option} must"):
        Roll("piece", **{option: value})


def test_relative_paths_start_from_the_root_and_the_resolution_is_the_grid(tmp_path):
    write_midi([Note(60, 0, 1)], 100, tmp_path / "one.mid")

    assert Roll("piece", root=str(tmp_path)).parse("one.mid").shape == (4, KEYS)
    assert Roll("piece", root=str(tmp_path), resolution=1).parse("one.mid").shape == (1, KEYS)


def test_the_tempo_is_that_of_the_files_that_are_written(tmp_path):
    slow, fast = (fitted(tempo=tempo).save_artifacts([[60]], tmp_path / str(tempo)) for tempo in (60.0, 240.0))

    assert slow[2].stat().st_size > 1.5 * fast[2].stat().st_size
    assert fitted().save_artifacts([[], []], tmp_path / "silent") == []


def test_the_loss_is_the_sum_over_the_keys_and_the_first_step_of_a_continuation_is_not_scored():
    field, ends = fitted(), fitted(continues=False)
    target, ended = batch(field), batch(ends)
    head, other = HEADS["roll"](field, 3).eval(), HEADS["roll"](ends, 3).eval()
    features = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0))

    losses, all_losses = head.row_losses(features, target), other.row_losses(features, ended)

    each = F.binary_cross_entropy_with_logits(head(features), target.values, reduction="none").sum(2)
    whole = F.binary_cross_entropy_with_logits(other(features), ended.values, reduction="none").sum(2)
    torch.testing.assert_close(losses, torch.stack([each[0, 1:4].sum(), each[1, 1:2].sum(), each[2, 1:3].sum()]))
    torch.testing.assert_close(all_losses, torch.stack([whole[0, :4].sum(), whole[1, :2].sum(), whole[2, :3].sum()]))
    assert head.counted(target).tolist() == [3, 1, 2]
    assert other.counted(ended).tolist() == [4, 2, 3]
    assert field.metrics == ("nll",)


def test_training_learns_the_first_step_too():
    field, features = fitted(), torch.zeros(3, 4, 3)
    head = HEADS["roll"](field, 3)
    torch.nn.init.zeros_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)

    losses = head.train().row_losses(features, batch(field))

    torch.testing.assert_close(losses, torch.tensor([4.0, 2.0, 3.0]) * KEYS * torch.tensor(2.0).log())


def test_what_is_no_continuation_predicts_where_it_ends():
    field, value = fitted(continues=False), Roll("piece").parse(PIECES[0])

    assert field.stops
    assert field.encode(value)[:, KEYS].tolist() == [0, 0, 0, 1]
    assert not fitted().stops
    assert fitted().encode(value).shape == fitted(generated=False, continues=False).encode(value).shape == (4, KEYS)
    assert HEADS["roll"](field, 3)(torch.zeros(2, 3)).shape == (2, KEYS + 1)
    output = np.zeros((2, KEYS + 1), np.float32)
    output[1, KEYS] = np.log(3)
    assert field.end_probabilities(output).tolist() == pytest.approx([0.5, 0.75])


def test_before_it_is_trained_a_head_knows_how_often_each_key_is_down():
    for field in (fitted(), fitted(continues=False)):
        head = HEADS["roll"](field, 3)
        rates = head(torch.zeros(1, 3))[0].sigmoid()

        steps = batch(field).values.shape[2]
        assert len(rates) == steps
        assert rates[60 - 21].item() == pytest.approx((3 + 0.5) / (9 + 1))
        assert rates[10].item() == pytest.approx(0.5 / 10)
    assert rates[KEYS].item() == pytest.approx((3 + 0.5) / (9 + 1))  # 3 pieces of 3 steps


def test_keys_are_sampled_with_their_probability_and_the_likeliest_are_those_above_a_half():
    field = fitted()
    logits = np.linspace(-3, 3, KEYS, dtype=np.float32)
    each, uniform = np.broadcast_to(logits, (20_000, KEYS)), np.random.default_rng(0).random((20_000, KEYS))

    sampled = field.next_frames(each, uniform)
    cold = field.next_frames(each, uniform, temperature=0.5)

    np.testing.assert_allclose(sampled.mean(0), 1 / (1 + np.exp(-logits)), atol=0.02)
    np.testing.assert_allclose(cold.mean(0), 1 / (1 + np.exp(-2 * logits)), atol=0.02)
    assert np.array_equal(field.next_frames(logits[None], None)[0], logits > 0)


def test_training_does_not_see_a_fraction_of_the_keys():
    keys = torch.ones(50, 40, KEYS)
    torch.manual_seed(0)

    seen = ENCODERS["roll"](fitted(dropout=0.25)).train()(keys)

    assert (seen == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert torch.equal(ENCODERS["roll"](fitted(dropout=0.25)).eval()(keys), keys)


def test_pieces_that_lie_in_a_file_and_what_was_learned_are_taken_back():
    field, other = fitted(), Roll("piece")
    values = [field.parse(piece) for piece in PIECES]
    stored = pa.array([field.pack(value) for value in values], field.storage)
    other.restore(json.loads(json.dumps(field.learned())))

    assert all(map(np.array_equal, field.unpack_column(stored), values))
    assert other.describe() == field.describe() == "3 pieces of 3 steps, 1.56 keys down at a step"
    assert field.names()[39] == "C4"


def scales(rows):
    """Four keys in turn, a third below each."""
    return [[[60 + (start + at) % 4, 57 + (start + at) % 4] for at in range(12)] for start in range(rows)]


def test_a_network_learns_to_continue_and_what_it_generates_is_kept(tmp_path):
    model = elman.train(
        {"piece": scales(8)},
        input={"piece": {"kind": "roll", "resolution": 1}},
        hidden=24,
        epochs=60,
        data=NO_SPLIT,
        model={"dropout": 0.0},
        train={"lr": 0.03, "batch": 8},
        quiet=True,
    )

    (generated,) = model.generate(["[[58, 61], [59, 62]]"], beam=1, max_length=3)

    assert generated == [[[58, 61], [59, 62], [60, 63], [57, 60], [58, 61]]]
    model.save(tmp_path / "run")
    again = elman.load(tmp_path / "run")
    assert again.generate(["[[58, 61], [59, 62]]"], beam=1, max_length=3) == [generated]
    assert again.evaluate({"piece": scales(3)})["metrics"]["nll"] < 0.5


@pytest.mark.parametrize("in_memory", [200, 0])
def test_a_piece_of_one_step_is_not_continued_and_does_not_count(tmp_path, in_memory):
    def trained(pieces, **options):
        path = tmp_path / "pieces.csv"
        path.write_text("piece\n" + "".join(f'"{json.dumps(piece)}"\n' for piece in pieces))
        given = {"data": {**NO_SPLIT, "in_memory": in_memory}, "epochs": 1, "quiet": True} | options
        return elman.train(path, input={"piece": {"kind": "roll"}}, **given)

    model = trained([*scales(4), [[60]]], bad_rows="skip")

    with pytest.raises(DataError, match=r"column .piece. must have two steps at least, .*, got 1"):
        trained([*scales(4), [[60]]])
    with pytest.raises(DataError, match="must have two steps at least"):  # and not: a figure of 0
        model.evaluate({"piece": [[[60]]]})
    assert model.evaluate({"piece": [*scales(4), [[60]]]}, bad_rows="skip") == model.evaluate({"piece": scales(4)})
    assert len(model.generate(["[[60]]"], max_length=2)[0][0]) == 3  # to begin with it is enough
    assert fitted(continues=False).encode(fitted().parse([[60]])).shape == (1, KEYS + 1)


def test_a_roll_is_read_and_is_generated_from_something():
    table = {"piece": scales(8), "high": [str(start % 4 > 1) for start in range(8)]}
    none = {"data": NO_SPLIT, "epochs": 1, "quiet": True}
    reads = elman.train(table, input={"piece": {"kind": "roll"}}, target="high", **none)
    writes = elman.train(table, input="high", target={"piece": {"kind": "roll"}}, **none)

    assert set(reads.predict([scales(1)[0]])) <= {"False", "True", False, True}
    ((piece,),) = writes.generate(values=["True"], max_length=3)
    assert len(piece) <= 3
    assert np.isfinite(writes.evaluate(table)["metrics"]["nll"])
