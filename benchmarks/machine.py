"""The machine and the versions of a measurement."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import ceilings
from elman.kernels import KERNELS
from elman.types import Json

PACKAGES = ("torch", "jax", "onnxruntime", "openvino", "keras", "numpy")


def describe(wait: str) -> tuple[str, Json]:
    """A name for this machine, the key of its figures, and its description.

    `wait` is how OpenMP's threads wait, see `measure.environment`: other figures, so another name.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    details = {
        "cpu": _model(),
        "cores": cores,
        "kernels": KERNELS.name,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
        "wait": wait,
        "ceilings": ceilings.measured(),
    }
    asleep = ", threads wait asleep" if wait == "passive" else ""
    return f"{details['cpu']}, {cores} cores, kernels {KERNELS.name}{asleep}", details


def _model() -> str:
    """The name of the processor; family and model are added, because a virtual machine's name may be short."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = fields.get("model name") or platform.machine()
    return f"{name} (family {fields['cpu family']} model {fields['model']})" if "cpu family" in fields else name


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
