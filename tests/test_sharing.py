"""Threads share a streaming step where that pays: what csrc/threads.h decides about steps of made-up times."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from elman.kernels.build import COMPILERS, SOURCE

COUNT = 100_000
RNG = np.random.default_rng(0)
EVEN = np.arange(COUNT) % 2 == 0
RARE = RNG.random(COUNT) < 0.001  # another program has the processor for a moment
EARLY = np.arange(COUNT) < 500

# Name -> microseconds of a step alone and shared.
STEPS = {
    "shared takes less": (70, 37),
    "shared takes more": (70, 90),
    "no processor for the other thread": (70, 300),
    "a time slice is waited for": (70, 4000),
    "every other shared one is slow": (70, np.where(EVEN, 300, 60)),
    "every other shared one waits": (70, np.where(EVEN, 4000, 60)),
    "the first ones alone are slow": (np.where(EARLY, 200, 70), 100),
    "all are disturbed at times, shared takes less": (70 + RARE * 10_000, 37 + RARE * 10_000),
    "all are disturbed at times, shared takes more": (70 + RARE * 10_000, 90 + RARE * 10_000),
    **{
        f"shared, every {every}th waits {wait} us": (70, np.where(np.arange(COUNT) % every == every - 1, wait, 37))
        for wait in (1000, 4000)
        for every in (40, 60, 100, 200)
    },
    "shared, some wait": (70, np.where(RNG.random(COUNT) < 0.02, 4000, 37)),
    "shared, few wait": (70, np.where(RNG.random(COUNT) < 0.005, 4000, 37)),
    "the other processor is taken half way through": (70, np.where(np.arange(COUNT) < COUNT / 2, 37, 300)),
    "it is let go half way through": (70, np.where(np.arange(COUNT) < COUNT / 2, 300, 37)),
}


@pytest.fixture(scope="module")
def decide(tmp_path_factory):
    compiler = next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    library = tmp_path_factory.mktemp("sharing") / "sharing.so"
    flags = ["-std=c++17", "-O1", "-fPIC", "-shared", "-pthread", f"-I{SOURCE}"]
    subprocess.run([compiler, *flags, Path(__file__).with_name("sharing.cpp"), "-o", library], check=True)
    return lambda *times: _decided(ctypes.CDLL(str(library)), times)


def _decided(library, times):
    """Nanoseconds before each step, alone and shared -> whether each is shared."""
    arrays = [np.broadcast_to(time, COUNT).astype(np.int64) for time in times]
    decided = np.zeros(COUNT, np.uint8)
    places = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, decided)]
    library.decide(ctypes.c_int64(COUNT), *places)
    return decided.astype(bool)


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_shared_where_that_takes_less_time_and_trials_cost_little(decide, name):
    alone, shared = (np.broadcast_to(1000 * np.asarray(time), COUNT) for time in STEPS[name])
    decided = decide(2000, alone, shared)
    half = COUNT // 2
    best = sum(min(alone[part].sum(), shared[part].sum()) for part in (slice(half), slice(half, None)))
    assert np.where(decided, shared, alone).sum() < 1.03 * best


def test_steps_that_come_now_and_then_are_taken_alone(decide):
    assert not decide(1_100_000, 70_000, 37_000).any()


def test_the_first_of_steps_that_follow_each_other_is_taken_alone(decide):
    first = np.arange(COUNT) % 50 == 0
    decided = decide(np.where(first, 2_000_000, 2000), 70_000, 37_000)
    assert not decided[first].any()
    assert decided[~first].mean() > 0.9


def test_the_first_of_steps_that_follow_each_other_does_not_count(decide):
    first = np.arange(COUNT) % 10 == 0
    decided = decide(np.where(first, 2_000_000, 2000), np.where(first, 500_000, 70_000), 90_000)
    assert decided.mean() < 0.1
