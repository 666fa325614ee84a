"""A directory from a stranger does no harm: it is refused by name, in a second and 200 MB, and nothing of it runs."""

import io
import json
import os
import pickle
import random
import resource
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch
from test_resume import PROCESSES, TABLE, options, stop_at
from whole_directory import read_directory

import elman
from elman.errors import ElmanError, IntegrityError
from elman.storage import all_checkpoints, info, to_json
from elman.storage.manifest import FORMAT, MANIFEST, manifest_of, with_digest

SMALL = 4096  # bytes; of a larger file some positions are drawn
SECONDS, MEGABYTES = 1.0, 200


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A run directory that is a model and holds a checkpoint."""
    run = tmp_path_factory.mktemp("safe") / "run"
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 5)
        elman.train(TABLE, out=run, **options("lstm", every=4))
    return run


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of it."""
    import shutil

    return Path(shutil.copytree(trained, tmp_path / "run"))


def damages(whole: bytes, seed: int, positions: int):
    """The file with a byte flipped, and cut, at each position, or at so many drawn ones."""
    places = range(len(whole)) if len(whole) <= SMALL else random.Random(seed).sample(range(len(whole)), positions)
    for place in places:
        yield whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        yield whole[:place]


def check_every_damage_is_named(folder: Path, read, positions: int) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            continue
        whole = path.read_bytes()
        for damaged in damages(whole, 1, positions):
            path.write_bytes(damaged)
            with pytest.raises(IntegrityError, match=path.name):
                read(folder)
        path.write_bytes(whole)
    read(folder)


def test_every_flipped_byte_and_every_cut_of_a_model_is_found_and_named(run):
    check_every_damage_is_named(run, read_directory, 200)


def test_every_flipped_byte_and_every_cut_of_a_checkpoint_is_found_and_named(run):
    check_every_damage_is_named(all_checkpoints(run)[0], read_directory, 200)


@pytest.mark.slow
def test_every_damage_is_found_at_a_thousand_places_and_by_loading_too(run):
    check_every_damage_is_named(run, elman.load, 1000)
    check_every_damage_is_named(all_checkpoints(run)[0], read_directory, 1000)


def test_a_model_with_any_file_damaged_does_not_load(run):
    for path in [path for path in sorted(run.iterdir()) if path.is_file()]:
        whole = path.read_bytes()
        for place in random.Random(2).sample(range(len(whole)), 5):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(IntegrityError, match=path.name):
                elman.load(run)
        path.write_bytes(whole)


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["ELMAN_TRAP"],)


def zip_bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 28))
    return made.getvalue()


def torch_file() -> bytes:
    made = io.BytesIO()
    torch.save({"x": Trap()}, made)
    return made.getvalue()


def header(text: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if size is None else size) + text


