"""The places of a training's checkpoints and log, by their names alone."""

from pathlib import Path

from elman.storage.write import CHECKPOINTS

LOG = "log.jsonl"


def all_checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run directory, the newest first; they are verified when they are read."""
    return sorted((run / CHECKPOINTS).glob("step-*"), key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The number of optimizer steps in the name of a checkpoint; -1 for any other name."""
    digits = checkpoint.name.removeprefix("step-")
    return int(digits) if digits.isdecimal() else -1
