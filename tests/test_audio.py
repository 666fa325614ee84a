"""Audio and transcripts: clips read once, scaled by the training split, hidden in part; texts found along them."""

import json
import shlex
import sys

import numpy as np
import pytest
import soundfile
import torch
from networks import poisoned, row_of

import elman
from elman import cli
from elman.errors import ArgumentError, BadValueError, ConfigError, DataError
from elman.fields import Audio, Transcript
from elman.layers.ctc import log_likelihood
from elman.layers.spec_augment import MASKS, SpecAugment
from tests.verbs import call

RATE = 8000
PITCHES = {"low": 300, "mid": 900, "high": 2700}
RANDOM = np.random.default_rng(0)
OPTIONS = {"kind": "audio", "rate": RATE, "size": 12}


def tone(name: str, seconds: float = 0.12) -> np.ndarray:
    at = np.arange(int(RATE * seconds)) / RATE
    return (0.3 * np.sin(2 * np.pi * PITCHES[name] * at) + 0.01 * RANDOM.standard_normal(len(at))).astype(np.float32)


def sung(names: list[str]) -> np.ndarray:
    """The tones one after the other, silence of some length around each."""
    parts = [np.zeros(int(RATE * RANDOM.uniform(0.06, 0.12)), np.float32)]
    for name in names:
        parts += [tone(name), np.zeros(int(RATE * RANDOM.uniform(0.06, 0.12)), np.float32)]
    return np.concatenate(parts)


SONGS = [list(RANDOM.choice(list(PITCHES), RANDOM.integers(1, 5))) for _ in range(120)]
SUNG = {"clip": [(sung(song), RATE) for song in SONGS], "words": [" ".join(song) for song in SONGS]}


@pytest.fixture
def folder(tmp_path):
    """A table of 30 paths, relative to it, and their labels."""
    lines = ["clip,label"]
    for index in range(30):
        name = list(PITCHES)[index % 3]
        soundfile.write(tmp_path / f"{index}.wav", tone(name), RATE)
        lines.append(f"{index}.wav,{name}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def fitted(**options: object) -> Audio:
    field = Audio("clip", **{"rate": RATE, "size": 12} | options)
    field.fit([field.parse(clip) for clip in SUNG["clip"][:20]])
    return field


def test_channels_are_scaled_by_their_mean_and_deviation_in_the_training_split():
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
    assert stacked.encode(clip).shape == (len(stacked.pieces(clip)), stack * 12)
    assert stacked.encoder().output_size == stack * 12
    assert stacked.pieces(clip)[1] == f"{stack * 0.01:.2f} s"


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
        {"normalise": "clip"},
    ]
    for change in changes:
        field = fitted(**change)
        frames.add(str(field.encode(field.parse(clip)).tolist()))
    assert len(frames) == 1 + len(changes)


@pytest.mark.parametrize("features", ["mel", "mfcc"])
def test_what_is_added_to_all_frames_of_a_clip_is_taken_off_where_that_is_asked_for(features):
    samples, _ = SUNG["clip"][0]
    noisy = samples + 0.01 * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    plain, normalised = (
        Audio("clip", rate=RATE, size=12, features=features, normalise=how) for how in ("none", "clip")
    )

    as_heard, shifted = ([field.parse((gain * noisy, RATE)) for gain in (0.1, 1.0)] for field in (plain, normalised))

    assert np.abs(as_heard[0] - as_heard[1]).max() > 1  # a tenth as loud
    np.testing.assert_allclose(shifted[0], shifted[1], atol=0.02)
    np.testing.assert_allclose(shifted[1], as_heard[1] - as_heard[1].mean(0), atol=1e-5)
    assert shifted[0].dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {"features": "wave"},
        {"normalise": "training"},
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
        ("text.wav", "be a file of sound"),
        (3.5, "be the path of a file"),
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
        return model.network.heads[0].weight

    assert torch.equal(weights(**options), weights(**options))
    assert not torch.equal(weights(**options), weights())


def test_a_clip_is_read_once_a_training_whatever_the_epochs(folder, monkeypatch):
    from elman.fields import audio

    read = []
    monkeypatch.setattr(audio, "read_clip", lambda path, own=audio.read_clip: read.append(path) or own(path))
    options = OPTIONS | {"root": str(folder)}

    elman.train(folder / "clips.csv", input={"clip": options}, target="label", hidden=4, epochs=3, quiet=True)

    assert len(read) == len(set(read)) == 30


def test_a_source_larger_than_memory_reads_a_clip_once_too(folder, monkeypatch, own_cache):
    from elman.fields import audio

    read = []
    monkeypatch.setattr(audio, "read_clip", lambda path, own=audio.read_clip: read.append(path) or own(path))
    given = {"input": {"clip": OPTIONS | {"root": str(folder)}}, "target": "label", "hidden": 4, "epochs": 2}

    kept = elman.train(folder / "clips.csv", data={"in_memory": 0.0}, quiet=True, **given)
    own = elman.train(folder / "clips.csv", quiet=True, **given)

    assert len(read) == 60
    assert torch.equal(kept.network.heads[0].weight, own.network.heads[0].weight)


