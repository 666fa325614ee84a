"""A synthetic CSV of any size, and the cost of a training on it: time to the first step, memory, a second run.

    python benchmarks/big_csv.py make 5 reviews.csv             # 5 GB of text and label; 60 s
    python benchmarks/big_csv.py make 5 readings.csv --numbers  # 16 measurements and a label per row
    python benchmarks/big_csv.py measure reviews.csv            # in the cache folder ELMAN_CACHE

Each is measured in a process of its own: reading the file once (by pandas in pieces, and by pyarrow's streaming reader,
which is the fastest; cells as texts or numbers), a training of 200 steps from the file, and the same training again
from the cache. CPU seconds, of both cores together, are reported too; they are more reliable while other programs run.
The file is in the page cache for all measurements.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WORDS, BLOCK, STEPS = 30_000, 50_000, 200  # size of the vocabulary; rows written at once; training steps
READ = """
import sys, time, pyarrow as pa
from pyarrow.csv import *
names = open(sys.argv[1]).readline().strip().split(",")
begin = time.perf_counter()
types = {name: pa.float64() if name.startswith("v") else pa.string() for name in names}
options = ConvertOptions(column_types=types)
rows = sum(batch.num_rows for batch in open_csv(sys.argv[1], ReadOptions(use_threads=False, block_size=1 << 24),
                                                ParseOptions(newlines_in_values=True), options))
print(time.perf_counter() - begin, time.process_time(), rows)
"""
READ_BY_PANDAS = """
import sys, time, pandas
begin = time.perf_counter()
for piece in pandas.read_csv(sys.argv[1], chunksize=200_000):
    pass
print(time.perf_counter() - begin)
"""
TRAIN = """
import json, sys, threading, time
begin = time.perf_counter()
import elman
from elman.training.step import GradientDescent
first = []
step = GradientDescent.step
def timed(self, batch, history):
    first or first.extend((time.perf_counter() - begin, time.process_time()))
    if history.step == int(sys.argv[4]):
        raise KeyboardInterrupt
    return step(self, batch, history)
GradientDescent.step = timed
try:
    elman.train(sys.argv[1], input=sys.argv[2], target=sys.argv[3], hidden=32, epochs=1, quiet=True)
except KeyboardInterrupt:
    pass
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
steps = time.perf_counter() - begin - first[0]
print(json.dumps({"first_step": first[0], "processor": first[1], "steps": steps, "peak": peak / 1e6}))
"""


def make(path: Path, gigabytes: float, numbers: bool) -> None:
    """Write the file: reviews of 5 to 59 words with a label, or 16 numbers with a label."""
    random = np.random.default_rng(0)
    words = np.array(["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(WORDS)])
    size, rows = int(gigabytes * 1e9), 0
    with path.open("w") as file:
        file.write((",".join(f"v{step}" for step in range(16)) if numbers else "review") + ",label\n")
        while file.tell() < size:
            labels = random.integers(0, 2, BLOCK)
            if numbers:
                cells = np.char.mod("%.5f", random.normal(size=(BLOCK, 16)).cumsum(1) * (1 + labels[:, None]))
                lines = (",".join(row) for row in cells.tolist())
            else:
                lengths = random.integers(5, 60, BLOCK)
                sampled = words[(WORDS * random.random(lengths.sum()) ** 3).astype(int)].tolist()
                ends = lengths.cumsum()
                texts = (sampled[end - length : end] for end, length in zip(ends, lengths, strict=True))
                lines = (
                    " ".join(["good" if label else "bad", *text]) for text, label in zip(texts, labels, strict=True)
                )
            file.writelines(f"{line},{'ny'[label]}\n" for line, label in zip(lines, labels, strict=True))
            rows += BLOCK
    print(f"{path}: {path.stat().st_size / 1e9:.2f} GB, {rows:,} rows")


def measure(path: Path) -> dict[str, float]:
    """Seconds and gigabytes, see the module docstring."""
    with path.open() as file:
        column = file.readline().partition(",")[0]
    columns = ("v*" if column == "v0" else column, "label")
    by_pandas = float(run(READ_BY_PANDAS, cached(path)))
    read, processor, rows = run(READ, cached(path)).split()
    first = json.loads(run(TRAIN, cached(path), *columns, STEPS))
    second = json.loads(run(TRAIN, path, *columns, STEPS))
    return {
        "gigabytes": round(path.stat().st_size / 1e9, 3),
        "rows": int(rows),
        "read_by_pandas": round(by_pandas, 2),
        "read": round(float(read), 2),
        "read_processor": round(float(processor), 2),
        "first_step": round(first["first_step"], 2),
        "first_step_processor": round(first["processor"], 2),
        "over_read_by_pandas": round(first["first_step"] / by_pandas, 2),
        "over_read": round(first["first_step"] / float(read), 2),
        "peak_gigabytes": round(first["peak"], 3),
        "steps": round(first["steps"], 2),
        "second_run": round(second["first_step"], 2),
        "second_run_processor": round(second["processor"], 2),
        "second_peak_gigabytes": round(second["peak"], 3),
    }


def cached(path: Path) -> Path:
    """Read the file, so that it is in the page cache; returns its path."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return path


def run(program: str, *arguments: object) -> str:
    """The standard output of a program."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    making.add_argument("gigabytes", type=float)
    making.add_argument("path", type=Path)
    making.add_argument("--numbers", action="store_true")
    verbs.add_parser("measure").add_argument("path", type=Path)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.path, given.gigabytes, given.numbers)
    else:
        begin = time.perf_counter()
        print(json.dumps(measure(given.path), indent=1))
        print(f"{time.perf_counter() - begin:.0f} s, {os.cpu_count()} cores", file=sys.stderr)


if __name__ == "__main__":
    main()
