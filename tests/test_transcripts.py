"""Transcripts: texts found along clips, with the moments at which they are said."""

import json

import numpy as np
import pytest
import soundfile
import torch
from networks import poisoned, row_of
from tones import OPTIONS, RANDOM, RATE, SONGS, SUNG, sung, tone

import elman
from elman.decoding.ctc import log_likelihood
from elman.errors import ArgumentError, ConfigError, DataError
from elman.fields import StepScores, Transcript
from tests.verbs import call


@pytest.fixture(scope="module")
def reader():
    """A network that transcribes which tones are sung."""
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


def test_the_verb_prints_when_each_symbol_was_said(reader, clips_folder, monkeypatch, capsys):
    monkeypatch.chdir(clips_folder)
    reader.save("run")
    clips = {"one.wav": ["mid", "low"], "silence.wav": [], "two.wav": ["high"]}
    for name, tones in clips.items():
        soundfile.write(name, np.concatenate([sung(tones), np.zeros(800, np.float32)]), RATE)
    (clips_folder / "new.csv").write_text("clip\n" + "".join(f"{name}\n" for name in clips))

    typed = json.loads(call(capsys, "predict", "run", *clips, "--timestamps", "--format", "json")[0])
    of_file = json.loads(call(capsys, "predict", "run", "--data", "new.csv", "--timestamps", "--format", "json")[0])

    assert [(row["value"], row["symbol"]) for row in typed] == [(name, tone) for name in clips for tone in clips[name]]
    assert [row["row"] for row in of_file] == [1, 1, 3]
    stamps = [stamp for row in reader.timestamps(list(clips)) for stamp in row]
    for row, other, stamp in zip(typed, of_file, stamps, strict=True):
        assert (row["symbol"], row["begin"], row["end"]) == (other["symbol"], other["begin"], other["end"]) == stamp
    assert call(capsys, "predict", "run", "silence.wav", "--timestamps", "--format", "jsonl")[0] == ""
    (clips_folder / "text.wav").write_text("none")
    skipped = call(capsys, "predict", "run", "text.wav", "two.wav", "--timestamps", "--bad-rows", "skip")
    assert "1 bad row skipped" in skipped[1]
    for option, says in [
        ("--trace", "--timestamps must go with a transcript alone, got a trace"),
        ("--plot=x.png", "--timestamps must go with a transcript alone, got a picture"),
        ("--set=decode.beam=2", "--set must go with a target that is generated, got time stamps"),
    ]:
        assert says in call(capsys, "predict", "run", "one.wav", "--timestamps", option, code=2)[1]


def test_batches_hold_clips_of_about_as_many_frames_whatever_their_texts(reader):
    from elman.data import BadRows, encode, from_memory, padding_fraction, parse
    from elman.data.order import shuffled

    samples = [0.1 * RANDOM.standard_normal(int(RATE * RANDOM.uniform(0.1, 1.0))) for _ in range(200)]
    table = {"clip": [(clip, RATE) for clip in samples], "words": [" ".join(song) for song in (SONGS + SONGS)[:200]]}
    examples = encode(parse(from_memory(table), reader.fields, BadRows()), reader.fields, BadRows())[1]

    frames = examples.inputs["clip"].lengths
    shares = [
        padding_fraction(frames, batches)
        for batches in (shuffled(examples.lengths, 16, 0, 0), np.split(np.arange(192), 12))
    ]
    assert shares[0] < 0.1 < 0.3 < shares[1]


def losses_of(network, batch):
    """Of each row."""
    return network.losses(network(batch), network.tensors(batch).targets)["words"]


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
                losses_of(reader.network, b),
            )
            for b in (batch, poisoned(batch))
        )
        alone = [row_of(batch, row) for row in range(9)]
        single = [answer(reader.network, row)["words"].predictions[0] for row in alone]
        losses = [losses_of(reader.network, row) for row in alone]

    assert whole[0] == spoiled[0] == single
    assert torch.equal(whole[1], spoiled[1])
    assert torch.allclose(whole[1], torch.cat(losses), rtol=1e-4, atol=1e-5)


def test_the_answer_of_a_wider_beam_is_no_less_likely(reader):
    field, head = reader.target, reader.network.heads[0]
    features, lengths = 3 * torch.randn(30, 12, head.linear.in_features), torch.full((30,), 12)
    scores = head.scores(features, lengths)
    logs = field._log_probabilities(scores)

    found = {beam: Transcript("words", beam=beam) for beam in (1, 2, 8)}
    likely = {}
    for beam, other in found.items():
        other.restore(field.learned())
        ids = [other.encode(text).tolist() if text else [] for text in other.decode_steps(scores)[0]]
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


@pytest.mark.parametrize(
    ("tokenizer", "metric"), [("word", "wer"), ("character", "cer"), ("byte", "cer"), ("bpe", "wer")]
)
def test_symbols_of_every_tokenizer_are_read_back(tokenizer, metric):
    field = Transcript("words", tokenizer=tokenizer, max_vocabulary=300 if tokenizer == "bpe" else None)
    field.fit(["one two", "two three"])

    encoded = field.encode("three two")

    assert field.decode_sequence(encoded.tolist()) == "three two"
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
        {"tokenizer": "character"},
    ):
        other = Transcript("words", **change)
        other.fit(texts)
        assert other.learned()["vocabulary"] != base.learned()["vocabulary"]
    assert Transcript("words", metrics=["cer"]).metrics == ("cer",)
    for wrong in ({"beam": 0}, {"min_count": 0}, {"metrics": ["accuracy"]}):
        with pytest.raises(ArgumentError):
            Transcript("words", **wrong)


def test_what_is_unknown_is_never_predicted():
    field = Transcript("words", min_count=2, beam=1)
    field.fit(["a a b"])
    scores = np.tile(np.array([0.0, 9.0, 1.0], np.float32), (1, 4, 1))

    assert field.decode_steps(StepScores(scores, np.array([4]))) == (["a"], None)


def test_one_answer_a_row_and_what_has_no_steps_go_with_no_transcript():
    with pytest.raises(ConfigError, match="many-to-many where the target is transcript"):
        elman.train(SUNG, input={"clip": OPTIONS}, target={"words": {"kind": "transcript"}}, topology="many-to-one")
    table = {"x": [1.0, 2.0] * 20, "words": ["a", "b"] * 20}
    with pytest.raises(ConfigError, match="be a sequence where the target is transcript"):
        elman.train(table, input="x", target={"words": {"kind": "transcript"}})


def test_only_a_transcript_has_time_stamps(clips_folder):
    model = elman.train(
        clips_folder / "clips.csv",
        input={"clip": OPTIONS | {"root": str(clips_folder)}},
        target="label",
        hidden=2,
        epochs=1,
        quiet=True,
    )
    with pytest.raises(ArgumentError, match="the target must be a transcript, got category"):
        model.timestamps([str(clips_folder / "0.wav")])
