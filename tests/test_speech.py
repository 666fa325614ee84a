"""Sound as a target: a distribution that is one, frames that come back as they were, clips that are sung and end."""

import shlex
import sys

import numpy as np
import pytest
import torch

import elman
from elman.cli import app as cli
from elman.decoding import laplace
from elman.errors import ArgumentError, ConfigError
from elman.fields import Audio
from elman.heads import HEADS
from elman.layers.speech import LaplaceHead, PreNet, laplace_loss
from elman.media.audio import read_clip

RATE = 8000
PITCHES = {"low": (300, 0.16), "mid": (900, 0.24), "high": (2500, 0.32)}  # Hz and seconds
RANDOM = np.random.default_rng(0)
OPTIONS = {"kind": "audio", "rate": RATE, "size": 20, "window": 32.0, "hop": 8.0, "stack": 2}


def sung(name: str) -> tuple[np.ndarray, int]:
    pitch, seconds = PITCHES[name]
    at = np.arange(int(RATE * seconds)) / RATE
    loudness = 0.3 * (1 - at / seconds)  # what ends is heard to do so
    return (loudness * np.sin(2 * np.pi * pitch * at) + 0.01 * RANDOM.standard_normal(len(at))).astype(np.float32), RATE


NAMES = list(PITCHES) * 20
TABLE = {"name": NAMES, "clip": [sung(name) for name in NAMES]}


def fitted(generated: bool = True, **options: object) -> Audio:
    field = Audio("clip", generated, **{key: value for key, value in (OPTIONS | options).items() if key != "kind"})
    field.fit([field.parse(clip) for clip in TABLE["clip"][:12]])
    return field


@pytest.fixture(scope="module")
def singer() -> elman.Model:
    """A network that sings a tone by its name."""
    return elman.train(
        TABLE,
        input={"name": {"kind": "category"}},
        target={"clip": OPTIONS | {"dropout": 0.2}},
        cell="gru",
        hidden=32,
        epochs=60,
        quiet=True,
        train={"lr": 0.01, "batch": 6, "patience": 0},
        model={"dropout": 0.0, "scheduled_sampling": 0.3},
    )


def test_the_loss_is_that_of_a_distribution_and_of_the_stop():
    output, target = torch.randn(9, 7), torch.cat([torch.randn(9, 3), torch.randint(0, 2, (9, 1)).float()], 1)

    numbers = torch.distributions.Laplace(output[:, :3], output[:, 4:].exp()).log_prob(target[:, :3]).sum(1)
    stop = torch.distributions.Bernoulli(logits=output[:, 3]).log_prob(target[:, 3])

    assert torch.allclose(laplace_loss(output, target), -(numbers + stop), atol=1e-5)


def test_the_distribution_of_a_number_adds_up_to_one():
    at = torch.linspace(-60, 60, 240_001, dtype=torch.float64)[:, None]
    output = torch.tensor([[0.7, 0.0, 0.5]], dtype=torch.float64).expand(len(at), -1)
    stops = [torch.cat([at, torch.full_like(at, stop)], 1) for stop in (0.0, 1.0)]

    whole = sum((-laplace_loss(output, target)).exp().sum() * 120 / 240_000 for target in stops)

    assert whole.item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_a_frame_is_sampled_by_the_inverse_distribution_function(temperature):
    output, uniform = torch.randn(50, 9, dtype=torch.float64), torch.rand(50, 4, dtype=torch.float64)

    sampled = torch.from_numpy(laplace.sample(output.numpy(), uniform.numpy(), temperature))

    width = temperature * output[:, 5:].exp()
    assert torch.allclose(sampled, torch.distributions.Laplace(output[:, :4], width).icdf(uniform))


def test_the_width_of_a_number_is_the_same_in_all_rows_and_learned():
    head = LaplaceHead(5, 3)
    output = head(torch.randn(4, 5))
    laplace_loss(output, torch.zeros(4, 4)).sum().backward()

    assert output.shape == (4, 7)
    assert torch.equal(output[:, 4:], head.log_width.expand(4, -1))
    assert head.log_width.grad.abs().min() > 0


def test_what_is_fed_back_loses_parts_in_training_alone():
    net = PreNet(6, 16, 0.5)
    x = torch.randn(3, 7, 6)

    assert (net(x) == 0).float().mean() > 0.6
    assert torch.equal(net.eval()(x), net(x))
    with pytest.raises(ArgumentError, match="dropout must be a fraction, at least 0 and below 1"):
        PreNet(6, 16, 1.5)


