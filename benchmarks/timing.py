"""Interleaved timing: one block per contender and round, blocks that other programs disturbed left out, medians.

A block is as many calls as fill its part of the budget. It is disturbed when this process' threads were ready but
unserved, or the host took the processor away, for more than 3 % of the block and half a millisecond: Linux says both.
A contender with fewer than three undisturbed blocks, such as one whose own threads outnumber the cores, keeps the
faster half of all of its blocks instead.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.task import Prepared

WAITED, GRACE = 0.03, 0.0005  # fraction of a block, seconds
FEWEST = 3
SETTLE = 0.005  # seconds until the threads of the last contender, which spin for a while, sleep


class Block(NamedTuple):
    seconds: float  # per call
    disturbed: bool


class Figure(NamedTuple):
    microseconds: float  # per call, median
    spread: float  # interquartile range of the blocks, relative to the median
    undisturbed: float  # fraction of the blocks
    sure: bool  # whether there were enough undisturbed blocks


def interleaved(
    contenders: Mapping[str, Prepared], threads: int, rounds: int, seconds: float
) -> dict[str, list[Block]]:
    """Blocks of every contender, `rounds` of each, fewer if that would take more than twice `seconds`."""
    share = seconds / rounds / len(contenders)
    calls = {}
    for name, contender in contenders.items():
        torch.set_num_threads(contender.threads or threads)
        calls[name] = max(1, int(share / _seconds_of(contender.run, share)))
    blocks: dict[str, list[Block]] = {name: [] for name in contenders}
    begin = time.perf_counter()
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            if turn >= FEWEST and time.perf_counter() - begin > 2 * seconds:
                break
            for name, contender in contenders.items():
                torch.set_num_threads(contender.threads or threads)
                blocks[name].append(_block(contender, calls[name]))
    finally:
        gc.enable()
    return blocks


def figure(blocks: list[Block]) -> Figure:
    """The figure of the blocks, by the rule in the module docstring."""
    calm = [block.seconds for block in blocks if not block.disturbed]
    undisturbed = len(calm) / len(blocks)
    sure = len(calm) >= FEWEST
    if not sure:
        calm = sorted(block.seconds for block in blocks)[: max(1, (len(blocks) + 1) // 2)]
    calm.sort()
    middle, quarter = median(calm), len(calm) // 4
    spread = (calm[-1 - quarter] - calm[quarter]) / middle if len(calm) > 1 else 0.0
    return Figure(1e6 * middle, spread, undisturbed, sure)


def _block(contender: Prepared, calls: int) -> Block:
    time.sleep(SETTLE)
    if calls > 3:
        contender.run()  # wakes the contender's own threads and fetches its weights; not worth it before one long call
    run, times = contender.run, range(calls)
    waited, begin = _waited(), time.perf_counter()
    for _ in times:
        run()
    took = time.perf_counter() - begin
    waited = _waited() - waited
    return Block(took * contender.scale / calls, waited > WAITED * took + GRACE)


def _seconds_of(run: Callable[[], object], share: float) -> float:
    """The approximate time of a call: the fastest of a few."""
    fastest, begin = float("inf"), time.perf_counter()
    for done in count():
        at = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - at)
        if done >= 1 and time.perf_counter() - begin > min(share, 0.1):
            return max(fastest, 1e-7)
    raise AssertionError("count() does not end")


def _waited() -> float:
    """Seconds that threads of this process waited for a processor, and that the host took; 0 if unknown."""
    return sum(_queued()) / 1e9 + _stolen()


def _queued() -> Iterator[int]:
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        try:
            yield int(thread.read_text().split()[1])
        except (OSError, IndexError):  # the thread has ended
            continue


def _stolen() -> float:
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0
