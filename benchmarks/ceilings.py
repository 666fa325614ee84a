"""The measured limits of this machine per core: multiply-adds, and read bandwidth from each level of memory."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.items import Item
from benchmarks.works import WORKS
from elman.types import Json

SOURCE = Path(__file__).with_name("ceilings.cpp")
KILOBYTES = (16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
REPEATS = 5  # the best counts, as the least disturbed
ALIGNMENT = 64


def measured() -> Json:
    """{"gflops": per core, "reads": {KiB: GB/s per core}}; {} without a C++ compiler.

    A block of the given size is read repeatedly, so that it comes from the smallest cache that holds it.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder) / "ceilings.so")
        flags = ["-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(SOURCE), "-o", library], check=True)
        probe = ctypes.CDLL(library)
    probe.multiply_adds.restype = probe.reads.restype = ctypes.c_double
    gflops = max(probe.multiply_adds(ctypes.c_long(3_000_000)) for _ in range(REPEATS)) / 1e9
    return {"gflops": round(gflops, 1), "reads": {str(size): _reads(probe, size) for size in KILOBYTES}}


def _reads(probe: ctypes.CDLL, kilobytes: int) -> float:
    count = kilobytes * 256
    raw = np.ones(4 * count + ALIGNMENT, np.uint8)
    turns = max(1, 2**16 // kilobytes)
    address = ctypes.c_void_p(-(-raw.ctypes.data // ALIGNMENT) * ALIGNMENT)
    best: float = max(probe.reads(address, ctypes.c_long(count), ctypes.c_long(turns)) for _ in range(REPEATS))
    return round(best / 1e9, 1)


def ceiling(item: Item, found: Json) -> float | None:
    """The maximum GFLOP/s of an item on its threads by the measured limits; None if they were not measured.

    Every step has to read the recurrent weights once, and a single step also the input weights; with one row this, not
    the multiply-adds, is the limit. Each thread holds its part of the weights in its own cache.
    """
    if not found:
        return None
    work = WORKS[item.work]
    numbers = item.weights if item.one_step else item.weights * item.hidden_size // (item.input_size + item.hidden_size)
    own_bytes = work.weight_bytes * numbers / item.threads
    # A smaller block is at least as fast as a larger one: the best of all that are as large, or the largest.
    bandwidth: float = max(
        speed for size, speed in found["reads"].items() if int(size) * 1024 >= min(own_bytes, KILOBYTES[-1] * 1024)
    )
    flops = 2.0 * item.batch * item.weights / item.threads
    # The backward pass reads the weights once more and multiplies twice as much; weight gradients are not sequential.
    reads_limit = bandwidth * flops / own_bytes * (1.5 if item.trains else 1.0)
    return float(f"{item.threads * min(found['gflops'], reads_limit):.4g}")
