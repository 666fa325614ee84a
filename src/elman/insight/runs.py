"""The run directories of a folder: their state, progress and metrics; and their logs."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from elman.checks import fail, shown
from elman.errors import DataError, ElmanError
from elman.metrics import METRICS
from elman.storage import CHECKPOINTS, LOG, MANIFEST, Directory, all_checkpoints, is_held
from elman.types import Json

DEEPEST = 3  # levels of folders below the searched one


class Log(NamedTuple):
    """The evaluations of one training."""

    name: str
    rows: list[dict[str, Any]]  # as in `History.rows`
    metric: str  # the first metric of its target

    def best(self) -> float | None:
        """The best validation figure so far, or None without one."""
        values = [row[f"valid_{self.metric}"] for row in self.rows if row.get(f"valid_{self.metric}") is not None]
        if not values:
            return None
        return float(max(values) if METRICS[self.metric].higher_is_better else min(values))


def list_runs(folder: str | Path) -> list[Json]:
    """A row per run directory in `folder` or a few levels below it, the newest first.

    Each has run, state (running, stopped, done or damaged), metric, best (on the validation split), test, epoch, cell,
    hidden and age_minutes (since the last logged evaluation).

    Raises:
        DataError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        then = "Name a folder that holds run directories."
        fail("runs", "the folder", "exist", shown(str(folder)), then, DataError)
    below = [path for depth in range(1, DEEPEST + 1) for path in folder.glob("/".join("*" * depth))]
    ours = [path for path in below if CHECKPOINTS not in path.parts and not path.name.startswith(".")]
    runs = [path for path in (folder, *ours) if _is_run(path)]
    rows = sorted((_row(path, folder) for path in runs), key=lambda row: row["age_minutes"])
    return [{key: None if value == math.inf else value for key, value in row.items()} for row in rows]


def read_log(run: str | Path) -> Log:
    """The log of a run directory, whether its training has ended or not.

    Raises:
        DataError: there is none.
        IntegrityError: it was changed or damaged.
    """
    path = Path(run)
    current = path / CHECKPOINTS / LOG
    content = current.read_bytes() if current.is_file() else Directory(path, [LOG]).read(LOG)
    try:
        rows = [json.loads(line) for line in content.splitlines()]
    except ValueError as error:
        fail(str(path), LOG, "be JSON lines", str(error), "Wait for the next evaluation.", DataError)
    return Log(str(run), rows, _metric_of(rows))


def _is_run(path: Path) -> bool:
    """Whether a folder is a model's run directory, or that of a training in progress."""
    return (path / "config.json").is_file() or (path.is_dir() and bool(all_checkpoints(path)))


def _row(path: Path, above: Path) -> Json:
    left = all_checkpoints(path)
    state = "running" if is_held(path) else "stopped" if left else "done"
    row: Json = {"run": str(path if path == above else path.relative_to(above)), "state": state}
    try:
        described = Directory(left[0] if left else path)
        config = described.json("config.json")["config"]["model"]
        log = read_log(path)
        test = None if left else (described.json("metrics.json").get("test") or {}).get(log.metric)
        written = (path / CHECKPOINTS / LOG if left else path / MANIFEST).stat().st_mtime
    except (ElmanError, OSError, LookupError, ValueError):
        return row | {"state": "damaged", "age_minutes": math.inf}
    return row | {
        "metric": log.metric,
        "best": log.best(),
        "test": test,
        "epoch": log.rows[-1]["epoch"] if log.rows else 0,
        "cell": config.get("cell"),
        "hidden": config.get("hidden"),
        "age_minutes": round((time.time() - written) / 60, 1),
    }


def _metric_of(rows: Sequence[dict[str, Any]]) -> str:
    """The metric that selects the best weights: the first one in the log."""
    for row in rows:
        for key in row:
            if key.removeprefix("valid_") in METRICS:
                return key.removeprefix("valid_")
    return ""
