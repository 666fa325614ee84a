"""Sound: every file that is one is read, no other is; frames are Kaldi's; samples come back from magnitudes."""

import io

import kaldi_native_fbank
import numpy as np
import pytest
import soundfile

from elman.errors import ArgumentError, BadValueError, ConfigError, MissingExtraError
from elman.media.audio import (
    Filterbank,
    Framing,
    as_mono,
    draw_spectrogram,
    griffin_lim,
    log_mel,
    magnitude_from,
    mfcc,
    read_clip,
    resampled,
    samples_from,
    spectral_convergence,
    spectrum,
    write_wav,
)

RANDOM = np.random.default_rng(0)
RATES = [8000, 16000, 44100]


def voice(rate: int, seconds: float = 0.7) -> np.ndarray:
    """Something like a voice: a glide with overtones, louder and softer, over noise of a sixth of its loudness."""
    at = np.arange(int(rate * seconds)) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 60 * np.sin(7 * at)) / rate
    tone = sum(np.sin(k * pitch) / k for k in range(1, 20) if k * 180 < rate / 2)
    return (0.15 * tone * (1 + np.sin(11 * at)) + 0.02 * RANDOM.standard_normal(len(at))).astype(np.float32)


def bank_of(rate: int, bands: int = 23, window: float = 25.0, hop: float = 10.0, **edges: float) -> Filterbank:
    return Filterbank(Framing.of(rate, window, hop), bands, **edges)


def kaldi(samples: np.ndarray, bank: Filterbank, kind: str, low: float = 20.0, high: float = 0.0, count: int = 13):
    """What kaldi-native-fbank makes of the samples with the conventions that `log_mel` states."""
    options = kaldi_native_fbank.FbankOptions() if kind == "mel" else kaldi_native_fbank.MfccOptions()
    frames, framing = options.frame_opts, bank.framing
    frames.samp_freq, frames.dither, frames.preemph_coeff, frames.remove_dc_offset = framing.rate, 0, 0, False
    frames.frame_length_ms, frames.frame_shift_ms = (1000 * n / framing.rate for n in (framing.window, framing.hop))
    frames.window_type, frames.snip_edges = "hanning", False
    options.mel_opts.num_bins, options.mel_opts.low_freq, options.mel_opts.high_freq = bank.bands, low, high
    options.use_energy = False
    if kind == "mfcc":
        options.num_ceps = count
    made = (kaldi_native_fbank.OnlineFbank if kind == "mel" else kaldi_native_fbank.OnlineMfcc)(options)
    made.accept_waveform(framing.rate, samples.tolist())
    made.input_finished()
    return np.array([made.get_frame(index) for index in range(made.num_frames_ready)])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("bands", "window", "hop", "edges"),
    [(23, 25.0, 10.0, {}), (40, 32.0, 8.0, {"low": 0.0}), (15, 20.0, 20.0, {"low": 300.0, "high": 3400.0})],
    ids=str,
)
def test_mel_bands_are_those_of_the_published_implementation(rate, bands, window, hop, edges):
    samples, bank = voice(rate), bank_of(rate, bands, window, hop, **edges)

    ours = log_mel(samples, bank)

    theirs = kaldi(samples, bank, "mel", edges.get("low", 20.0), edges.get("high", 0.0))
    assert ours.shape == theirs.shape == (round(len(samples) / bank.framing.hop), bands)
    assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [1, 13, 23])
def test_cepstra_are_those_of_the_published_implementation(rate, count):
    samples, bank = voice(rate), bank_of(rate)

    ours = mfcc(log_mel(samples, bank), count)

    theirs = kaldi(samples, bank, "mfcc", count=count)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("count", [41, 79, 80, 119, 201])
def test_clips_of_any_length_are_mirrored_as_in_the_published_implementation(count):
    samples, bank = voice(8000)[:count], bank_of(8000)

    assert np.abs(log_mel(samples, bank) - kaldi(samples, bank, "mel")).max() < 1e-4


def test_silence_has_the_least_energy_and_a_clip_of_less_than_half_a_hop_no_frame():
    bank = bank_of(8000)

    assert np.unique(log_mel(np.zeros(8000, np.float32), bank)).tolist() == [np.float32(np.log(2**-23))]
    assert log_mel(np.zeros(39, np.float32), bank).shape == (0, 23)


