"""Translation of a batch of sentences: elman, greedy and beam search, compared with JoeyNMT and a loop over torch.nn.

    python -m benchmarks.decoding                    # a vocabulary of 10,000 words, hidden 256 and 512, 1 and 2 threads
    python -m benchmarks.decoding --hidden 256 --rounds 15
    python -m pip install --no-deps --target JOEY joeynmt==2.3.0 'importlib_metadata<9' zipp ...  # as imports ask for
    python -m benchmarks.decoding --joey JOEY        # JoeyNMT from a folder, because it needs other versions than ours

All contenders have the same weights and generate the same symbols, which is checked first; then they run in turn in one
process. The time is from padded ids to lists of ids, including the encoder and all preparation of a batch.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from importlib import import_module
from statistics import median
from time import perf_counter

import torch

from benchmarks import results
from benchmarks.machine import describe
from benchmarks.measure import WAITS, environment
from benchmarks.peers.translation import BEAM, EMBEDDING, LONGEST, make_translation
from benchmarks.run import ROOT, report
from benchmarks.works import ELMAN
from elman.types import Json

BATCH, HIDDEN, THREADS, ROUNDS = 64, (256, 512), (1, 2), 9
ELMAN_BEAM, JOEY_BEAM = f"elman, beam {BEAM}", f"JoeyNMT, beam {BEAM}"
CONTENDERS = {
    ELMAN: "decode_own:greedy",
    "JoeyNMT": "decode_joey:greedy",
    "torch.nn loop": "decode_torch:greedy",
    ELMAN_BEAM: "decode_own:beam",
    JOEY_BEAM: "decode_joey:beam",
}
SAME = (
    ("JoeyNMT", ELMAN),
    ("torch.nn loop", ELMAN),
    (JOEY_BEAM, ELMAN_BEAM),
)  # each must generate the same as the other


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, choices=HIDDEN, help="default: both")
    parser.add_argument("--threads", type=int, choices=THREADS, help="default: both")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each contender, default {ROUNDS}")
    parser.add_argument("--joey", default="", metavar="FOLDER", help="where JoeyNMT is, if not installed")
    parser.add_argument("--wait", choices=WAITS, default=WAITS[0], help="how OpenMP's threads wait, see measure.py")
    parser.add_argument("--alone", action="store_true", help="measure one setting in this process, and print it")
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(measured(asked.hidden, asked.threads, asked.rounds, asked.joey)))
        return
    for hidden in (asked.hidden,) if asked.hidden else HIDDEN:
        for threads in (asked.threads,) if asked.threads else THREADS:
            command = [sys.executable, "-m", "benchmarks.decoding", "--alone", "--joey", asked.joey]
            command += ["--hidden", str(hidden), "--threads", str(threads), "--rounds", str(asked.rounds)]
            env = environment(threads, asked.wait)
            done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
            entry = json.loads(done.stdout.strip().rpartition("\n")[2])
            print_table(entry)
            name, machine = describe(asked.wait)
            results.add(entry | {"machine": name}, machine)
    report()


def measured(hidden: int, threads: int, rounds: int, joey: str) -> Json:
    """The entry for results.json, but for the machine."""
    if joey:
        sys.path.append(joey)  # last, so that nothing of ours gives way to what lies there
    logging.disable()
    torch.set_num_threads(threads)
    task = make_translation(BATCH, hidden)
    ready, left_out = {}, {}
    for name, where in CONTENDERS.items():
        module, _, function = where.partition(":")
        try:
            ready[name] = getattr(import_module(f"benchmarks.peers.{module}"), function)(task)
        except ImportError as error:
            left_out[name] = f"not installed: {error.name}"
    written = {name: run() for name, run in ready.items()}
    for name, like in SAME:
        if name in written and written[name] != written[like]:
            other = sum(one != two for one, two in zip(written[name], written[like], strict=True))
            left_out[name] = f"it generates other symbols in {other} of {BATCH} rows"
            del ready[name]
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    load = os.getloadavg()[0]
    for _ in range(rounds):
        for name, run in ready.items():
            begin = perf_counter()
            run()
            seconds[name].append(perf_counter() - begin)
    times = {name: sorted(found) for name, found in seconds.items()}
    middle = {name: median(found) for name, found in times.items()}
    ours = {name: middle[ELMAN_BEAM if name == JOEY_BEAM else ELMAN] for name in middle}
    spread = {name: (found[-1 - rounds // 4] - found[rounds // 4]) / middle[name] for name, found in times.items()}
    return {
        "work": results.DECODING,
        "cell": "lstm",
        "batch": BATCH,
        "time": LONGEST,
        "input_size": EMBEDDING,
        "hidden_size": hidden,
        "threads": threads,
        "microseconds": {name: round(1e6 * value) for name, value in middle.items()},
        "ratios": {name: _short(value / ours[name]) for name, value in middle.items() if name != ELMAN},
        "spread": {name: _short(value) for name, value in spread.items()},
        "words": sum(map(len, written[ELMAN])),
        "load": _short(load),  # of the machine at the beginning
        "gflops": None,
        "ceiling": None,
        "left_out": left_out,
    }


def print_table(entry: Json) -> None:
    """Milliseconds per batch, and the ratio to elman's."""
    print(f"hidden {entry['hidden_size']}, {entry['threads']} threads, load {entry['load']}")
    for name, microseconds in entry["microseconds"].items():
        ratio = f"{entry['ratios'][name]:8.2f}" if name in entry["ratios"] else ""
        print(f"{name:16}{microseconds / 1e3:9.1f} ms{ratio}")
    for name, reason in entry["left_out"].items():
        print(f"{name:16} left out: {reason}")


def _short(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
