"""The files of the figures: benchmarks/results.json, a list of entries, and machines.json beside it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.works import WORKS
from elman.types import Json

FOLDER = Path(__file__).parent
KEY = ("machine", "work", "cell", "batch", "time", "input_size", "hidden_size", "threads")
EPOCH, DECODING = "epoch", "decoding"  # the works that `end_to_end` and `decoding` measure


def merged(kept: Iterable[Json], fresh: Iterable[Json]) -> list[Json]:
    """Both lists in one, in the order of the page; new entries replace old ones."""
    entries = {_key(entry): entry for entry in (*kept, *fresh)}
    works = [*WORKS, EPOCH, DECODING]
    return sorted(
        entries.values(),
        key=lambda e: (e["machine"], works.index(e["work"]), e["cell"], e["threads"], e["batch"], e["hidden_size"]),
    )


def read(folder: Path = FOLDER) -> tuple[list[Json], dict[str, Json]]:
    """The entries and the machines of a folder; empty without files."""
    entries, machines = (folder / "results.json", folder / "machines.json")
    return _json(entries, []), _json(machines, {})


def add(entry: Json, machine: Json, folder: Path = FOLDER) -> None:
    """Add an entry, and its machine, to the files."""
    entries, machines = read(folder)
    _write(folder / "results.json", merged(entries, [entry]))
    _write(folder / "machines.json", {**machines, entry["machine"]: machine})


def _key(entry: Json) -> tuple[Any, ...]:
    return tuple(entry[name] for name in KEY)


def _json(path: Path, default: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def _write(path: Path, content: Any) -> None:
    part = path.with_suffix(".part")  # so that an interrupted run leaves the old file intact
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
