"""Which compiled library is in use and why: chosen at import, by what this processor supports."""

import ctypes
import json
import os
import platform
import sys
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from elman.checks import check_choice
from elman.kernels.abi import INTERFACE, Call, Places, SingleStep, StepLayer
from elman.kernels.build import LIBRARIES, library_path

VARIABLE = "ELMAN_KERNELS"  # picks an instruction set, or "none"
# Fastest first, each with the processor features that it requires, as Linux names them.
INSTRUCTION_SETS = {
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"},
    "avx2": {"avx2", "fma"},
    "portable": set[str](),
}
# NumPy names features in upper case. Its later versions also name levels of x86-64, each with all that it includes.
OTHER_NAMES = {
    "FMA3": {"fma"},
    "X86_V3": INSTRUCTION_SETS["avx2"],
    "X86_V4": INSTRUCTION_SETS["avx2"] | INSTRUCTION_SETS["avx512"],
}


class Kernels(NamedTuple):
    """The library in use, or None and why there is none."""

    library: ctypes.CDLL | None
    name: str  # the instruction set, or "none"
    reason: str
    lanes: int = 1  # floats a vector


def find_kernels() -> Kernels:
    """The fastest kernels that this machine can run, or those that the variable ELMAN_KERNELS names.

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
    """Which kernels are in use and why, for a person: name -> value. It imports no torch."""
    use = f"{KERNELS.name} ({KERNELS.reason})" if KERNELS.library else f"none, torch computes ({KERNELS.reason})"
    return {
        "kernels": use,
        "built for": ", ".join(_built()) or f"nothing ({_why_not_built()})",
        "this processor can run": ", ".join(_able()),
        "threads": _threads(),
        "torch": _version("torch"),
    }


@cache
def lend_threads() -> bool:
    """Hand torch's OpenMP pool to the kernels, once a process; without it they compute in one thread.

    So `torch.set_num_threads` applies to them, and no second pool is started. The functions are looked up through
    torch's own library, because other packages bring OpenMP runtimes of their own. The library is opened without
    importing torch.

    Returns: whether the kernels have the pool.
    """
    if KERNELS.library is None:
        return False
    for path in _torch_libraries():
        try:
            pool = ctypes.CDLL(str(path))
            lent = [
                ctypes.cast(getattr(pool, name), ctypes.c_void_p)
                for name in ("GOMP_parallel", "omp_get_num_threads", "omp_get_thread_num")
            ]
        except (OSError, AttributeError):
            continue
        KERNELS.library.elman_lend_threads(*lent)
        return True
    return False


def _torch_libraries() -> list[Path]:
    """Where torch's library lies, if it is installed; found without importing it."""
    try:
        spec = find_spec("torch")
    except (ImportError, ValueError):  # it is blocked, or something else goes by its name
        return []
    return (
        [] if spec is None or spec.origin is None else sorted((Path(spec.origin).parent / "lib").glob("libtorch_cpu.*"))
    )


def _threads() -> str:
    torch = sys.modules.get("torch")
    if torch is None:
        return "1 until torch is imported, then as many as torch uses"
    alone = KERNELS.library is not None and not lend_threads()
    return f"{torch.get_num_threads()}{', kernels use 1' if alone else ''}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


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
    _declare(library)
    return Kernels(library, name, reason, library.elman_lanes())


def _declare(library: ctypes.CDLL) -> None:
    """State what the functions of csrc/kernels.cpp take and return."""
    address, number = ctypes.c_void_p, ctypes.c_int64
    functions = {
        "elman_lanes": (number, []),
        "elman_lend_threads": (None, [address] * 3),
        "elman_forward": (ctypes.c_int, [ctypes.POINTER(Call)]),
        "elman_backward": (ctypes.c_int, [ctypes.POINTER(Call)]),
        "elman_single_step": (ctypes.c_int, [ctypes.POINTER(SingleStep)]),
        "elman_stepper_new": (address, [number] * 4 + [ctypes.POINTER(StepLayer)]),
        "elman_stepper_bind": (ctypes.c_int, [address, number, number, Places]),
        "elman_stepper_run": (ctypes.c_int, [address, ctypes.POINTER(Call)]),
        "elman_stepper_step": (None, [address]),
        "elman_stepper_free": (None, [address]),
        "elman_projection_pack": (address, [number] * 3 + [address] * 2),
        "elman_projection_run": (None, [address] + [number] * 3 + [address] * 2),
        "elman_projection_free": (None, [address]),
        "elman_draws_mark": (None, [address, number, ctypes.c_double, address]),
    }
    for name, (returns, takes) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes


def _abilities() -> set[str]:
    """The features of this processor that `INSTRUCTION_SETS` may require; others may be among them."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return set()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.split(":", 1)[1].split())
    return _features_of_numpy()


def _features_of_numpy() -> set[str]:
    """The features in NumPy's table, as Linux names them; the table has no public name and may be missing."""
    found: set[str] = set()
    for module in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):  # NumPy 2, NumPy 1
        try:
            table = __import__(module, fromlist=["__cpu_features__"]).__cpu_features__
        except (ImportError, AttributeError):
            continue
        for feature in (feature for feature, there in table.items() if there):
            found |= OTHER_NAMES.get(feature, {feature.lower()})
        break
    return found


def _why_not_built() -> str:
    """The reason that the build left in build.json."""
    try:
        reason = json.loads((LIBRARIES / "build.json").read_text()).get("reason")
    except (OSError, ValueError):
        reason = None
    return reason or "not built: run `make kernels` or install again with a C++ compiler"


KERNELS = find_kernels()  # at import, for a compiled graph cannot load libraries