def test_clips_of_another_rate_and_in_stereo_are_told_apart_as_those_of_training(folder):
    model = elman.train(
        folder / "clips.csv",
        input={"clip": OPTIONS | {"root": str(folder)}},
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


@pytest.fixture(scope="module")
def reader():
    """A network that writes down which tones are sung."""
    return elman.train(
        SUNG,
        input={"clip": OPTIONS | {"stack": 2}},
        target={"words": {"kind": "transcript"}},
        cell="gru",
        bidirectional=True,
        hidden=24,
        epochs=8,
        quiet=True,
        train={"lr": 0.01, "batch": 16},
        model={"dropout": 0.0},
    )


def test_a_network_learns_to_write_down_what_it_hears(reader):
    assert reader.config.model["topology"] == "many-to-many"
    assert reader.metrics["test"]["wer"] < 0.1
    assert reader.predict([(sung(["high", "high", "low"]), RATE)]).tolist() == ["high high low"]


def test_time_stamps_are_where_the_tones_are(reader):
    silence = np.zeros(RATE // 5, np.float32)
    clip = np.concatenate([silence, tone("mid"), silence, tone("low"), silence])

    [stamps] = reader.timestamps([(clip, RATE)])

    assert [stamp.symbol for stamp in stamps] == ["mid", "low"]
    for stamp, begin in zip(stamps, (0.2, 0.52), strict=True):
        assert begin - 0.06 < stamp.begin < stamp.end < begin + 0.12 + 0.06


def test_the_verb_tells_when_each_symbol_was_said(reader, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    reader.save("run")
    clips = {"one.wav": ["mid", "low"], "silence.wav": [], "two.wav": ["high"]}
    for name, tones in clips.items():
        soundfile.write(name, np.concatenate([sung(tones), np.zeros(800, np.float32)]), RATE)
    (folder / "new.csv").write_text("clip\n" + "".join(f"{name}\n" for name in clips))

    typed = json.loads(call(capsys, "predict", "run", *clips, "--timestamps", "--format", "json")[0])
    of_file = json.loads(call(capsys, "predict", "run", "--data", "new.csv", "--timestamps", "--format", "json")[0])

    assert [(row["value"], row["symbol"]) for row in typed] == [(name, tone) for name in clips for tone in clips[name]]
    assert [row["row"] for row in of_file] == [1, 1, 3]
    stamps = [stamp for row in reader.timestamps(list(clips)) for stamp in row]
    for row, other, stamp in zip(typed, of_file, stamps, strict=True):
        assert (row["symbol"], row["begin"], row["end"]) == (other["symbol"], other["begin"], other["end"]) == stamp
    assert call(capsys, "predict", "run", "silence.wav", "--timestamps", "--format", "jsonl")[0] == ""
    (folder / "text.wav").write_text("none")
    skipped = call(capsys, "predict", "run", "text.wav", "two.wav", "--timestamps", "--bad-rows", "skip")
    assert "1 bad row skipped" in skipped[1]
    for option, says in [
        ("--trace", "--timestamps must go with a transcript alone, got a trace"),
        ("--plot=x.png", "--timestamps must go with a transcript alone, got a picture"),
        ("--set=decode.beam=2", "--set must go with a target that is written, got time stamps"),
    ]:
        assert says in call(capsys, "predict", "run", "one.wav", "--timestamps", option, code=2)[1]


def test_batches_hold_clips_of_about_as_many_frames_whatever_their_texts(reader):
    from elman.data import BadRows, encode, from_memory, padding_share, parse
    from elman.data.order import shuffled

    samples = [0.1 * RANDOM.standard_normal(int(RATE * RANDOM.uniform(0.1, 1.0))) for _ in range(200)]
    table = {"clip": [(clip, RATE) for clip in samples], "words": [" ".join(song) for song in (SONGS + SONGS)[:200]]}
    examples = encode(parse(from_memory(table), reader.fields, BadRows()), reader.fields, BadRows())[1]

    frames = examples.inputs["clip"].lengths
    shares = [
        padding_share(frames, batches)
        for batches in (shuffled(examples.lengths, 16, 0, 0), np.split(np.arange(192), 12))
    ]
    assert shares[0] < 0.1 < 0.3 < shares[1]


def test_a_row_is_answered_alone_as_in_a_batch_whatever_stands_in_the_padding(reader):
    from elman.data import BadRows, encode, from_memory, parse
    from elman.inference import answer

    table = from_memory({name: column[:9] for name, column in SUNG.items()})
    examples = encode(parse(table, reader.fields, BadRows()), reader.fields, BadRows())[1]
    batch = examples.batch(np.arange(9))

    with torch.inference_mode():
        whole, spoiled = (
            (
                answer(reader.network, b)["words"].predictions,
                reader.network.losses(reader.network(b), b.targets)["words"],
            )
            for b in (batch, poisoned(batch))
        )
        alone = [row_of(batch, row) for row in range(9)]
        single = [answer(reader.network, row)["words"].predictions[0] for row in alone]
        losses = [reader.network.losses(reader.network(row), row.targets)["words"] for row in alone]

    assert whole[0] == spoiled[0] == single
    assert torch.equal(whole[1], spoiled[1])
    assert torch.allclose(whole[1], torch.cat(losses), rtol=1e-4, atol=1e-5)


def test_the_answer_of_a_wider_beam_is_no_less_likely(reader):
    field, head = reader.target, reader.network.heads[0]
    features, lengths = 3 * torch.randn(30, 12, head.in_features), torch.full((30,), 12)
    logs = field._logs(head, features, lengths)

    found = {beam: Transcript("words", beam=beam) for beam in (1, 2, 8)}
    likely = {}
    for beam, other in found.items():
        other.restore(field.learned())
        ids = [other.encode(text).tolist() if text else [] for text in other.answer_steps(head, features, lengths)[0]]
        likely[beam] = [log_likelihood(row, symbols) for row, symbols in zip(logs, ids, strict=True)]

    assert all(a <= b <= c for a, b, c in zip(*likely.values(), strict=True))
    assert likely[1] != likely[8]


def test_the_model_is_loaded_as_it_was_saved(reader, tmp_path):
    reader.save(tmp_path / "run")

    again = elman.load(tmp_path / "run")

    assert again.predict(SUNG["clip"][:5]).tolist() == reader.predict(SUNG["clip"][:5]).tolist()
    assert again.timestamps(SUNG["clip"][:2]) == reader.timestamps(SUNG["clip"][:2])


def test_a_text_with_more_symbols_than_steps_is_a_bad_row():
    table = {"load": [[1.0] * 4] * 12, "words": ["a b c d"] * 11 + ["a b b c"]}
    given = {"input": {"load": {"kind": "series"}}, "target": {"words": {"kind": "transcript"}}, "hidden": 2}

    with pytest.raises(DataError, match=r"row 12: column 'words' must fit into the 4 steps of 'load', got 5 that its"):
        elman.train(table, **given, epochs=1, quiet=True)
    model = elman.train(table, **given, epochs=1, quiet=True, bad_rows="skip")
    assert "1 bad row skipped" in model.skipped


@pytest.mark.parametrize(("level", "metric"), [("word", "wer"), ("character", "cer"), ("byte", "cer"), ("bpe", "wer")])
def test_symbols_of_every_level_are_read_back(level, metric):
    field = Transcript("words", level=level, max_vocabulary=300 if level == "bpe" else None)
    field.fit(["one two", "two three"])

    encoded = field.encode("three two")

    assert field.read(encoded.tolist()) == "three two"
    assert encoded.min() > 1
    assert field.metrics[0] == metric


def test_every_option_of_a_transcript_does_something():
    texts = ["Go go go", "stop, now", "go"]
    base = Transcript("words")
    base.fit(texts)
    for change in (
        {"lowercase": True},
        {"min_count": 2},
        {"max_vocabulary": 4},
        {"split": "space"},
        {"level": "character"},
    ):
        other = Transcript("words", **change)
        other.fit(texts)
        assert other.learned()["vocabulary"] != base.learned()["vocabulary"]
    assert Transcript("words", metrics=["cer"]).metrics == ("cer",)
    for wrong in ({"beam": 0}, {"min_count": 0}, {"metrics": ["accuracy"]}):
        with pytest.raises(ArgumentError):
            Transcript("words", **wrong)


def test_what_is_unknown_is_never_answered():
    field = Transcript("words", min_count=2, beam=1)
    field.fit(["a a b"])
    head = torch.nn.Linear(3, 3)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0.0, 9.0, 1.0]))

    assert field.answer_steps(head, torch.zeros(1, 4, 3), torch.tensor([4])) == (["a"], None)


