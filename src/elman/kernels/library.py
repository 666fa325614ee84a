"""The compiled kernels: which library is in use and why, and the C structure that says all of a call."""

import ctypes
import json
import os
import platform
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from elman.checks import check_choice
from elman.kernels.build import LIBRARIES, library_path

VARIABLE = "ELMAN_KERNELS"  # picks an instruction set, or "none"
# Fastest first, each with what a processor must be able to do.
INSTRUCTION_SETS = {
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"},
    "avx2": {"avx2", "fma"},
    "portable": set[str](),
}

# Name -> kind of cell, and squashing function of an RNN.
KINDS = {"rnn-tanh": (0, 0), "rnn-relu": (0, 1), "rnn-identity": (0, 2), "lstm": (1, 0), "gru": (2, 0)}
INTERFACE = 3  # as csrc/abi.h counts it
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a cell, in torch's order
SLOTS = {"lstm": 4, "gru": 4}  # numbers a unit and step that are kept for the backward pass

_SIZES = ["kind", "squash", "rows", "time", "input_size", "hidden_size", "ways", "room", "threads", "packed"]
Pair = ctypes.c_void_p * 2
_POINTERS = ["lengths", "reset", "x"]


class Call(ctypes.Structure):
    """`ElmanCall` of csrc/abi.h, where every field is explained."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, Pair) for name in PARAMETERS),  # one a direction
        *(
            (name, ctypes.c_void_p)
            for name in (
                "hidden", "cell", "start_hidden", "start_cell",
                "outputs", "final_hidden", "final_cell", "gates", "cells",
                "grad_outputs", "grad_final_hidden", "grad_final_cell",
                "grad_x", "grad_hidden", "grad_cell", "grad_start_hidden", "grad_start_cell",
            )
        ),
        *((f"grad_{name}", Pair) for name in PARAMETERS),
    )  # fmt: skip


class StepLayer(ctypes.Structure):
    """`StepLayer` of csrc/step_weights.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("input_size", "hidden_size")),
        *((name, ctypes.c_void_p) for name in PARAMETERS),
    )


class SingleStep(ctypes.Structure):
    """`SingleStep` of csrc/single.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "squash", "rows", "input_size", "hidden_size")),
        *((name, ctypes.c_void_p) for name in ("x", *PARAMETERS, "hidden", "cell", "next_hidden", "next_cell")),
    )


class Kernels(NamedTuple):
    """The library in use, or None and why there is none."""

    library: ctypes.CDLL | None
    name: str  # the instruction set, or "none"
    reason: str
    lanes: int = 1  # floats a vector
    threaded: bool = False  # whether torch's threads could be borrowed


def find_kernels() -> Kernels:
    """The fastest kernels that this machine can run; the variable ELMAN_KERNELS says otherwise.

    Raises:
        ArgumentError: the variable names an instruction set that does not exist.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked:
        check_choice("kernels", VARIABLE, asked, [*INSTRUCTION_SETS, "none"])
    if asked == "none":
        return Kernels(None, "none", f"{VARIABLE}=none")
    able = _abilities()
    reasons: list[str] = []
    for name, needed in INSTRUCTION_SETS.items():
        path = library_path(LIBRARIES, name)
        if asked not in ("", name):
            continue
        if not needed <= able:
            reasons.append(f"{name}: this processor lacks {', '.join(sorted(needed - able))}")
        elif not path.is_file():
            reasons += [] if _why_not_built() in reasons else [_why_not_built()]
        else:
            return _load(path, name, f"{VARIABLE}={name}" if asked else "the fastest that this processor can run")
    return Kernels(None, "none", "; ".join(reasons))


def instruction_sets() -> list[str]:
    """The instruction sets that are built and that this machine can run, fastest first."""
    able = _able()
    return [name for name in _built() if name in able]


def kernel_facts() -> dict[str, object]:
    """Which kernels are in use and why, for a person: name -> value."""
    use = f"{KERNELS.name} ({KERNELS.reason})" if KERNELS.library else f"none, torch computes ({KERNELS.reason})"
    return {
        "kernels": use,
        "built for": ", ".join(_built()) or f"nothing ({_why_not_built()})",
        "this processor can run": ", ".join(_able()),
        "threads": f"{torch.get_num_threads()}"
        + ("" if KERNELS.threaded or not KERNELS.library else ", kernels use 1"),
        "torch": torch.__version__,
    }