HUGE = json.dumps({"x": {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}).encode()
WEIGHTS = {
    "a pickle": lambda: pickle.dumps(Trap()),
    "a torch file": torch_file,
    "a zip bomb": zip_bomb,
    "a header of a terabyte": lambda: header(b"{}", 1 << 40),
    "a tensor of a terabyte": lambda: header(HUGE),
    "a header of nested lists": lambda: header(b"[" * 900_000),
    "nothing": lambda: b"",
    "other tensors": lambda: header(b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}') + bytes(4),
}
TEXTS = {
    "nested lists": b"[" * 1_000_000,
    "many values": b'{"config": [' + b"[]," * 8_000_000 + b"[]]}",
    "a list": b"[1]\n",
    "a pickle": pickle.dumps({"config": 1}),
    "no text": bytes(range(256)),
    "nothing said": b"{}\n",
}
SIZES = [
    ("hidden", 10**12), ("hidden", 900_000), ("layers", 10**9), ("layers", 900), ("dropout", 7.0), ("hidden", -1),
    ("cell", "__import__('os')"), ("hidden", "128"),
]  # fmt: skip


def forge(run: Path, name: str, content: bytes) -> None:
    """Put a file in the place of another, and make the manifest agree with it, as whoever forges it can."""
    (run / name).write_bytes(content)
    manifest = json.loads((run / MANIFEST).read_bytes())
    manifest["files"][name] = manifest_of({name: content})["files"][name]
    (run / MANIFEST).write_bytes(to_json(with_digest(manifest)))


def load_on_demand(good: Path, line) -> None:
    """Load each directory that is named, and send what was raised, the seconds and the megabytes that it took."""
    elman.load(good).predict(["good fun"])  # what every first load takes is taken now
    while run := line.recv():
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        try:
            elman.load(run)
            raised = None
        except BaseException as error:
            raised = error if isinstance(error, ElmanError) else f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - begin
        line.send((raised, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


@pytest.fixture(scope="module")
def loader(trained):
    """A process that loads what it is told to, and does nothing else, so that its peak of memory is that of loading."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=load_on_demand, args=(trained, theirs))
    process.start()
    yield ours
    ours.send(None)
    process.join(10)
    process.kill()


def check_refused(run: Path, loader, says: str) -> None:
    loader.send(run)
    assert loader.poll(60), "no answer in a minute"
    raised, seconds, megabytes = loader.recv()
    assert isinstance(raised, ElmanError), raised
    assert says in str(raised)
    assert seconds < SECONDS
    assert megabytes < MEGABYTES


@pytest.mark.parametrize("kind", WEIGHTS)
def test_what_is_no_file_of_these_tensors_is_refused(kind, run, loader, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_TRAP", str(tmp_path / "trap"))
    forge(run, "weights.safetensors", WEIGHTS[kind]())
    check_refused(run, loader, "weights.safetensors")
    with pytest.raises(IntegrityError):
        elman.load(run)
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("name", ["config.json", "fields.json"])
@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_no_sensible_json_is_refused(name, kind, run, loader):
    forge(run, name, TEXTS[kind])
    says = "config" if (name, kind) == ("config.json", "nothing said") else name
    check_refused(run, loader, says)


@pytest.mark.parametrize(("key", "value"), SIZES)
def test_sizes_that_the_weights_do_not_have_are_refused_before_memory_is_taken(key, value, run, loader):
    config = json.loads((run / "config.json").read_bytes())
    config["config"]["model"][key] = value
    forge(run, "config.json", to_json(config))
    check_refused(run, loader, "must")


FORGED = [
    ("config.json", ["config"], 3), ("config.json", ["config", "input", "text", "kind"], None),
    ("config.json", ["config", "model"], {}), ("config.json", ["config", "train"], [1]),
    ("fields.json", ["input.text", "embedding"], "abc"), ("fields.json", ["input.text", "embedding"], 1.5),
    ("fields.json", ["input.text", "vocabulary"], [1, 2]), ("fields.json", ["input.text"], []),
    ("fields.json", ["target.label", "classes"], ["a", ["b"]]), ("fields.json", ["target.label", "classes"], 7),
]  # fmt: skip


@pytest.mark.parametrize(("name", "keys", "value"), FORGED)
def test_values_of_the_wrong_type_are_refused(name, keys, value, run, loader):
    document = json.loads((run / name).read_bytes())
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    forge(run, name, to_json(document))
    check_refused(run, loader, "must")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def test_a_file_of_a_terabyte_is_refused(run, loader):
    sparse(run / "weights.safetensors")
    check_refused(run, loader, "weights.safetensors")
    manifest = json.loads((run / MANIFEST).read_bytes())
    manifest["files"]["weights.safetensors"]["bytes"] = 1 << 40
    (run / MANIFEST).write_bytes(to_json(with_digest(manifest)))
    check_refused(run, loader, "weights.safetensors must have at most")
    manifest["files"]["log.jsonl"]["bytes"] = 1 << 40
    sparse(run / "log.jsonl")
    sparse(run / MANIFEST)
    check_refused(run, loader, "manifest.json must have at most")


def test_a_kept_file_of_a_terabyte_is_refused(run, loader):
    sparse(run / "log.jsonl")
    manifest = json.loads((run / MANIFEST).read_bytes())
    manifest["files"]["log.jsonl"]["bytes"] = 1 << 40
    (run / MANIFEST).write_bytes(to_json(with_digest(manifest)))
    check_refused(run, loader, "log.jsonl must")


@pytest.mark.parametrize("instead", ["a link", "a pipe", "a folder", "nothing"])
def test_what_is_no_plain_file_of_the_folder_is_refused(instead, run, loader, tmp_path):
    path = run / "weights.safetensors"
    path.rename(tmp_path / "elsewhere")
    if instead == "a link":
        path.symlink_to(tmp_path / "elsewhere")
    elif instead == "a pipe":
        os.mkfifo(path)
    elif instead == "a folder":
        path.mkdir()
    check_refused(run, loader, "weights.safetensors must exist")


def test_a_newer_format_says_what_to_do_and_no_format_is_guessed(run):
    right = f"have format {FORMAT}"
    others = dict.fromkeys((0, -1, True, str(FORMAT), None), right)
    older = f"written by an earlier format \\({FORMAT - 1}\\); this version reads format {FORMAT}. Train again."
    for found, says in {FORMAT + 1: "pip install --upgrade elman", FORMAT - 1: older, **others}.items():
        manifest = json.loads((run / MANIFEST).read_bytes()) | {"format": found}
        (run / MANIFEST).write_bytes(to_json(with_digest(manifest)))
        with pytest.raises(IntegrityError, match=says):
            elman.load(run)
        with pytest.raises(IntegrityError, match=says):
            info(run)


def test_a_forged_checkpoint_is_refused_too(run, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_TRAP", str(tmp_path / "trap"))
    (checkpoint,) = all_checkpoints(run)[:1]
    for name, content in (("state.safetensors", pickle.dumps(Trap())), ("progress.json", b'{"history": {"x": 1}}')):
        whole = (checkpoint / name).read_bytes()
        forge(checkpoint, name, content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("elman.training.resume.all_checkpoints", lambda path: [checkpoint])
            with pytest.raises(IntegrityError, match="hold a checkpoint that matches its manifest"):
                elman.resume(run, TABLE)
        forge(checkpoint, name, whole)
    assert not (tmp_path / "trap").exists()