def test_frames_of_a_long_clip_are_those_that_it_has_in_blocks(monkeypatch):
    samples, bank = voice(8000), bank_of(8000)
    whole = log_mel(samples, bank)

    monkeypatch.setattr("elman.media.audio.mel.BLOCK", 7)

    assert np.allclose(log_mel(samples, bank), whole, rtol=0, atol=1e-6)


def test_bands_and_frames_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match=r"each band must contain a frequency.*Lower size, or lengthen the window"):
        bank_of(8000, 128)
    with pytest.raises(ArgumentError, match="fmax must lie between 0 and 4000"):
        bank_of(8000, high=5000.0)
    with pytest.raises(ArgumentError, match="fmin must lie between 0 and 3000"):
        bank_of(8000, low=3500.0, high=3000.0)
    with pytest.raises(ArgumentError, match="the samples of a window must be at least 80"):
        Framing.of(8000, 5.0, 10.0)
    with pytest.raises(ArgumentError, match="the samples of a hop must be at least 1"):
        Framing.of(8000, 5.0, 0.1)


DEPTHS = [
    ("WAV", "PCM_U8", 8),
    ("WAV", "PCM_16", 16),
    ("WAV", "PCM_24", 24),
    ("WAV", "PCM_32", 32),
    ("WAV", "FLOAT", 24),
    ("WAV", "DOUBLE", 24),
    ("WAVEX", "PCM_24", 24),
    ("RF64", "PCM_16", 16),
    ("FLAC", "PCM_16", 16),
    ("FLAC", "PCM_24", 24),
    ("AIFF", "PCM_16", 16),
]


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize(("format", "depth", "bits"), DEPTHS)
def test_a_file_of_any_depth_and_channel_count_is_read_as_their_mean(format, depth, bits, channels, tmp_path):
    samples = np.stack([0.5 * voice(8000) / (1 + channel) for channel in range(channels)], 1)
    path = tmp_path / f"clip.{format.lower()}"
    soundfile.write(path, samples, 11025, depth, format=format)

    clip = read_clip(path)

    assert clip.rate == 11025
    assert clip.samples.dtype == np.float32
    assert np.abs(clip.samples - samples.mean(1)).max() < 2.0 ** (1 - bits) + 1e-7


@pytest.mark.parametrize(
    ("encoding", "far"),
    [("ULAW", 0.03), ("ALAW", 0.03), ("MS_ADPCM", 0.2), ("IMA_ADPCM", 0.2), ("G721_32", 0.2), ("GSM610", 0.3)],
)
def test_a_wav_file_of_any_encoding_is_read_about_as_it_was(encoding, far, tmp_path):
    samples = voice(8000)
    soundfile.write(tmp_path / "clip.wav", samples, 8000, encoding)

    clip = read_clip(tmp_path / "clip.wav")

    assert len(clip.samples) >= len(samples)
    assert np.abs(clip.samples[: len(samples)] - samples).mean() < far * np.abs(samples).mean()


@pytest.mark.parametrize("rate", [7, 999, 11025, 44056, 192_000, 655_350])
def test_a_file_of_any_rate_is_read(rate, tmp_path):
    soundfile.write(tmp_path / "clip.wav", voice(8000)[:999], rate)

    clip = read_clip(tmp_path / "clip.wav")

    assert (clip.rate, len(clip.samples)) == (rate, 999)
    assert len(resampled(clip, 8000).samples) == pytest.approx(999 * 8000 / rate, abs=1)


@pytest.mark.parametrize("ending", ["mp3", "ogg"])
def test_a_lossy_file_is_read_about_as_it_was(ending, tmp_path):
    samples = voice(16000)
    soundfile.write(tmp_path / f"clip.{ending}", samples, 16000)

    clip = read_clip(tmp_path / f"clip.{ending}")

    bank = bank_of(16000)
    far = log_mel(clip.samples[: len(samples)], bank) - log_mel(samples, bank)
    assert np.abs(far[3:-3, :20]).mean() < 0.3


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 8000), (8000, 16000), (11025, 8000)])
def test_a_tone_keeps_its_pitch_and_loudness_at_another_rate(rate, wanted):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32)

    clip = resampled(as_mono(tone, rate), wanted)

    assert (clip.rate, len(clip.samples)) == (wanted, wanted)
    again = np.sin(2 * np.pi * 1000 * np.arange(wanted) / wanted)
    assert np.abs(clip.samples - again)[wanted // 10 : -wanted // 10].max() < 1e-3


def test_what_lies_above_half_the_new_rate_is_gone_and_does_not_come_back_lower():
    tone = np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000).astype(np.float32)

    assert np.abs(resampled(as_mono(tone, 16000), 8000).samples[400:-400]).max() < 1e-4


