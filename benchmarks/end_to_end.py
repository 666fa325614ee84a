"""One epoch of sentiment on SST-2, from the file to the last step: `elman.train`, plain torch loops and Keras.

    python -m benchmarks.end_to_end                  # ELMAN_DATA names the folder that holds sst2/
    python -m benchmarks.end_to_end --cell gru --rounds 5

Every contender reads the same CSV file, tokenizes it and counts its words, and trains a bidirectional layer with hidden
size 128 on embeddings of size 100 in batches of 32, with dropout, gradient clipping, AdamW and a logged loss. Each runs
two epochs in a process of its own, the contenders in turn; only the second epoch counts, to exclude compilation.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median

import torch

from benchmarks import results
from benchmarks.machine import describe
from benchmarks.measure import WAITS, environment
from benchmarks.run import ROOT, report
from benchmarks.works import ELMAN
from elman.types import Json

FILE = Path("sst2") / "stsa.binary.train"
BATCH, HIDDEN, SIZE, THREADS, ROUNDS = 32, 128, 100, 2, 3
CONTENDERS = {
    ELMAN: "epoch_own:make",
    "torch packed": "epoch_torch:packed",
    "torch padded": "epoch_torch:padded_bucketed",
    "Keras on JAX": "epoch_keras:make",
}


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", choices=("lstm", "gru"), help="default: both")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"processes of each contender, default {ROUNDS}")
    parser.add_argument("--rows", type=int, help="use only n sentences, as a trial: nothing is written")
    parser.add_argument("--wait", choices=WAITS, default=WAITS[0], help="how OpenMP's threads wait, see measure.py")
    parser.add_argument("--alone", nargs=3, metavar=("CONTENDER", "CELL", "CSV"), help="one contender in this process")
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(alone(*asked.alone)))
        return
    source = Path(os.environ.get("ELMAN_DATA", "")) / FILE
    if not source.is_file():
        parser.error(f"ELMAN_DATA must be a folder with {FILE}, got {os.environ.get('ELMAN_DATA')!r}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sentences.csv"
        longest = write_csv(source, path, asked.rows)
        for cell in (asked.cell,) if asked.cell else ("lstm", "gru"):
            seconds, left_out = in_turn(cell, path, asked.rounds, asked.wait)
            print_table(cell, seconds, left_out)
            if asked.rows is None and ELMAN in seconds:
                name, machine = describe(asked.wait)
                results.add(entry_of(cell, seconds, left_out, longest) | {"machine": name}, machine)
    if asked.rows is None:
        report()


def write_csv(source: Path, path: Path, rows: int | None) -> int:
    """Write the lines `0|1 text` as columns text and label -> words of the longest."""
    lines = [line.split(maxsplit=1) for line in source.read_text(encoding="utf-8").splitlines()[:rows]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((text, ("negative", "positive")[int(label)]) for label, text in lines)
    return max(len(text.split()) for _, text in lines)


def alone(contender: str, cell: str, path: str) -> Json:
    """Two epochs in this process -> seconds of each and the mean loss of the last."""
    torch.set_num_threads(THREADS)
    module, _, function = CONTENDERS[contender].partition(":")
    try:
        epoch = getattr(import_module(f"benchmarks.peers.{module}"), function)(cell, BATCH, HIDDEN, SIZE)
    except ImportError as error:
        return {"left_out": f"not installed: {error.name}"}
    seconds, loss = [], 0.0
    for _ in range(2):
        begin = time.perf_counter()
        loss = epoch(Path(path))
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "loss": loss}


def in_turn(cell: str, path: Path, rounds: int, wait: str) -> tuple[dict[str, list[Json]], dict[str, str]]:
    """Run every contender once per round, each in a process of its own -> results, and reasons of those left out."""
    found: dict[str, list[Json]] = {name: [] for name in CONTENDERS}
    left_out: dict[str, str] = {}
    env = environment(THREADS, wait) | {"KERAS_BACKEND": "jax"}
    for turn in range(rounds):
        for name in CONTENDERS:
            command = [sys.executable, "-m", "benchmarks.end_to_end", "--alone", name, cell, str(path)]
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
            last = (done.stderr if done.returncode else done.stdout).strip().rpartition("\n")[2]
            run = {"left_out": f"status {done.returncode}: {last}"} if done.returncode else json.loads(last)
            print(f"{cell}, round {turn + 1}, {name}: {run}", file=sys.stderr, flush=True)
            if "left_out" in run:
                left_out[name] = run["left_out"]
            else:
                found[name].append(run)
    return {name: runs for name, runs in found.items() if runs}, left_out


def entry_of(cell: str, runs: dict[str, list[Json]], left_out: dict[str, str], longest: int) -> Json:
    """The entry for results.json; `first` is the epoch with compilation and warm-up."""
    times = {name: sorted(run["seconds"][1] for run in found) for name, found in runs.items()}
    middle = {name: median(found) for name, found in times.items()}
    return {
        "work": results.EPOCH,
        "cell": cell,
        "batch": BATCH,
        "time": longest,
        "input_size": SIZE,
        "hidden_size": HIDDEN,
        "threads": THREADS,
        "microseconds": {name: round(1e6 * value) for name, value in middle.items()},
        "first": {name: round(1e6 * median(run["seconds"][0] for run in found)) for name, found in runs.items()},
        "ratios": {name: float(f"{value / middle[ELMAN]:.4g}") for name, value in middle.items() if name != ELMAN},
        "spread": {name: float(f"{(found[-1] - found[0]) / middle[name]:.4g}") for name, found in times.items()},
        "gflops": None,
        "ceiling": None,
        "left_out": left_out,
    }


def print_table(cell: str, runs: dict[str, list[Json]], left_out: dict[str, str]) -> None:
    """Seconds of the first and the second epoch, the loss, and the ratio to elman's second."""
    print(f"{f'Bi{cell.upper()}':16}{'first':>9}{'second':>9}{'loss':>8}{'ratio':>8}")
    middle = {name: median(run["seconds"][1] for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        first, ratio = median(run["seconds"][0] for run in found), middle[name] / middle.get(ELMAN, float("nan"))
        print(f"{name:16}{first:8.2f}s{middle[name]:8.2f}s{found[-1]['loss']:8.3f}{ratio:8.2f}")
    for name, reason in left_out.items():
        print(f"{name:16} left out: {reason}")


if __name__ == "__main__":
    main()
