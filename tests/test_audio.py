"""Audio: clips read once, scaled by the training split, hidden in part."""

import json
import shlex
import sys

import numpy as np
import pytest
import torch
from tones import OPTIONS, PITCHES, RANDOM, RATE, SONGS, SUNG, tone

import elman
from elman.cli import app as cli
from elman.encoders import ENCODERS
from elman.errors import ArgumentError, BadValueError, ConfigError
from elman.fields import Audio
from elman.layers.spec_augment import MASKS, SpecAugment


def fitted(**options: object) -> Audio:
    field = Audio("clip", **{"rate": RATE, "size": 12} | options)
    field.fit([field.parse(clip) for clip in SUNG["clip"][:20]])
    return field


def test_channels_are_scaled_by_their_mean_and_standard_deviation_in_the_training_split():
    field = fitted()

    frames = np.concatenate([field.encode(field.parse(clip)) for clip in SUNG["clip"][:20]])

    assert np.abs(frames.mean(0)).max() < 1e-4
    assert np.abs(frames.std(0) - 1).max() < 1e-4


def test_a_field_is_restored_from_json_and_refuses_another_size():
    field, again = fitted(), Audio("clip", rate=RATE, size=12)

    again.restore(json.loads(json.dumps(field.learned())))

    clip = field.parse(SUNG["clip"][0])
    assert again.describe() == field.describe()
    assert np.array_equal(again.encode(clip), field.encode(clip))
    with pytest.raises(ConfigError, match="the scale must have 13 channels"):
        Audio("clip", rate=RATE, size=13).restore(field.learned())


def test_a_clip_is_kept_in_a_file_as_it_is():
    import pyarrow as pa

    field = fitted()
    clips = [field.parse(clip) for clip in SUNG["clip"][:3]]

    stored = pa.array([field.pack(clip) for clip in clips], field.storage)

    for index, (clip, again) in enumerate(zip(clips, field.unpack_column(stored), strict=True)):
        assert np.array_equal(clip, again)
        assert np.array_equal(clip, field.unpack(stored[index]))


@pytest.mark.parametrize("stack", [1, 3, 7])
def test_stacked_frames_are_the_frames_in_their_order_and_the_mean_after_them(stack):
    plain, stacked = fitted(), fitted(stack=stack)
    clip = plain.parse(SUNG["clip"][0])

    frames = stacked.encode(clip).reshape(-1, 12)

    assert np.array_equal(frames[: len(clip)], plain.encode(clip))
    assert not frames[len(clip) :].any()
    assert len(frames) - len(clip) < stack
    assert stacked.encode(clip).shape == (len(stacked.step_names(clip)), stack * 12)
    assert ENCODERS["audio"](stacked).output_size == stack * 12
    assert stacked.step_names(clip)[1] == f"{stack * 0.01:.2f} s"


def test_every_option_changes_the_frames():
    clip = (np.concatenate([tone(name) for name in PITCHES]), 11025)
    frames = {str(fitted().encode(fitted().parse(clip)).tolist())}
    changes = [
        {"rate": 7000},
        {"features": "mfcc"},
        {"size": 11},
        {"window": 32.0},
        {"hop": 8.0},
        {"fmin": 100.0},
        {"fmax": 3000.0},
        {"stack": 2},
        {"normalize": "clip"},
    ]
    for change in changes:
        field = fitted(**change)
        frames.add(str(field.encode(field.parse(clip)).tolist()))
    assert len(frames) == 1 + len(changes)


@pytest.mark.parametrize("features", ["mel", "mfcc"])
def test_what_is_added_to_all_frames_of_a_clip_is_taken_off_where_that_is_asked_for(features):
    samples, _ = SUNG["clip"][0]
    noisy = samples + 0.01 * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    plain, normalized = (
        Audio("clip", rate=RATE, size=12, features=features, normalize=how) for how in ("none", "clip")
    )

    as_heard, shifted = ([field.parse((gain * noisy, RATE)) for gain in (0.1, 1.0)] for field in (plain, normalized))

    assert np.abs(as_heard[0] - as_heard[1]).max() > 1  # a tenth as loud
    np.testing.assert_allclose(shifted[0], shifted[1], atol=0.02)
    np.testing.assert_allclose(shifted[1], as_heard[1] - as_heard[1].mean(0), atol=1e-5)
    assert shifted[0].dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {"features": "wave"},
        {"normalize": "training"},
        {"rate": 0},
        {"size": 0},
        {"features": "mfcc", "size": 41},
        {"stack": 0},
        {"time_mask": -1},
        {"frequency_mask": 41},
        {"fmax": 9000.0},
        {"hop": 30.0},
    ],
    ids=str,
)
def test_options_out_of_their_range_are_refused(options):
    with pytest.raises(ArgumentError):
        Audio("clip", **options)


def test_cells_that_are_no_sound_are_refused(tmp_path):
    field = Audio("clip", root=str(tmp_path))
    (tmp_path / "text.wav").write_text("no sound")
    for raw, says in [
        ("gone.wav", "that is there"),
        ("text.wav", "be an audio file"),
        (3.5, "be the path of an audio file"),
        (None, "be the path"),
        ((np.zeros(0), RATE), "0 seconds"),
        ((np.zeros(20), RATE), "10 ms"),
    ]:
        with pytest.raises(BadValueError, match=says):
            field.parse(raw)


