"""A model directory is whole or not there, and what is changed is found."""

import errno
import json
import os

import pytest
from whole_directory import read_directory

import elman
from elman.errors import DataError, IntegrityError
from elman.storage import check_free, to_json, write_directory

FILES = {"a.json": b'{"x": 1}\n', "b.bin": bytes(range(64))}


@pytest.fixture
def folder(tmp_path):
    write_directory(tmp_path / "run", FILES)
    return tmp_path / "run"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_written_is_read(folder):
    files, digest = read_directory(folder)
    assert files == FILES
    assert digest == json.loads((folder / "manifest.json").read_text())["digest"]


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_every_flipped_byte_and_every_cut_is_found(folder, name):
    path, whole = folder / name, (folder / name).read_bytes()
    for position in range(len(whole)):
        for changed in (whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :], whole[:position]):
            path.write_bytes(changed)
            with pytest.raises(IntegrityError, match=name):
                read_directory(folder)


def test_a_missing_file_and_a_link_are_found(folder, tmp_path):
    (folder / "b.bin").rename(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match=r"b\.bin must exist"):
        read_directory(folder)
    (folder / "b.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match=r"b\.bin must exist"):
        read_directory(folder)


def test_a_manifest_cannot_point_out_of_its_folder(folder, monkeypatch):
    write_directory(folder, FILES, force=True)
    from elman.storage.manifest import with_digest

    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../secret"] = manifest["files"].pop("a.json")
    (folder / "manifest.json").write_bytes(to_json(with_digest(manifest)))
    with pytest.raises(IntegrityError, match="name files in its own folder"):
        read_directory(folder)


@pytest.mark.parametrize("failing", ["fsync", "mkdtemp"])
def test_a_write_that_fails_leaves_what_was_there(folder, monkeypatch, failing):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(folder)
    monkeypatch.setattr(f"elman.storage.write.{'os' if failing == 'fsync' else 'tempfile'}.{failing}", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_directory(folder, {"a.json": b"new"}, force=True)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_a_run_directory_is_replaced_only_when_asked(folder):
    with pytest.raises(elman.ElmanError, match="--force"):
        write_directory(folder, {"a.json": b"new"})
    write_directory(folder, {"a.json": b"new"}, force=True)
    assert read_directory(folder)[0] == {"a.json": b"new"}
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_what_others_put_into_a_run_directory_stays_in_it(folder, monkeypatch):
    (folder / "notes.txt").write_text("mine")
    (folder / "board").mkdir()
    (folder / "board" / "events").write_text("too")
    for can_link in (True, False):
        if not can_link:
            monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
        write_directory(folder, {"c.json": b"new"}, force=True)
        assert read_directory(folder)[0] == {"c.json": b"new"}
        assert (folder / "notes.txt").read_text() == "mine"
        assert (folder / "board" / "events").read_text() == "too"
        assert not (folder / "a.json").exists()


def test_a_link_and_the_current_folder_are_written_where_they_lead(tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    write_directory(tmp_path / "link", FILES)
    assert (tmp_path / "link").is_symlink()
    assert read_directory(tmp_path / "far")[0] == FILES
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_directory(".", FILES)
    assert read_directory(tmp_path / "here")[0] == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "here", "link"]


def test_a_mount_point_is_refused_before_hours_of_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "disk")
    with pytest.raises(elman.ElmanError, match="a mount point"):
        check_free(tmp_path / "disk", force=False)


def test_force_never_replaces_a_folder_of_someone_elses(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(elman.ElmanError, match="be a run directory"):
        check_free(tmp_path, force=True)


def test_a_model_comes_back_as_it_was(tmp_path):
    table = {"text": ["good fun", "dull"] * 20, "label": ["yes", "no"] * 20}
    model = elman.train(table, input="text", target="label", hidden=4, epochs=1, quiet=True).save(tmp_path / "run")

    back = elman.load(tmp_path / "run")

    assert back.answers(["good", "never seen"]) == model.answers(["good", "never seen"])
    assert back.info() == model.info()
    assert back.save(tmp_path / "copy").digest == model.digest
    assert not any(b"pickle" in content for content in contents(tmp_path / "run").values())
