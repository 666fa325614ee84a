"""Measures items, each in a process of its own, and writes benchmarks/results.json, docs/benchmarks.md and .png.

python -m benchmarks.run                                  # everything: about 40 minutes
python -m benchmarks.run --only 'training/gru/*'          # only these; all other figures stay the same
python -m benchmarks.run --only step/lstm --seconds 4
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks import results
from benchmarks.ceilings import ceiling
from benchmarks.items import Item, picked
from benchmarks.machine import describe
from benchmarks.measure import ROUNDS, SECONDS, WAITS, environment
from benchmarks.plot import draw
from benchmarks.report import page
from elman.types import Json

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PATTERN", help="a glob or a part of an item's id; default: all items")
    parser.add_argument("--threads", type=int, help="items with n threads; default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"blocks of each contender, default {ROUNDS}")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"time budget of an item, default {SECONDS}")
    parser.add_argument("--wait", choices=WAITS, default=WAITS[0], help="how OpenMP's threads wait, see measure.py")
    parser.add_argument("--list", action="store_true", help="print the ids and measure nothing")
    parser.add_argument("--report", action="store_true", help="write the page again and measure nothing")
    asked = parser.parse_args()
    items = picked(asked.only, asked.threads)
    if not items:
        parser.error(f"--only and --threads must leave an item, {asked.only!r} left none. See --list.")
    if asked.list:
        print("\n".join(item.id for item in items))
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not asked.report:
        name, machine = describe(asked.wait)
        console.print(f"{name}; OMP_WAIT_POLICY {asked.wait} for all contenders", markup=False)
        for item in track(items, "measuring", console=console, disable=not console.is_terminal):
            entry = entry_of(item, name, machine, asked.rounds, asked.seconds)
            console.print(_line(item, entry), markup=False)
            if "ratios" in entry:
                results.add(entry, machine)
    report()


def report() -> None:
    """Write the page, and the picture of the machine with the most figures."""
    entries, machines = results.read()
    (DOCS / "benchmarks.md").write_text(page(entries, machines), encoding="utf-8")
    names = [entry["machine"] for entry in entries]
    if names:
        largest = max(dict.fromkeys(names), key=names.count)
        draw([entry for entry in entries if entry["machine"] == largest], DOCS / "benchmarks.png")


def entry_of(item: Item, name: str, machine: Json, rounds: int, seconds: float) -> Json:
    """Measure an item in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.measure", item.id, f"--rounds={rounds}", f"--seconds={seconds}"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(item.threads, machine["wait"]), capture_output=True, text=True
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]  # empty if a signal ended it
        return {"left_out": {"all": f"the process left with status {done.returncode}: {last}"}}
    figures = json.loads(done.stdout.strip().rpartition("\n")[2])  # a library may have printed lines before it
    return {**item._asdict(), **figures, "ceiling": ceiling(item, machine["ceilings"]), "machine": name}


def _line(item: Item, entry: Json) -> str:
    said = [f"{who} {ratio:.3g}" for who, ratio in entry.get("ratios", {}).items()]
    said += [f"{who} left out ({reason})" for who, reason in entry["left_out"].items()]
    return f"{item.id}: {', '.join(said)}"


if __name__ == "__main__":
    main()
