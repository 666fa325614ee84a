"""An epoch by `elman.train`, as a user calls it."""

import json
from collections.abc import Callable
from pathlib import Path

import elman


def make(cell: str, batch: int, hidden: int, size: int) -> Callable[[Path], float]:
    def epoch(path: Path) -> float:
        model = elman.train(
            path,
            input={"text": {"kind": "text", "embedding": size}},
            target="label",
            cell=cell,
            hidden=hidden,
            bidirectional=True,
            epochs=1,
            data={"valid_fraction": 0.0, "test_fraction": 0.0},  # no contender evaluates held-out rows
            train={"batch": batch},
        )
        last = model.artifacts["log.jsonl"].splitlines()[-1]
        return float(json.loads(last)["train_loss"])

    return epoch
