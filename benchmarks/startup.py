"""Startup time: `import elman` (with its layers) relative to `import torch`, and `elman --help`, as whole processes.

python benchmarks/startup.py
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROUNDS = 7
COMMANDS = {
    "import torch": [sys.executable, "-c", "import torch"],
    "import elman": [sys.executable, "-c", "import elman"],
    "import elman; elman.train": [sys.executable, "-c", "import elman; elman.train"],
    "elman --help": [str(Path(sys.executable).parent / "elman"), "--help"],
}


def main():
    times = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS + 1):
        for name, command in COMMANDS.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(time.perf_counter() - begin)
    base = median(times["import torch"][1:])
    for name, found in times.items():
        print(f"{name:28}{median(found[1:]):8.2f} s{median(found[1:]) / base:8.2f} x import torch")


if __name__ == "__main__":
    main()