def test_a_clip_comes_back_from_what_it_is_encoded_to_and_its_last_step_is_marked():
    field = fitted()
    value = field.parse(TABLE["clip"][0])

    encoded = field.encode(value)

    assert encoded.shape == (-(-len(value) // 2), 41)
    assert encoded[:, -1].tolist() == [0.0] * (len(encoded) - 1) + [1.0]
    assert np.array_equal(encoded[:, :-1], fitted(generated=False).encode(value))
    for steps in (encoded, field.encode_prompt(value)):
        assert np.allclose(field.decode_sequence(steps)[: len(value)], value, atol=1e-4)
    assert HEADS["audio"](field, 5).fed_back(torch.from_numpy(encoded)).shape[1] == field.size == 40
    assert field.names()[0].endswith(" Hz")


def test_sound_from_bands_has_these_bands():
    field = fitted()
    value = field.parse(TABLE["clip"][1])

    samples, rate = field.as_cell(value)
    again = field.parse((samples, rate))

    assert (len(samples), rate) == (len(value) * 64, RATE)
    loud = value > value.max() - 4
    assert np.abs(again[loud] - value[loud]).mean() < 0.5


def test_a_network_sings_each_tone_as_long_and_as_high_as_it_is(singer, tmp_path):
    assert singer.config.model["topology"] == "one-to-many"

    for name, [mel] in zip(PITCHES, singer.generate(values=list(PITCHES), beam=1), strict=True):
        pitch, seconds = PITCHES[name]
        files = singer.target.save_artifacts(mel, tmp_path / name)
        clip = read_clip(tmp_path / f"{name}.wav")
        loudest = np.abs(np.fft.rfft(clip.samples, 1 << 14)).argmax() * RATE / (1 << 14)
        assert [file.name for file in files] == [f"{name}.wav", f"{name}.png"]
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert len(clip.samples) / RATE == pytest.approx(seconds, rel=0.34)
        assert loudest == pytest.approx(pitch, abs=150)


def test_a_clip_is_sampled_from_its_seed_nearer_to_the_likeliest_at_a_lower_temperature(singer):
    likeliest = singer.generate(values=["mid"], beam=1)[0][0]

    def far(temperature: float, seed: int) -> float:
        drawn = singer.generate(values=["mid"], temperature=temperature, seed=seed, max_length=15)[0][0]
        steps = min(len(drawn), len(likeliest), 6)
        return float(np.abs(drawn[:steps] - likeliest[:steps]).mean())

    assert far(1.0, 1) == far(1.0, 1) != far(1.0, 2)
    assert far(0.1, 1) < far(1.0, 1)


def test_the_dropout_of_what_is_fed_back_changes_what_is_trained():
    def weights(**options: object) -> torch.Tensor:
        few = {name: column[:12] for name, column in TABLE.items()}
        model = elman.train(few, input={"name": {"kind": "category"}}, target={"clip": OPTIONS | options}, hidden=4,
                            epochs=1, quiet=True)  # fmt: skip
        return model.network.heads[0].laplace.weight

    assert not torch.equal(weights(), weights(dropout=0.1))


def test_attention_names_the_time_of_each_step_that_was_generated():
    few = {"spelled": [" ".join(name) for name in NAMES[:12]], "clip": TABLE["clip"][:12]}
    model = elman.train(few, input={"spelled": {"kind": "text", "split": "space"}}, target={"clip": OPTIONS}, hidden=4,
                        epochs=1, quiet=True, model={"attention": "dot"})  # fmt: skip

    source, generated, weights = model.attention("h i g h", max_length=3, min_length=3)

    assert source == list("high")
    assert generated == ["0.00 s", "0.02 s", "0.03 s"]  # of 16 ms
    assert weights.shape == (3, 4)


def test_a_clip_is_written_to_files_from_the_command_line(singer, tmp_path, monkeypatch):
    singer.save(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["elman", *shlex.split("generate run high --out song")])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == 0
    assert read_clip("song.wav").rate == RATE
    assert (tmp_path / "song.png").exists()


def test_what_is_no_sound_or_is_hidden_is_not_generated():
    for options in ({"features": "mfcc"}, {"normalize": "clip"}, {"time_mask": 3}, {"frequency_mask": 3}):
        with pytest.raises(ConfigError, match=f"got '{next(iter(options))}'"):
            elman.train(TABLE, input="name", target={"clip": OPTIONS | options}, quiet=True)
        with pytest.raises(ConfigError, match="a clip must be heard and seen where it is generated"):
            elman.train(TABLE, input={"clip": OPTIONS | {"size": 13} | options}, quiet=True)
    with pytest.raises(ConfigError, match="got 'dropout'"):
        elman.train(TABLE, input={"clip": OPTIONS | {"dropout": 0.1}}, target="name", quiet=True)


def test_a_clip_is_continued(tmp_path):
    model = elman.train({"clip": TABLE["clip"][:12]}, input={"clip": OPTIONS}, hidden=4, epochs=1, quiet=True)

    assert model.config.model["topology"] == "next-step"
    [[mel]] = model.generate([TABLE["clip"][0]], beam=1, max_length=3, min_length=3)
    whole = model.target.parse(TABLE["clip"][0])
    assert np.allclose(mel[: len(whole)], whole, atol=1e-4)
    assert len(mel) == 2 * (-(-len(whole) // 2) + 3)