def encoded(format: str, samples: np.ndarray, rate: int = 16000, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype)
    return file.getvalue()


SOUND = voice(16000, 2.0)
TAG = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 4]) + bytes(132)  # 132 is 1 times 128 and 4
BROKEN = {
    "no sound.wav": (b"this is a text and no sound at all", "be an audio file"),
    "no sound.mp3": (b"this is a text and no sound at all", "be an audio file"),
    "no sound.raw": (b"this is a text and no sound at all", "be an audio file"),
    "empty.wav": (b"", "be an audio file"),
    "nothing in it.wav": (encoded("WAV", SOUND[:0]), "hold sound, got 0 seconds"),
    "nothing in it.flac": (encoded("FLAC", SOUND[:0]), "be an audio file"),
    "cut off.mp3": (encoded("MP3", SOUND)[:-4000], "which is truncated"),
    "a tenth.mp3": (encoded("MP3", SOUND)[:1200], "which is truncated"),
    "a byte short.mp3": (encoded("MP3", SOUND)[:-1], "which is truncated"),
    "cut off after a tag.mp3": (TAG + encoded("MP3", SOUND)[:-9], "which is truncated"),
    "cut off.wav": (encoded("WAV", SOUND)[:-4000], "which is truncated"),
    "cut off.flac": (encoded("FLAC", SOUND)[:-4000], "must be a"),
    "cut off.aiff": (encoded("AIFF", SOUND)[:-4000], "which is truncated"),
    "cut off.ogg": (encoded("OGG", SOUND)[:-4000], "which is truncated"),
    "a byte short.ogg": (encoded("OGG", SOUND)[:-1], "which is truncated"),
    "cut off.opus": (encoded("OGG", SOUND, subtype="OPUS")[:-1000], "which is truncated"),
    "without its last page.ogg": (encoded("OGG", SOUND).rpartition(b"OggS")[0], "which is truncated"),
    "the head alone.mp3": (encoded("MP3", SOUND)[:100], "which is truncated"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_whole_sound_is_one_clear_error(name, tmp_path):
    content, says = BROKEN[name]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadValueError, match=says) as error:
        read_clip(tmp_path / name)

    assert len(str(error.value).splitlines()) == 1


def test_a_head_that_promises_more_than_memory_is_no_reason_to_crash(tmp_path):
    content = bytearray(encoded("FLAC", SOUND))
    content[21:26] = b"\xff" * 5  # samples in all: 36 bits, of which these are the last
    (tmp_path / "clip.flac").write_bytes(content)
    with pytest.raises(BadValueError, match=r"be an? (audio file that fits in memory|complete audio file), got '"):
        read_clip(tmp_path / "clip.flac")


def test_whole_files_are_not_taken_for_cut_off_ones(tmp_path):
    for format in ("WAV", "FLAC", "MP3", "OGG", "AIFF"):
        for count in (1, 999, 16001):
            (tmp_path / f"clip.{format.lower()}").write_bytes(encoded(format, SOUND[:count]))
            assert len(read_clip(tmp_path / f"clip.{format.lower()}").samples) >= count


@pytest.mark.parametrize(("format", "order"), [("WAV", "little"), ("AIFF", "big")])
@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF024])
def test_a_size_that_was_written_to_a_pipe_says_nothing(format, order, size, tmp_path):
    content = encoded(format, SOUND)
    (tmp_path / "clip").write_bytes(content[:4] + size.to_bytes(4, order) + content[8:])
    assert len(read_clip(tmp_path / "clip").samples) == len(SOUND)


@pytest.mark.parametrize("format", ["OGG", "MP3"])
def test_what_stands_behind_the_end_and_before_the_begin_does_no_harm(format, tmp_path):
    before = TAG if format == "MP3" else b""
    (tmp_path / "clip").write_bytes(before + encoded(format, SOUND) + b"TAG" + bytes(125))
    assert len(read_clip(tmp_path / "clip").samples) == len(SOUND)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(BadValueError, match=r"be an audio file, got .*: No such file or directory"):
        read_clip(tmp_path / "gone.wav")


