"""Bad input gives one clear error, the right exit code and no traceback, and leaves what was there untouched."""

import errno
import io
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_input import ARRAYS, FLAGS, GOOD, MEDIA, OPTIONS, SEQUENCES, SOURCES, TAGGED, TRAIN, USING, WRITING, Case

import elman
from elman.cli import app as cli

TABLE = [*SOURCES, *OPTIONS, *SEQUENCES, *WRITING, *USING, *MEDIA]
Answer = tuple[object, str, str]  # exit code, standard output, standard error


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good table and three small models."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "good.csv").write_text(GOOD)
    (folder / "good.jsonl").write_text(ARRAYS)
    small = {"hidden": 4, "epochs": 1, "quiet": True}
    elman.train(folder / "good.csv", input="text", target="label", out=folder / "model", **small)
    elman.train(folder / "good.jsonl", input="v", target="y", out=folder / "series", **small)
    (folder / "good.tags.jsonl").write_text(4 * TAGGED)
    elman.train(folder / "good.tags.jsonl", input="tokens", target="tags", out=folder / "tagger", **small)
    return folder


@pytest.fixture
def desk(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workshop, and the place where commands are typed."""
    shutil.copytree(workshop, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lay_out(case: Case, folder: Path) -> dict[str, bytes | None]:
    """Write the case's files; what stands in the folder now."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def check_refused(case: Case, code: object, out: str, err: str, lines: int = 1) -> None:
    assert code == case.code, err
    assert out == ""
    assert "Traceback" not in err
    assert [line for line in err.splitlines() if line.startswith("error: ")] == err.splitlines()[-1:]
    assert len(err.splitlines()) <= lines
    for part in case.says:
        assert part in err


def type_in(case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    monkeypatch.setattr(sys, "argv", ["elman", *shlex.split(case.command)])
    monkeypatch.setattr(sys, "stdin", io.StringIO(case.stdin))
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code, *capsys.readouterr()


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_one_line_says_what_is_wrong_and_nothing_is_touched(case, desk, monkeypatch, capsys):
    before = lay_out(case, desk)

    code, out, err = type_in(case, monkeypatch, capsys)

    check_refused(case, code, out, err)
    assert contents(desk) == before


@pytest.mark.parametrize(
    "case",
    [case for case in (*SOURCES, *MEDIA) if case.command.startswith("train") and "--config" not in case.command],
    ids=str,
)
def test_a_source_that_is_not_read_into_memory_says_the_same(case, desk, monkeypatch, capsys, tmp_path_factory):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path_factory.mktemp("cache")))
    before = lay_out(case, desk)

    answer = type_in(case._replace(command=f"{case.command} --set data.in_memory=0"), monkeypatch, capsys)

    check_refused(case, *answer, lines=2)  # a note says what is read whole
    assert contents(desk) == before


def test_the_table_has_thirty_kinds_and_each_its_own_name():
    names = [case.name for case in (*TABLE, *FLAGS)]
    assert len(set(names)) == len(names) >= 34


@pytest.mark.parametrize("case", FLAGS, ids=str)
def test_a_wrong_flag_is_refused_before_anything_is_done(case, desk, monkeypatch, capsys):
    before = lay_out(case, desk)

    code, out, err = type_in(case, monkeypatch, capsys)

    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert all(part in err for part in case.says)
    assert contents(desk) == before


@pytest.mark.parametrize("case", FLAGS, ids=str)
def test_a_wrong_flag_is_said_in_one_line_too(case, desk, monkeypatch, capsys):
    check_refused(case, *type_in(case, monkeypatch, capsys))


@pytest.mark.parametrize("out", ["new", "deep/er/new", "model --force"])
@pytest.mark.parametrize("fails", ["os.fsync", "tempfile.mkdtemp", "pathlib.Path.rename"])
def test_a_full_disk_leaves_what_was_there(fails, out, desk, monkeypatch, capsys):
    case = Case("full disk", f"train good.csv {TRAIN} --out {out}", ("run directory", "No space left on device"))
    before = contents(desk)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fails, full)
    monkeypatch.setattr("elman.storage.write._swapped_atomically", lambda new, old: False)  # as where the system cannot
    answer = type_in(case, monkeypatch, capsys)

    check_refused(case, *answer, lines=11)  # the notes of the training stand before it
    assert contents(desk) == before


def test_a_run_directory_that_cannot_be_replaced_stays(desk, monkeypatch, capsys):
    case = Case(
        "rename fails",
        f"train good.csv {TRAIN} --out model --force",
        ("Input/output error", "elman train --resume model"),
    )
    before, rename, moves = contents(desk), Path.rename, []

    def third_fails(path: Path, goal: Path) -> Path:
        moves.append(path)
        if len(moves) == 3:  # after a checkpoint: the old one is out of the way, the new one does not come
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, goal)

    monkeypatch.setattr(Path, "rename", third_fails)
    monkeypatch.setattr("elman.storage.write._swapped_atomically", lambda new, old: False)
    answer = type_in(case, monkeypatch, capsys)

    check_refused(case, *answer, lines=10)
    after = contents(desk)
    assert before == {path: after[path] for path in before}
    monkeypatch.undo()
    monkeypatch.chdir(desk)
    code, _, err = type_in(Case("again", "train --resume model", ()), monkeypatch, capsys)  # what was trained is kept
    assert code == 0, err


def in_a_shell(case: Case, **options: object) -> Answer:
    command = [Path(sys.executable).parent / "elman", *shlex.split(case.command)]
    done = subprocess.run(command, capture_output=True, text=True, input=case.stdin, **options)
    return done.returncode, done.stdout, done.stderr


SHELL = {case.name: case for case in TABLE}


@pytest.mark.parametrize("name", ["csv: ragged row", "weights changed", "out cannot be written"])
def test_the_command_itself_leaves_with_the_code(name, desk):
    before = lay_out(SHELL[name], desk)

    check_refused(SHELL[name], *in_a_shell(SHELL[name]))
    assert contents(desk) == before


def test_the_command_itself_survives_a_disk_that_takes_no_more(desk):
    case = Case("no room", f"train good.csv {TRAIN} --out model --force", ("File too large", "unchanged"))
    before = contents(desk)

    answer = in_a_shell(case, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))

    check_refused(case, *answer, lines=10)
    assert contents(desk) == before