def _built() -> list[str]:
    return [name for name in INSTRUCTION_SETS if library_path(LIBRARIES, name).is_file()]


def _able() -> list[str]:
    able = _abilities()
    return [name for name, needed in INSTRUCTION_SETS.items() if needed <= able]


def _load(path: Path, name: str, reason: str) -> Kernels:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        return Kernels(None, "none", f"{name}: {error}")
    known = hasattr(library, "elman_layout")
    if known:
        library.elman_layout.restype = ctypes.c_int64
    layout = INTERFACE * 10**9 + ctypes.sizeof(Call) * 10**6 + ctypes.sizeof(SingleStep) * 1000
    if not known or library.elman_layout() != layout + ctypes.sizeof(StepLayer):
        return Kernels(None, "none", f"{name}: built from other sources; run `make kernels` or install again")
    for function in (library.elman_forward, library.elman_backward):
        function.argtypes, function.restype = [ctypes.POINTER(Call)], ctypes.c_int
    library.elman_single_step.argtypes = [ctypes.POINTER(SingleStep)]
    library.elman_lanes.restype = ctypes.c_int64
    library.elman_stepper_new.argtypes = [ctypes.c_int64] * 4 + [ctypes.POINTER(StepLayer)]
    library.elman_stepper_new.restype = ctypes.c_void_p
    library.elman_stepper_bind.argtypes = [ctypes.c_void_p, *[ctypes.c_int64] * 2, ctypes.c_void_p * 4]
    library.elman_stepper_bind.restype = ctypes.c_int
    library.elman_stepper_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(Call)]
    library.elman_stepper_run.restype = ctypes.c_int
    library.elman_projection_pack.argtypes = [ctypes.c_int64] * 3 + [ctypes.c_void_p] * 2
    library.elman_projection_pack.restype = ctypes.c_void_p
    library.elman_projection_run.argtypes = [ctypes.c_void_p, *[ctypes.c_int64] * 3, *[ctypes.c_void_p] * 2]
    library.elman_projection_run.restype = None
    library.elman_draws_mark.argtypes = [*(ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_void_p)]
    library.elman_draws_mark.restype = None
    for function in (library.elman_stepper_step, library.elman_stepper_free, library.elman_projection_free):
        function.argtypes, function.restype = [ctypes.c_void_p], None
    return Kernels(library, name, reason, library.elman_lanes(), _lend_threads(library))


def _lend_threads(library: ctypes.CDLL) -> bool:
    """Hand torch's OpenMP pool to the kernels, so that `torch.set_num_threads` rules and no second pool is started.

    The functions are looked up through torch's own library, for other packages bring OpenMP runtimes of their own.
    """
    for path in (Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*"):
        try:
            pool = ctypes.CDLL(str(path))
            lent = [
                ctypes.cast(getattr(pool, name), ctypes.c_void_p)
                for name in ("GOMP_parallel", "omp_get_num_threads", "omp_get_thread_num")
            ]
        except (OSError, AttributeError):
            continue
        library.elman_lend_threads.argtypes = [ctypes.c_void_p] * 3
        library.elman_lend_threads(*lent)
        return True
    return False


def _abilities() -> set[str]:
    """What this processor can do, of what `INSTRUCTION_SETS` asks for."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return set()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.split(":", 1)[1].split())
    # torch knows the best of them; each implies the others.
    best = torch.backends.cpu.get_cpu_capability()
    known = {"AVX512": INSTRUCTION_SETS["avx512"] | INSTRUCTION_SETS["avx2"], "AVX2": INSTRUCTION_SETS["avx2"]}
    return known.get(best, set())


def _why_not_built() -> str:
    """What the build wrote about itself."""
    try:
        reason = json.loads((LIBRARIES / "build.json").read_text()).get("reason")
    except (OSError, ValueError):
        reason = None
    return reason or "not built: run `make kernels` or install again with a C++ compiler"


KERNELS = find_kernels()  # at import, for a compiled graph cannot load libraries
