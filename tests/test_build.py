"""The kernels are compiled where there is a compiler; where there is none, elman installs all the same and says why."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from elman.kernels.build import COMPILERS, INSTRUCTION_SETS, BuildError, compile_kernels

ROOT = Path(__file__).resolve().parents[1]
# As the real ones, of C++ with its library and threads, and small: it tells what it was compiled for.
KERNELS = """
#include "width.h"
#include <thread>
extern "C" __attribute__((visibility("default"))) int width() {
    int width = 0;
    std::thread([&] { width = WIDTH; }).join();
    return width;
}
int not_for_others() { return 1; }
"""
WIDTH = """
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__FMA__)
#define WIDTH 512
#elif defined(__AVX2__) && defined(__FMA__)
#define WIDTH 256
#else
#define WIDTH 128
#endif
"""
WIDTHS = {"avx512": 512, "avx2": 256, "portable": 128}

needs_compiler = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def _environment_of_a_user(monkeypatch):
    monkeypatch.delenv("ELMAN_BUILD", raising=False)
    monkeypatch.delenv("CXX", raising=False)


@pytest.fixture
def source(tmp_path) -> Path:
    return written_kernels(tmp_path / "csrc")


def written_kernels(folder: Path) -> Path:
    folder.mkdir()
    (folder / "kernels.cpp").write_text(KERNELS)
    (folder / "width.h").write_text(WIDTH)
    return folder


def compiler_that(folder: Path, does: str) -> str:
    """The path of a compiler that answers questions about itself, and otherwise does as the shell is told."""
    path = folder / "fake-c++"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in --version) echo fake 1.0; exit;; -print-file-name*) exit;; esac\n{does}\n'
    )
    path.chmod(0o755)
    return str(path)


def report_in(folder: Path) -> dict:
    return json.loads((folder / "build.json").read_text())


@needs_compiler
def test_each_instruction_set_has_a_library_compiled_for_it(source, tmp_path, capfd):
    libraries = compile_kernels(source, tmp_path / "lib")

    assert [library.stem.removeprefix("elman_kernels_") for library in libraries] == list(INSTRUCTION_SETS)
    for name, library in zip(INSTRUCTION_SETS, libraries, strict=True):
        opened = ctypes.CDLL(str(library))
        assert opened.width() == WIDTHS[name]
        assert not hasattr(opened, "_Z14not_for_othersv")
    report = report_in(tmp_path / "lib")
    assert (report["built"], report["failed"], report["reason"]) == (INSTRUCTION_SETS, {}, None)
    assert report["compiler"].startswith("c++: ")
    assert "-O3" in report["flags"]
    assert {path.name for path in (tmp_path / "lib").iterdir()} == {"build.json", *(path.name for path in libraries)}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("cxx", ["", " "])
def test_without_a_compiler_nothing_is_built_and_one_line_says_what_to_do(source, tmp_path, monkeypatch, capfd, cxx):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", cxx)

    assert compile_kernels(source, tmp_path / "lib") == []

    said = capfd.readouterr().err
    assert said.startswith("elman: no C++ compiler found (tried c++, g++, clang++): the pure-torch path is used.")
    assert "Install g++ or clang++ and run pip install --force-reinstall" in said
    assert said.count("\n") == 1
    report = report_in(tmp_path / "lib")
    assert (report["built"], report["failed"]) == ({}, {})
    assert report["reason"] == "no C++ compiler found (tried c++, g++, clang++)"


def test_a_compiler_asked_for_by_name_is_not_replaced(source, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "nobodys-c++ -O0")
    assert compile_kernels(source, tmp_path / "lib") == []
    assert report_in(tmp_path / "lib")["reason"] == "no C++ compiler found (tried nobodys-c++)"


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("echo 'In file included from here:'; echo 'kernels.cpp:3:1: error: expected a;'; exit 1", "kernels.cpp:3:1"),
        ("echo 'no licence'; exit 1", "no licence"),
        ("exit 3", "status 3"),
        ("kill -9 $$", "status -9"),
        ("exit 0", "without a word or a library"),
    ],
)
def test_a_failing_compiler_is_no_error_and_its_first_error_is_the_reason(
    source, tmp_path, monkeypatch, capfd, does, why
):
    monkeypatch.setenv("CXX", compiler_that(tmp_path, does))

    assert compile_kernels(source, tmp_path / "lib") == []

    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("elman: ")
    assert why in last
    assert "pure-torch path" in last
    report = report_in(tmp_path / "lib")
    assert why in report["reason"]
    assert report["failed"].keys() == INSTRUCTION_SETS.keys()


def test_a_compiler_that_the_system_cannot_start_is_no_error(source, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF but no more")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    assert compile_kernels(source, tmp_path / "lib") == []
    assert "error" in report_in(tmp_path / "lib")["reason"]


@needs_compiler
@pytest.mark.skipif(len(INSTRUCTION_SETS) == 1, reason="this processor's kind has one instruction set")
def test_one_that_cannot_be_compiled_is_left_out_and_named(source, tmp_path, monkeypatch, capfd):
    refuses = 'case "$*" in *-mavx512f*) echo "error: unknown option -mavx512f"; exit 1;; esac\nexec c++ "$@"'
    monkeypatch.setenv("CXX", compiler_that(tmp_path, refuses))

    libraries = compile_kernels(source, tmp_path / "lib")

    assert [library.name for library in libraries] == ["elman_kernels_avx2.so", "elman_kernels_portable.so"]
    assert "elman: no avx512 kernels: error: unknown option -mavx512f.\n" in capfd.readouterr().err
    assert report_in(tmp_path / "lib")["failed"] == {"avx512": "error: unknown option -mavx512f"}
    monkeypatch.setenv("ELMAN_BUILD", "require")
    with pytest.raises(BuildError, match=r"require, and no avx512 kernels: error: unknown option"):
        compile_kernels(source, tmp_path / "lib")


@needs_compiler
@pytest.mark.parametrize("how", ["none", "broken"])
def test_a_library_of_older_sources_does_not_stay(source, tmp_path, monkeypatch, how):
    compile_kernels(source, tmp_path / "lib")
    if how == "none":
        monkeypatch.setenv("ELMAN_BUILD", "none")
    else:
        (source / "kernels.cpp").write_text("int width() { return }")
    compile_kernels(source, tmp_path / "lib")
    assert [path.name for path in (tmp_path / "lib").iterdir()] == ["build.json"]


def test_none_builds_nothing_and_keeps_quiet(source, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ELMAN_BUILD", "none")
    assert compile_kernels(source, tmp_path / "lib") == []
    assert report_in(tmp_path / "lib")["reason"] == "ELMAN_BUILD=none"
    assert capfd.readouterr().err == ""


def test_require_fails_without_a_compiler_and_with_a_failing_one(source, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_BUILD", "require")
    monkeypatch.setenv("CXX", compiler_that(tmp_path, "echo 'error: no'; exit 1"))
    with pytest.raises(BuildError, match=r"elman: ELMAN_BUILD=require, and .*fake-c\+\+ failed \(error: no\)"):
        compile_kernels(source, tmp_path / "lib")
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"no C\+\+ compiler found .* Install g\+\+ or clang\+\+"):
        compile_kernels(source, tmp_path / "lib")


def test_another_word_in_the_variable_is_refused_before_anything_is_touched(source, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_BUILD", "nothing")
    with pytest.raises(BuildError, match="ELMAN_BUILD must be one of none, require, got 'nothing'"):
        compile_kernels(source, tmp_path / "lib")
    assert not (tmp_path / "lib").exists()


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of what a package is built from, with the small kernels in the place of the real ones."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        if (ROOT / name).exists():  # an sdist has no .gitignore of ours
            shutil.copy(ROOT / name, tree)
    kernels = tree / "src/elman/kernels"
    shutil.copytree(ROOT / "src/elman", tree / "src/elman", ignore=shutil.ignore_patterns("__pycache__", "csrc", "lib"))
    written_kernels(kernels / "csrc")
    # What another build left there; it must go into no package.
    (kernels / "lib").mkdir()
    (kernels / "lib/elman_kernels_left_over.so").touch()
    return tree


def run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    text = [str(part) for part in command]
    return subprocess.run(
        text, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, timeout=240, check=False
    )


def wheel_of(tree: Path, out: Path, **variables: str) -> zipfile.ZipFile:
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out]
    done = run(sys.executable, "-m", "pip", "wheel", *options, tree, cwd=out, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def libraries_in(names: list[str]) -> list[str]:
    return sorted(name for name in names if name.endswith(".so"))


@needs_compiler
def test_a_wheel_carries_the_libraries_and_the_name_of_its_platform(tree, tmp_path):
    wheel = wheel_of(tree, tmp_path)
    assert libraries_in(wheel.namelist()) == sorted(
        f"elman/kernels/lib/elman_kernels_{name}.so" for name in INSTRUCTION_SETS
    )
    assert json.loads(wheel.read("elman/kernels/lib/build.json"))["reason"] is None
    head = wheel.read("elman-0.1.0.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in head
    tag = Path(wheel.filename).stem.removeprefix("elman-0.1.0-")
    assert f"Tag: {tag}" in head
    assert tag.startswith("py3-none-")
    if sys.platform == "linux":
        assert tag == f"py3-none-linux_{os.uname().machine}"


@pytest.mark.parametrize("why", ["ELMAN_BUILD=none", "no C++ compiler found (tried nobodys-c++)"])
def test_a_wheel_without_libraries_is_for_any_platform_and_says_why(tree, tmp_path, why):
    variables = {"ELMAN_BUILD": "none"} if "none" in why else {"CXX": "nobodys-c++"}
    wheel = wheel_of(tree, tmp_path, **variables)
    assert Path(wheel.filename).name == "elman-0.1.0-py3-none-any.whl"
    assert libraries_in(wheel.namelist()) == []
    assert json.loads(wheel.read("elman/kernels/lib/build.json"))["reason"] == why
    assert "Root-Is-Purelib: true" in wheel.read("elman-0.1.0.dist-info/WHEEL").decode()


def test_a_required_wheel_fails_with_one_clear_error(tree, tmp_path):
    done = run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=tree, ELMAN_BUILD="require", CXX="nobodys-c++"
    )
    assert done.returncode == 1
    assert "elman: ELMAN_BUILD=require, and no C++ compiler found (tried nobodys-c++)" in done.stderr
    assert "Traceback" not in done.stderr


@needs_compiler
def test_an_editable_install_leaves_the_libraries_in_the_tree(tree, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(tree, own)
    code = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    done = run(sys.executable, "-c", code, tmp_path, cwd=own)
    assert done.returncode == 0, done.stderr
    found = {path.name for path in (own / "src/elman/kernels/lib").iterdir()}
    assert {"build.json", *(f"elman_kernels_{name}.so" for name in INSTRUCTION_SETS)} <= found


def test_an_sdist_carries_the_sources_and_the_hook_and_no_library(tree, tmp_path):
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=tree)
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"hatch_build.py", "src/elman/kernels/csrc/kernels.cpp", "src/elman/kernels/csrc/width.h"} <= set(names)
    assert libraries_in(names) == []
