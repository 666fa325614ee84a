"""Measures one item in a process of its own: the last line of standard output has the figures as JSON.

    python -m benchmarks.measure training/gru/b32-t128-d128-h128/2t --rounds 15 --seconds 12

Thread settings of JAX hold for a process, so `benchmarks.run` starts this with `environment(threads)`.
"""

import argparse
import json
import os

import numpy as np
import torch

from benchmarks.items import ITEMS, Item
from benchmarks.task import Array, Prepared, make_task
from benchmarks.timing import figure, interleaved
from benchmarks.works import ELMAN, WORKS, prepare
from elman.types import Json

ROUNDS, SECONDS = 15, 12.0
WAITS = ("unset", "passive")
LEFT_OUT = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "PYTHONDONTWRITEBYTECODE")  # of this process' environment


def environment(threads: int, wait: str = WAITS[0]) -> dict[str, str]:
    """This process' environment with the thread settings that a library reads when it is loaded.

    Python may keep what it compiled, for the libraries beside ours were compiled when they were installed.

    Args:
        threads: of every library.
        wait: OMP_WAIT_POLICY. "unset", each OpenMP runtime's own default, is what a user of a library has: threads look
            out for work a while, then sleep. "passive", they sleep at once, is what elman's command line asks for, and
            the only sound choice where other programs use the cores. "active" would keep a core from the contenders
            that bring threads of their own.
    """
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    kept |= {} if wait == "unset" else {"OMP_WAIT_POLICY": wait.upper()}
    eigen = "true" if threads > 1 else "false"
    jax = {"NPROC": str(threads), "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen}", "JAX_PLATFORMS": "cpu"}
    return {**kept, **jax, "OMP_NUM_THREADS": str(threads)}


def measured(item: Item, rounds: int = ROUNDS, seconds: float = SECONDS) -> Json:
    """Figures of every contender that is installed and agrees with torch.nn, and why the others were left out."""
    torch.set_num_threads(item.threads)
    task, work = make_task(item), WORKS[item.work]
    ready: dict[str, Prepared] = {}
    left_out: dict[str, str] = {}
    for name, where in work.contenders.items():
        try:
            ready[name] = prepare(where, task)
        except ImportError as error:
            left_out[name] = f"not installed: {error.name}"
        except Exception as error:  # an error of one contender must not end the measurement of the others
            left_out[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    truth = next((ready[name].answer for name in ("torch.nn", "torch packed") if name in ready), None)
    distances = {name: _distance(found.answer, truth) for name, found in ready.items()}
    for name, off in distances.items():
        if off > (work.tolerance if name == ELMAN else 1e-3):
            left_out[name] = f"its answer is another: off by {off:.2g} of the largest"
            del ready[name]
    if ELMAN not in ready:
        return {"left_out": left_out}
    blocks = interleaved(ready, item.threads, rounds, seconds)
    figures = {name: figure(found) for name, found in blocks.items()}
    ours = figures[ELMAN].microseconds
    real_steps = int(task.lengths.sum())
    return {
        "microseconds": {name: _short(found.microseconds) for name, found in figures.items()},
        "ratios": {name: _short(found.microseconds / ours) for name, found in figures.items() if name != ELMAN},
        "spread": {name: _short(found.spread) for name, found in figures.items()},
        "unsure": [name for name, found in figures.items() if not found.sure],
        "undisturbed": {name: _short(found.undisturbed) for name, found in figures.items()},
        "distance": _short(distances[ELMAN]),  # of elman's output from torch.nn's, relative to the largest element
        "gflops": _short(item.flops(real_steps) / ours / 1e3),
        "left_out": left_out,
    }


def _distance(answer: Array | None, truth: Array | None) -> float:
    """The largest difference relative to the largest value; 0 if there is nothing to compare."""
    if answer is None or truth is None:
        return 0.0
    off = float(np.abs(answer - truth).max() / np.abs(truth).max())
    return off if np.isfinite(off) else float("inf")


def _short(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("item", choices=ITEMS, metavar="ITEM")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    print(json.dumps(measured(ITEMS[asked.item], asked.rounds, asked.seconds)))
