"""Processes in which importing torch raises."""

import subprocess
import sys

BLOCK_TORCH = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
"""


def without_torch(code: str, *arguments: object) -> str:
    """What this code prints in a process in which importing torch raises."""
    command = [sys.executable, "-c", BLOCK_TORCH + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