def test_one_answer_a_row_and_what_has_no_steps_go_with_no_transcript():
    with pytest.raises(ConfigError, match="many-to-many where the target is transcript"):
        elman.train(SUNG, input={"clip": OPTIONS}, target={"words": {"kind": "transcript"}}, topology="many-to-one")
    table = {"x": [1.0, 2.0] * 20, "words": ["a", "b"] * 20}
    with pytest.raises(ConfigError, match="be a sequence where the target is transcript"):
        elman.train(table, input="x", target={"words": {"kind": "transcript"}})


def test_only_a_transcript_has_time_stamps(folder):
    model = elman.train(
        folder / "clips.csv",
        input={"clip": OPTIONS | {"root": str(folder)}},
        target="label",
        hidden=2,
        epochs=1,
        quiet=True,
    )
    with pytest.raises(ArgumentError, match="the target must be a transcript, got category"):
        model.timestamps([str(folder / "0.wav")])


def test_a_file_that_is_no_sound_is_named_with_its_place(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "7.wav").write_bytes(b"no sound")
    command = "train clips.csv --input clip --target label --set input.clip.kind=audio --epochs 1"
    monkeypatch.setattr(sys, "argv", ["elman", *shlex.split(command)])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: clips.csv:9: column 'clip' must be a file of sound, got")
    assert said.endswith("Fix the row or pass --bad-rows skip.")