def test_a_cut_off_mp3_is_refused_before_its_decoder_complains(tmp_path, capfd):
    (tmp_path / "clip.mp3").write_bytes(encoded("MP3", SOUND)[:-4000])
    with pytest.raises(BadValueError, match="which is truncated"):
        read_clip(tmp_path / "clip.mp3")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("samples", "rate", "says"),
    [
        (np.zeros(0), 8000, "hold sound, got 0 seconds"),
        (np.zeros(9), 0, "have a positive whole number as its sample rate"),
        (np.zeros(9), 8000.0, "have a positive whole number as its sample rate"),
        (np.zeros((9, 2, 2)), 8000, "hold samples"),
        (["a"], 8000, "hold samples"),
        ([[1], [1, 2]], 8000, "hold samples"),
        ([0.0, np.nan], 8000, "finite"),
        ([0.0, np.inf], 8000, "finite"),
    ],
    ids=str,
)
def test_samples_that_are_none_are_refused(samples, rate, says):
    with pytest.raises(BadValueError, match=says):
        as_mono(samples, rate)


def test_whole_numbers_are_shares_of_full_scale():
    for kind in (np.int16, np.int32, np.uint8):
        info = np.iinfo(kind)
        found = as_mono(np.array([info.min, info.max], kind), 8000).samples
        assert found.tolist() == pytest.approx([-1, 1], abs=0.01)


def test_a_missing_package_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[audio\]'"):
        read_clip(tmp_path / "clip.wav")
    monkeypatch.setitem(__import__("sys").modules, "soxr", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[audio\]'"):
        resampled(as_mono(np.zeros(9), 8000), 16000)


@pytest.mark.parametrize(("window", "hop"), [(25.0, 10.0), (32.0, 8.0), (20.0, 10.0), (25.0, 7.0)])
def test_samples_come_back_from_their_spectra(window, hop):
    samples, framing = voice(8000), Framing.of(8000, window, hop)

    again = samples_from(spectrum(samples, framing), framing)

    whole = min(len(samples), len(again)) - framing.window
    assert np.abs(again[:whole] - samples[:whole]).max() < 1e-6


@pytest.mark.parametrize(("window", "hop"), [(25.0, 10.0), (32.0, 8.0)])
@pytest.mark.parametrize("rate", RATES)
def test_griffin_lim_comes_as_near_to_magnitudes_as_is_stated_and_is_the_same_each_time(rate, window, hop):
    samples, framing = voice(rate), Framing.of(rate, window, hop)
    wanted = np.abs(spectrum(samples, framing))

    found = griffin_lim(wanted, framing)

    assert spectral_convergence(wanted, found, framing) < 0.075
    assert np.array_equal(found, griffin_lim(wanted, framing))


def test_more_rounds_come_nearer(monkeypatch):
    samples, framing = voice(8000), Framing.of(8000, 32.0, 8.0)
    wanted, far = np.abs(spectrum(samples, framing)), []
    for rounds in (1, 8, 60):
        monkeypatch.setattr("elman.media.audio.phases.ROUNDS", rounds)
        far.append(spectral_convergence(wanted, griffin_lim(wanted, framing), framing))
    assert far == sorted(far, reverse=True)


def test_what_is_heard_again_has_the_bands_that_it_was_made_from():
    samples, bank = voice(8000), bank_of(8000, 40, 32.0, 8.0)
    mel = log_mel(samples, bank)

    magnitude = magnitude_from(mel, bank)
    again = log_mel(griffin_lim(magnitude, bank.framing), bank)

    assert magnitude.min() >= 0
    energy = np.exp(mel)
    assert np.abs(magnitude**2 @ bank.weights.T - energy).sum() < 0.01 * energy.sum()
    assert np.abs(again - mel).mean() < 0.5  # of a natural logarithm: 2 dB


def test_a_wav_file_holds_the_samples_and_loud_ones_are_not_cut(tmp_path):
    samples = voice(8000)
    write_wav(tmp_path / "soft.wav", samples, 8000)
    write_wav(tmp_path / "loud.wav", 9 * samples, 8000)

    soft, loud = read_clip(tmp_path / "soft.wav"), read_clip(tmp_path / "loud.wav")

    assert soft.rate == 8000
    assert np.abs(soft.samples - samples).max() < 1e-4
    assert np.abs(loud.samples - samples / np.abs(samples).max()).max() < 1e-4


def test_a_spectrogram_is_a_picture():
    bank = bank_of(8000)

    assert draw_spectrogram(log_mel(voice(8000), bank), bank, "a voice").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("samples", "says"), [([16384, 0], "whole numbers of at most 32 bits"), ([1e300, 0.0], "hold finite samples")]
)
def test_samples_whose_loudness_is_not_known_are_refused(samples, says):
    with pytest.raises(BadValueError, match=says):
        as_mono(samples, 8000)
