"""Compiles the kernels, one shared library an instruction set; run by the build hook, and by `make kernels`.

Only the standard library is used, and nothing of elman: the build hook loads this file by its path, where neither torch
nor elman need be there. A machine without a compiler is no error: elman then computes with torch, and build.json,
beside the libraries, gives the reason.
"""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parent / "csrc"
LIBRARIES = Path(__file__).parent / "lib"
MODES = ("none", "require")
COMPILERS = ("c++", "g++", "clang++")
MACOS = "11.0"  # the first that runs on arm64; a library for it runs on all later ones

# Name -> flags beside COMMON_FLAGS, the widest first.
INSTRUCTION_SETS: dict[str, list[str]] = {"portable": []}
if platform.machine() in ("x86_64", "AMD64"):
    INSTRUCTION_SETS = {
        "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"],
        "avx2": ["-mavx2", "-mfma"],
        "portable": [],
    }

COMMON_FLAGS = [
    *("-std=c++17", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-Wall", "-Wextra"),
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
]


class BuildError(Exception):
    """ELMAN_BUILD names no mode, or requires libraries that could not be built."""


class Outcome(NamedTuple):
    """The contents of build.json."""

    built: dict[str, list[str]]  # instruction set -> its own flags
    failed: dict[str, str]  # instruction set -> the compiler's first error
    reason: str | None = None  # why nothing was built; None where something was
    compiler: str | None = None
    flags: Sequence[str] = ()  # what all instruction sets share


def compile_kernels(source: Path, target: Path) -> list[Path]:
    """Compile kernels.cpp in the folder `source` once an instruction set, all at the same time.

    The variable ELMAN_BUILD set to "none" builds nothing, to "require" fails unless every library was built; without it
    whatever compiles is used. CXX is the compiler, with its arguments; without it the first of COMPILERS that is found.

    Args:
        source: the folder of kernels.cpp and its headers.
        target: the folder for `elman_kernels_<instruction set>.so` and build.json, made where it is not there. A
            library in it that this call did not build is removed: it comes from other sources.

    Returns: the libraries that were built, the widest instruction set first.

    Raises:
        BuildError: ELMAN_BUILD is another word, or "require" and a library is missing; never for a missing or failing
            compiler alone.
    """
    mode = os.environ.get("ELMAN_BUILD", "")
    if mode not in ("", *MODES):
        raise BuildError(f"elman: ELMAN_BUILD must be one of {', '.join(MODES)}, got {mode!r}. Unset it to build.")
    target.mkdir(parents=True, exist_ok=True)
    outcome = Outcome({}, {}, "ELMAN_BUILD=none") if mode == "none" else _build(source, target)
    for name in INSTRUCTION_SETS.keys() - outcome.built.keys():
        library_path(target, name).unlink(missing_ok=True)
    (target / "build.json").write_text(json.dumps(outcome._asdict(), indent=2) + "\n")
    missing = outcome.reason or ", ".join(f"no {name} kernels: {error}" for name, error in outcome.failed.items())
    if missing and mode == "require":
        raise BuildError(f"elman: ELMAN_BUILD=require, and {missing}. Install g++ or clang++, or name one in CXX.")
    if missing and mode != "none":
        again = "pip install --force-reinstall --no-deps --no-cache-dir elman"
        then = f": the pure-torch path is used. Install g++ or clang++ and run {again}" if outcome.reason else ""
        print(f"elman: {missing}{then}.", file=sys.stderr)
    return [library_path(target, name) for name in outcome.built]


def _build(source: Path, target: Path) -> Outcome:
    try:
        asked = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        return Outcome({}, {}, f"CXX must be a command, got {os.environ['CXX']!r} ({error})")
    commands = [asked] if asked else [[name] for name in COMPILERS]  # an explicit choice is never replaced
    compiler = next((command for command in commands if shutil.which(command[0])), None)
    if compiler is None:
        return Outcome({}, {}, f"no C++ compiler found (tried {', '.join(command[0] for command in commands)})")
    flags = COMMON_FLAGS + _platform_flags(compiler)
    failed = _compile([*compiler, *flags], source, target)
    built = {name: own for name, own in INSTRUCTION_SETS.items() if name not in failed}
    reason = None if built else f"{shlex.join(compiler)} failed ({next(iter(failed.values()))})"
    return Outcome(built, failed, reason, f"{shlex.join(compiler)}: {_answer([*compiler, '--version'])}", flags)


def _platform_flags(compiler: list[str]) -> list[str]:
    """Flags that let a library run on other machines and in other environments than where it was built."""
    if sys.platform == "darwin":
        return [f"-mmacosx-version-min={MACOS}"]
    # The compiler's C++ library may be newer than the one that Python's environment brings (conda does), so it is built
    # in, and its names hidden, wherever it can be: some distributions have the archive in a package of its own.
    if sys.platform == "linux" and Path(_answer([*compiler, "-print-file-name=libstdc++.a"])).is_absolute():
        return ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
    return []


def _compile(command: list[str], source: Path, target: Path) -> dict[str, str]:
    """Compile for all instruction sets at the same time -> the first error of each that failed."""
    failed = {}
    # In a folder beside the libraries, so that each is renamed into place when it is complete: a program that has the
    # old one open keeps it, and an interruption leaves no partial file.
    with tempfile.TemporaryDirectory(dir=target, prefix=".building-") as folder:
        fresh = {name: library_path(Path(folder).resolve(), name) for name in INSTRUCTION_SETS}
        running = {
            name: _start([*command, *own, "kernels.cpp", "-o", str(fresh[name])], source)
            for name, own in INSTRUCTION_SETS.items()
        }
        for name, process in running.items():
            status, output = _finish(process)
            if output:
                print(output, end="", file=sys.stderr)  # warnings, and errors in full
            if status == 0 and fresh[name].is_file():
                fresh[name].replace(library_path(target, name))
            else:
                failed[name] = _first_error(output) or f"it left with status {status}, without a word or a library"
    return failed


def _start(command: list[str], folder: Path) -> "subprocess.Popen[str] | OSError":
    """The running compiler, or why the system could not start it."""
    try:
        return subprocess.Popen(
            command,
            cwd=folder,  # so that messages name files as seen from the sources
            env=os.environ | {"LC_ALL": "C"},  # in English, so that errors can be recognised
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return error


def _finish(process: "subprocess.Popen[str] | OSError") -> tuple[int, str]:
    """The exit status of a compiler, and all its output."""
    if isinstance(process, OSError):
        return 1, f"error: {process.strerror}\n"
    output, _ = process.communicate()
    return process.returncode, output


def _answer(command: list[str]) -> str:
    """The first line that a command prints, or nothing."""
    return _finish(_start(command, Path.cwd()))[1].partition("\n")[0]


def _first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")


def library_path(folder: Path, name: str) -> Path:
    """Where the library of an instruction set lies in a folder."""
    return folder / f"elman_kernels_{name}.so"


if __name__ == "__main__":
    try:
        for library in compile_kernels(SOURCE, LIBRARIES):
            print(library)
    except BuildError as problem:
        sys.exit(str(problem))
