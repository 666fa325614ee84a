"""Pictures: files of any mode and arrays become the same numbers, bad ones are named, a network tells them apart."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import GREY_8, QUARTERS, bright, gallery, saved
from PIL import Image as Pillow
from verbs import call

import elman
from elman.encoders import ENCODERS
from elman.errors import BadValueError, ConfigError, ElmanError, IntegrityError, MissingExtraError
from elman.fields import Image
from elman.layers import PictureEncoder

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def field(channels: int = 1, size: object = (6, 9), **options: object) -> Image:
    return Image("p", size=list(size) if isinstance(size, tuple) else size, channels=channels, **options)


@pytest.mark.parametrize("ending", ["png", "bmp", "PNG"])
def test_a_file_has_the_pixels_that_were_written(ending, tmp_path):
    grey, colour = (saved(tmp_path / f"{name}.{ending}", array) for name, array in (("g", GREY), ("c", COLOUR)))

    np.testing.assert_array_equal(field().parse(grey)[:, :, 0], GREY)
    np.testing.assert_array_equal(field(3).parse(colour), COLOUR)
    np.testing.assert_array_equal(field(3).parse(grey), np.stack([GREY] * 3, 2))
    np.testing.assert_array_equal(field(4).parse(colour)[:, :, :3], COLOUR)
    assert (field(4).parse(colour)[:, :, 3] == 255).all()
    assert (field(2).parse(grey)[:, :, 1] == 255).all()


def test_files_of_every_mode_are_read(tmp_path):
    for mode, ending in [("1", "png"), ("P", "png"), ("CMYK", "jpg"), ("RGB", "jpeg"), ("LA", "png")]:
        name = saved(tmp_path / f"{mode}.{ending}", COLOUR, mode)
        for channels in (1, 2, 3, 4):
            assert field(channels).parse(name).shape == (6, 9, channels)


def test_sixteen_bits_are_read_on_the_scale_of_eight(tmp_path):
    name = saved(tmp_path / "deep.png", GREY.astype(np.uint16) * 257 + 3)

    found = field().parse(name)

    np.testing.assert_allclose(found[:, :, 0], GREY, atol=0.02)
    assert [field(n).parse(name).shape[2] for n in (2, 3, 4)] == [2, 3, 4]
    np.testing.assert_array_equal(field(3).parse(name)[:, :, 2], found[:, :, 0])
    assert (field(4).parse(name)[:, :, 3] == 255).all()


def test_what_shines_through_lies_on_white(tmp_path):
    array = np.zeros((6, 9, 4), np.uint8)
    array[:3, :, 3] = 255  # black above, nothing below
    name = saved(tmp_path / "half.png", array)

    for channels in (1, 3):
        found = field(channels).parse(name)
        assert (found[:3] == 0).all()
        assert (found[3:] == 255).all()
    np.testing.assert_array_equal(field(4).parse(name), array)


def test_a_picture_stands_as_the_camera_says(tmp_path):
    turned = Pillow.Exif()
    turned[0x0112] = 6  # a quarter to the left
    name = saved(tmp_path / "t.png", np.rot90(GREY).copy(), exif=turned)

    np.testing.assert_array_equal(field().parse(name)[:, :, 0], GREY)


def test_pictures_are_resized_whatever_they_come_as(tmp_path):
    large = np.kron(GREY, np.ones((4, 4), np.uint8))
    name = saved(tmp_path / "l.png", large)

    file, array = field().parse(name)[:, :, 0], field().parse(large)[:, :, 0]

    assert file.shape == array.shape == (6, 9)
    np.testing.assert_allclose(file, array, atol=1)
    assert np.corrcoef(file.ravel(), GREY.ravel())[0, 1] > 0.9
    tall = field(size="12x9").parse(name)
    assert tall.shape == (12, 9, 1)


@pytest.mark.parametrize("raw", [GREY, GREY.tolist(), GREY[:, :, None], GREY.astype(np.float64), list(GREY)],
                         ids=["uint8", "lists", "one channel", "float64", "rows"])  # fmt: skip
def test_an_array_is_a_picture(raw):
    np.testing.assert_array_equal(field().parse(raw)[:, :, 0], GREY)
    np.testing.assert_array_equal(field(3).parse(raw), np.stack([GREY] * 3, 2))


def test_channels_are_scaled_by_the_training_split_alone_and_restored():
    pictures = [RANDOM.normal((0, 50, -7), (1, 20, 3), (6, 9, 3)) for _ in range(5)]
    fitted = field(3, features=5)
    values = [fitted.parse(picture) for picture in pictures]
    fitted.fit(values)
    again = field(3, features=5)
    again.restore(json.loads(json.dumps(fitted.learned())))

    encoded = np.stack([fitted.encode(value) for value in values])

    assert encoded.dtype == np.float32
    assert encoded.shape == (5, 3, 6, 9)
    np.testing.assert_allclose(encoded.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(encoded.std((0, 2, 3)), 1, atol=1e-5)
    np.testing.assert_array_equal(again.encode(values[0]), encoded[0])
    assert again.describe() == fitted.describe()


def test_a_channel_that_never_changes_becomes_zeros():
    fitted = field()
    fitted.fit([fitted.parse(np.full((6, 9), 7))])
    assert (fitted.encode(fitted.parse(np.full((6, 9), 7))) == 0).all()


def test_pictures_are_kept_whole(tmp_path):
    import pyarrow as pa

    one = field(3)
    values = [one.parse(saved(tmp_path / "c.png", COLOUR)), one.parse(RANDOM.normal(size=(6, 9, 3)))]
    array = pa.array([one.pack(value) for value in values], one.storage)

    for stored in ([one.unpack(value) for value in array], one.unpack_column(array)):
        for found, value in zip(stored, values, strict=True):
            np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_that_is_kept_is_read_back(channels, tmp_path):
    one, value = field(channels), RANDOM.integers(0, 256, (6, 9, channels), dtype=np.uint8)

    (path,) = one.save_artifacts(value, tmp_path / "a.b")

    assert path == tmp_path / "a.b.png"
    np.testing.assert_array_equal(one.parse(path), value)
    one.save_artifacts(value.astype(np.float32) * 100 - 300, tmp_path / "a.b")  # other numbers are stretched
    wide = one.parse(path).astype(int)
    assert (wide.min(), wide.max()) == (0, 255)
    assert np.corrcoef(wide.ravel(), value.ravel())[0, 1] > 0.999


BAD = {
    "no file": ("gone.png", "be the path of a file that is there, got 'gone.png'"),
    "no path": (7.5, r"be a picture, \(H, W\) or \(H, W, C\), got shape \(\)"),
    "empty cell": (" ", "be the path of a file, got ' '"),
    "no byte": ("nothing.png", "be a picture, got 'nothing.png', which is empty"),
    "a text": ("text.jpg", "be a picture, got 'text.jpg', which is not one"),
    "cut off": ("cut.png", "be a complete picture, got 'cut.png', "),
    "a trap": ("bomb.png", "be a picture of at most 1,000 pixels, got more in 'bomb.png'"),
    "a larger trap": ("bombs.png", "be a picture of at most 1,000 pixels, got more in 'bombs.png'"),
    "ragged": ([[1, 2], [3]], "be the path of a picture, or an array of its pixels"),
    "no pixels": (np.zeros((0, 4)), "be a picture"),
    "not finite": ([[1.0, float("nan")]], "hold finite numbers"),
    "channels": (np.zeros((6, 9, 2)), r"have 1 channel, \(H, W, 1\), got shape \(6, 9, 2\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_picture_is_one_clear_error(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("nothing.png").touch()
    Path("text.jpg").write_text("dear diary")
    saved(Path("whole.png"), RANDOM.integers(0, 256, (40, 40), dtype=np.uint8))
    Path("cut.png").write_bytes(Path("whole.png").read_bytes()[:900])
    saved(Path("bomb.png"), np.zeros((40, 40), np.uint8))
    saved(Path("bombs.png"), np.zeros((400, 400), np.uint8))
    if "bomb" in str(BAD[case][0]):
        monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)
    raw, says = BAD[case]

    with pytest.raises(BadValueError, match=says):
        field().parse(raw)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "28"}, "size must be height x width"),
        ({"size": [28, 28, 1]}, "size must be height x width"),
        ({"size": "0x3"}, "a side of size must lie between 1 and 1024"),
        ({"size": [3, 5000]}, "a side of size must lie between 1 and 1024"),
        ({"channels": 5}, "channels must lie between 1 and 4"),
        ({"features": 0}, "features must lie between 1 and"),
        ({"dropout": 2.0}, "dropout must be a fraction, at least 0 and below 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, says):
    with pytest.raises(ElmanError, match=says):
        Image("p", **options)


def test_without_pillow_the_extra_is_named(monkeypatch, tmp_path):
    name = saved(tmp_path / "g.png", GREY)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"elman\[image\]"):
        field().parse(name)
    assert field().parse(GREY).shape == (6, 9, 1)  # an array of the right size needs none


def convolved(x: np.ndarray, conv: torch.nn.Conv2d) -> np.ndarray:
    """(C, H, W) -> (K, H, W), by the definition."""
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    wider = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wider, (3, 3), axis=(1, 2))
    return np.einsum("chwij,kcij->khw", windows, weight) + bias[:, None, None]


def pooled(x: np.ndarray) -> np.ndarray:
    channels, height, width = x.shape
    out = np.empty((channels, -(-height // 2), -(-width // 2)))
    for i, j in np.ndindex(out.shape[1:]):
        out[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max((1, 2))
    return out


@pytest.mark.parametrize(("height", "width", "blocks"), [(5, 7, 2), (1, 3, 2), (15, 40, 2), (16, 17, 3)])
def test_the_encoder_is_its_equations(height, width, blocks):
    torch.manual_seed(0)
    encoder, picture = PictureEncoder(2, height, width, 4), RANDOM.normal(size=(2, height, width))
    convolutions = [layer for layer in encoder.blocks if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [16, 32, 64][:blocks]

    x = picture
    for layer in convolutions:
        x = pooled(np.maximum(convolved(x, layer), 0))
    expected = np.maximum(encoder.join.weight.detach().numpy() @ x.ravel() + encoder.join.bias.detach().numpy(), 0)
    batch = torch.from_numpy(np.stack([picture, picture * 2])).float()

    np.testing.assert_allclose(encoder(batch)[0].detach().numpy(), expected, atol=1e-5)
    torch.testing.assert_close(encoder(batch[1:])[0], encoder(batch)[1], rtol=0, atol=1e-6)
    with pytest.raises(ElmanError, match="x must have shape"):
        encoder(batch[:, :1])


def test_a_network_predicts_and_generates_what_it_sees(tmp_path, monkeypatch, capsys):
    gallery(tmp_path)
    monkeypatch.chdir(tmp_path)
    predicts = elman.train("table.csv", input=GREY_8, target="side", epochs=6, quiet=True, train={"batch": 8})
    generates = elman.train("table.csv", input=GREY_8, hidden=16, epochs=20, out="run", quiet=True, train={"batch": 4},
                            target={"where": {"kind": "text", "min_count": 1}})  # fmt: skip

    new = [bright(quarter) for quarter in range(4)]
    assert predicts.config.model["topology"] == "one-to-one"
    assert predicts.predict(new).tolist() == [quarter.split()[1] for quarter in QUARTERS]
    assert [step.prediction for step in predicts.trace(new[1])] == ["right"]
    assert generates.config.model["topology"] == "one-to-many"
    assert generates.predict(new, max_length=4, temperature=None).tolist() == [
        f"{quarter} side" for quarter in QUARTERS
    ]
    assert elman.load("run").predict(new).tolist() == generates.predict(new).tolist()
    for condition in ("state", "step"):
        one = elman.train("table.csv", input=GREY_8, hidden=4, epochs=1, quiet=True, model={"condition": condition},
                          target={"where": {"kind": "text", "min_count": 1}})  # fmt: skip
        assert len(one.predict(new)) == 4


def test_a_picture_conditions_a_sequence_that_is_read():
    rows = {"p": [bright(at % 4) for at in range(24)], "x": [[1.0, 2.0, at] for at in range(24)], "y": ["a", "b"] * 12}
    image = {"kind": "image", "size": "8x8", "channels": 1, "features": 3}
    for condition in ("step", "state", "end"):
        model = elman.train(rows, input={"p": image, "x": {"kind": "series"}}, target="y", hidden=4, epochs=1,
                            quiet=True, model={"condition": condition})  # fmt: skip
        assert model.config.model["topology"] == "many-to-one"
        alone = [model.predict_proba({key: value[row : row + 1] for key, value in rows.items()})[0] for row in (0, 5)]
        np.testing.assert_allclose(model.predict_proba(rows)[[0, 5]], alone, atol=1e-6)


def test_dropout_sets_parts_of_the_vector_to_zero_and_only_while_training():
    encoder, picture = ENCODERS["image"](field(dropout=1 - 1e-9, features=8)), torch.ones(1, 1, 6, 9)

    assert not encoder.train()(picture).any()
    assert encoder.eval()(picture).any()


@pytest.mark.parametrize("options", [{"size": "9x8"}, {"channels": 3}, {"features": 17}])
def test_an_option_changes_the_network(options, tmp_path):
    gallery(tmp_path)
    base, other = (
        elman.train(tmp_path / "table.csv", input={"file": GREY_8["file"] | given}, target="side", epochs=1, quiet=True)
        for given in ({}, options)
    )
    shapes, others = ([p.shape for p in model.network.parameters()] for model in (base, other))
    assert shapes != others


@pytest.mark.usefixtures("own_cache")
def test_a_source_on_disk_trains_to_the_same_weights(tmp_path):
    rows = [json.dumps({"p": bright(at % 4).tolist(), "side": "lr"[at % 2]}) for at in range(40)]
    (tmp_path / "arrays.jsonl").write_text("\n".join(rows) + "\n")
    options = {"input": {"p": GREY_8["file"]}, "target": "side", "epochs": 2, "quiet": True, "train": {"batch": 8}}

    whole, pieces = (elman.train(tmp_path / "arrays.jsonl", data=data, **options) for data in ({}, {"in_memory": 0.0}))

    assert list((tmp_path / "cache").rglob("rows.arrow"))
    for ours, theirs in zip(whole.network.parameters(), pieces.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.usefixtures("own_cache")
def test_other_pictures_of_the_same_names_are_read_anew(tmp_path):
    gallery(tmp_path)
    options = {"input": GREY_8, "target": "side", "epochs": 1, "quiet": True, "data": {"in_memory": 0.0}}
    before = elman.train(tmp_path / "table.csv", **options)
    for path in (tmp_path / "pictures").glob("*.png"):
        saved(path, np.full((8, 8), 3 + int(path.stem) % 2, np.uint8))

    after = elman.train(tmp_path / "table.csv", **options)

    assert before.input.mean > 10
    assert 3 < after.input.mean < 4


def test_a_run_with_other_channels_than_its_file_says_is_refused(tmp_path):
    gallery(tmp_path)
    elman.train(tmp_path / "table.csv", input=GREY_8, target="side", epochs=1, quiet=True, out=tmp_path / "run")
    from elman.storage import Directory, write_directory

    kept = Directory(tmp_path / "run")
    files = {name: kept.read(name) for name in kept.names}
    files["fields.json"] = (
        files["fields.json"].replace(b'"mean": [', b'"mean": [0.5, ').replace(b'"mean":[', b'"mean":[0.5,')
    )
    write_directory(tmp_path / "run", files, force=True)
    with pytest.raises(IntegrityError, match="describe a network"):
        elman.load(tmp_path / "run")


def test_a_bad_picture_is_said_with_its_place_and_can_be_skipped(tmp_path, monkeypatch, capsys):
    gallery(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("pictures/5.png").write_bytes(b"")
    train = ("train", "table.csv", "--input", "file", "--target", "side", "--epochs", 1)

    _, said = call(capsys, *train, code=2)
    assert "error: table.csv:7: column 'file' must be a picture, got '5.png', which is empty. Fix the row" in said
    _, said = call(capsys, *train, "--bad-rows", "skip")
    assert "1 bad row skipped" in said


def test_a_picture_cannot_be_answered():
    rows = {"x": ["a", "b"] * 10, "file": ["a.png", "b.png"] * 10}
    with pytest.raises(ConfigError, match=r"target.file.kind must be one of .*, got 'image'"):
        elman.train(rows, input="x", target="file", quiet=True)