def test_masks_hide_bands_and_stretches_of_the_size_that_was_asked_for_in_training_alone():
    masks, x = SpecAugment(12, stack=2, time_mask=5, frequency_mask=3), torch.ones(200, 30, 24)
    torch.manual_seed(0)

    frames = masks(x).reshape(200, 60, 12)

    assert torch.equal(masks.eval()(x), x)
    steps, channels = (frames == 0).all(2).sum(1), (frames == 0).all(1).sum(1)
    assert (steps.min(), steps.max()) == (0, MASKS * 5)
    assert (channels.min(), channels.max()) == (0, MASKS * 3)
    hidden = (frames == 0).all(2)[:, :, None] | (frames == 0).all(1)[:, None, :]
    assert torch.equal(frames, (~hidden).float())  # and nothing else
    assert ((frames == 0).all(2).float().mean(0)[5:-5] > 0.03).all()  # wherever it is


def test_masks_hide_at_most_a_fifth_of_the_steps_each():
    frames = SpecAugment(4, time_mask=100)(torch.ones(100, 20, 4))

    assert (frames == 0).all(2).sum(1).max() <= MASKS * 4


def test_who_else_is_in_the_batch_changes_nothing_about_what_masks_hide():
    masks, short = SpecAugment(4, stack=2, time_mask=6, frequency_mask=1), torch.ones(300, 10, 8)
    torch.manual_seed(0)
    alone = masks(short)
    torch.manual_seed(0)
    beside = masks(torch.cat([short, torch.zeros(300, 90, 8)], 1))  # padded to the length of another clip

    assert torch.equal(beside[:, :10], alone)
    hidden = (alone.reshape(300, 20, 4) == 0).all(2)
    assert hidden.sum(1).max() == MASKS * 4  # a fifth of the 20 frames, though 6 are allowed
    assert hidden.any(0).all()  # the last frame too
    assert not masks(torch.zeros(2, 5, 8)).any()  # and a row of zeros stays what it is
    assert masks(torch.zeros(2, 0, 8)).shape == (2, 0, 8)


@pytest.mark.parametrize("options", [{"time_mask": 4}, {"frequency_mask": 4}], ids=str)
def test_masks_change_what_is_trained_and_are_drawn_from_its_seed(options):
    def weights(**more: object) -> torch.Tensor:
        table = {"clip": SUNG["clip"][:30], "label": [song[0] for song in SONGS[:30]]}
        model = elman.train(table, input={"clip": OPTIONS | more}, target="label", hidden=4, epochs=1, quiet=True)
        return model.network.heads[0].linear.weight

    assert torch.equal(weights(**options), weights(**options))
    assert not torch.equal(weights(**options), weights())


def test_a_clip_is_read_once_a_training_whatever_the_epochs(clips_folder, monkeypatch):
    from elman.fields import audio

    read = []
    monkeypatch.setattr(audio, "read_clip", lambda path, own=audio.read_clip: read.append(path) or own(path))
    options = OPTIONS | {"root": str(clips_folder)}

    elman.train(clips_folder / "clips.csv", input={"clip": options}, target="label", hidden=4, epochs=3, quiet=True)

    assert len(read) == len(set(read)) == 30


def test_a_source_larger_than_memory_reads_a_clip_once_too(clips_folder, monkeypatch, own_cache):
    from elman.fields import audio

    read = []
    monkeypatch.setattr(audio, "read_clip", lambda path, own=audio.read_clip: read.append(path) or own(path))
    given = {"input": {"clip": OPTIONS | {"root": str(clips_folder)}}, "target": "label", "hidden": 4, "epochs": 2}

    kept = elman.train(clips_folder / "clips.csv", data={"in_memory": 0.0}, quiet=True, **given)
    own = elman.train(clips_folder / "clips.csv", quiet=True, **given)

    assert len(read) == 60
    assert torch.equal(kept.network.heads[0].linear.weight, own.network.heads[0].linear.weight)


def test_clips_of_another_rate_and_in_stereo_are_told_apart_as_those_of_training(clips_folder):
    model = elman.train(
        clips_folder / "clips.csv",
        input={"clip": OPTIONS | {"root": str(clips_folder)}},
        target="label",
        hidden=16,
        epochs=60,
        quiet=True,
        data={"valid_fraction": 0.2, "test_fraction": 0.0},
    )
    at = np.arange(3000) / 22050
    noise = 0.02 * RANDOM.standard_normal(3000)
    clips = [0.6 * np.sin(2 * np.pi * pitch * at) + noise for pitch in PITCHES.values()]

    answers = model.predict([(np.stack([clip, np.zeros(3000)], 1), 22050) for clip in clips])

    assert answers.tolist() == list(PITCHES)


def test_a_file_that_is_no_sound_is_named_with_its_place(clips_folder, monkeypatch, capsys):
    monkeypatch.chdir(clips_folder)
    (clips_folder / "7.wav").write_bytes(b"no sound")
    command = "train clips.csv --input clip --target label --set input.clip.kind=audio --epochs 1"
    monkeypatch.setattr(sys, "argv", ["elman", *shlex.split(command)])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: clips.csv:9: column 'clip' must be an audio file, got")
    assert said.endswith("Fix the row or pass --bad-rows skip.")
