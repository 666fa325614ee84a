"""The kernels need no torch: they are found, described and called on NumPy's arrays where it cannot be imported."""

import os
import subprocess
import sys

import numpy as np
import pytest
from backends_of import needs_kernels

from elman.kernels import library

BLOCKED = """
import importlib.util, sys


class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked")


blocks_the_search = sys.argv[1] == "blocked"
if blocks_the_search:
    sys.meta_path.insert(0, NoTorch())
else:  # as where it was never installed
    sys.modules["torch"] = None
"""

LSTM = """
import numpy as np
from elman.kernels import KERNELS, kernel_facts, lend_threads
from elman.kernels.abi import Call
from elman.kernels.calls import run_call

assert kernel_facts()["threads"].startswith("1 until torch")
if KERNELS.library is not None:
    random = np.random.default_rng(0)
    draw = lambda *shape: random.standard_normal(shape, dtype=np.float32)
    x, w, u, b, c = draw(2, 5, 3), draw(16, 3), draw(16, 4), draw(16), draw(16)
    state, cell = np.zeros((2, 1, 4), np.float32), np.zeros((2, 1, 4), np.float32)
    outputs, last, last_cell = np.empty((2, 5, 4), np.float32), np.empty_like(state), np.empty_like(cell)
    call = Call(kind=1, rows=2, time=5, input_size=3, hidden_size=4, directions=1, capacity=10, threads=2)
    for name, array in {
        "x": x, "hidden": state, "cell": cell, "start_hidden": state, "start_cell": cell,
        "outputs": outputs, "final_hidden": last, "final_cell": last_cell,
    }.items():
        setattr(call, name, array.ctypes.data)
    for name, array in {"weight_ih": w, "weight_hh": u, "bias_ih": b, "bias_hh": c}.items():
        getattr(call, name)[0] = array.ctypes.data
    lend_threads()
    run_call("elman_forward", call)
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    h, s = np.zeros((2, 4)), np.zeros((2, 4))
    for t in range(5):
        i, f, g, o = np.split(x[:, t] @ w.T + b + h @ u.T + c, 4, axis=1)
        s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(s)
        assert np.abs(outputs[:, t] - h).max() < 1e-5, (t, outputs[:, t], h)
assert sys.modules.get("torch") is None
print("right")
"""


@pytest.mark.parametrize("how", ["blocked", "missing"])
def test_they_answer_on_arrays_where_torch_cannot_be_imported(how):
    command = [sys.executable, "-c", BLOCKED + LSTM, how]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "right\n"), done.stderr


@needs_kernels
def test_threads_are_lent_without_importing_torch():
    code = """
import sys
from elman.kernels import lend_threads
print(lend_threads(), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True False\n", done.stderr


def test_numpys_table_knows_what_linux_knows_of_this_processor():
    if not library._abilities():
        pytest.skip("a processor of another kind, or a system whose own table is NumPy's")
    wanted = set().union(*library.INSTRUCTION_SETS.values())
    assert library._features_of_numpy() & wanted == library._abilities() & wanted


def test_levels_of_later_numpys_say_as_much_as_single_features(monkeypatch):
    core = np._core._multiarray_umath if hasattr(np, "_core") else np.core._multiarray_umath
    for table, able in (
        ({"X86_V3": True, "X86_V4": False}, {"avx2", "fma"}),
        ({"AVX2": True, "FMA3": True, "AVX512F": False}, {"avx2", "fma"}),
        ({}, set()),
    ):
        monkeypatch.setattr(core, "__cpu_features__", table)
        assert library._features_of_numpy() == able
