"""JSON lines: an object a line."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pa_json

from elman.checks import shown
from elman.data.table import BadRows, Table

# The types that a key's value may have; all lines must agree.
KINDS: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "number": (int, float),
    "text": str,
    "list": list,
    "object": dict,
    "null": type(None),
}


def read_jsonl(path: Path, bad: BadRows) -> Table:
    """Read a file of JSON objects, one a line; a key that a line lacks is a missing value.

    Raises:
        DataError: a line that is not UTF-8, not JSON or not an object, or a key whose value changes its type.
    """
    try:
        table = _read(path)
        dates = [(field.name, pa.string()) for field in table.schema if pa.types.is_timestamp(field.type)]
        table = _read(path, pa.schema(dates)) if dates else table  # a text that looks like a date is a text
        table.validate(full=True)  # that texts are UTF-8
    except pa.ArrowInvalid:
        return _line_by_line(path, bad)
    with path.open("rb") as file:
        if sum(1 for line in file if line.strip()) != len(table):  # an object over several lines, or several in one
            return _line_by_line(path, bad)
    columns = {name: table.column(name) for name in table.column_names}
    lines: list[int] = []

    def place(row: int) -> str:
        if not lines:
            with path.open("rb") as file:
                lines.extend(number for number, line in enumerate(file, 1) if line.strip())
        return f"{path.name}:{lines[row]}"

    return Table(columns, path.name, place)


def _read(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    options = pa_json.ReadOptions(use_threads=False, block_size=1 << 26)
    return pa_json.read_json(path, options, pa_json.ParseOptions(explicit_schema=schema))


def _line_by_line(path: Path, bad: BadRows) -> Table:
    """The slow way, taken only where something is wrong: it knows which line."""
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    kinds: dict[str, str] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            wrong, row = _parse(line, kinds)
            if wrong:
                bad.found(f"{path.name}:{number}: {wrong}")
            else:
                rows.append(row)
                lines.append(number)
    names = dict.fromkeys(key for row in rows for key in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Table(columns, path.name, lambda row: f"{path.name}:{lines[row]}")


def _parse(line: bytes, kinds: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A line -> what is wrong with it (or nothing), and its object; `kinds` remembers each key's type."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return f"the line must be UTF-8, got {shown(line)}", {}
    except (ValueError, RecursionError):
        return f"the line must be a JSON object, got {shown(line.decode().strip())}", {}
    if not isinstance(row, dict):
        return f"the line must be a JSON object, got {shown(row)}", {}
    for key, value in row.items():
        kind = next(kind for kind, types in KINDS.items() if isinstance(value, types))
        if value is not None and kinds.setdefault(key, kind) != kind:
            return f"column {key!r} must be a {kinds[key]}, as in the lines before, got {shown(value)}", {}
    return "", row
