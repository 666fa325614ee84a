"""JSON lines: an object per line."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from elman.checks import shown
from elman.data.files import Cursor, Digest, File
from elman.data.readers.base import blocks
from elman.data.table import BadRows, Table

# The possible types of a key's value; all lines must agree.
KINDS: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "number": (int, float),
    "text": str,
    "list": list,
    "object": dict,
    "null": type(None),
}


def read_jsonl(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read a file of JSON objects, one per line, in pieces; a key that a line lacks is a missing value.

    Only lines that are not blank are numbered.

    Raises:
        DataError: a line is not UTF-8, not JSON or not an object, or the value of a key changes its type.
    """
    kinds: dict[str, str] = {}
    cursor, number = Cursor(partial(_numbers, file)), 0

    def where(number: int) -> str:
        return f"{file.name}:{cursor(number)}"

    with file.open(digest) as stream:
        for block in blocks(stream):
            lines = [line for line in block.split(b"\n") if line.strip()]
            table = _read(block, len(lines), kinds)
            if table is None:
                columns, good = _line_by_line(lines, kinds, number, where, bad)
            else:
                columns = {name: table.column(name).combine_chunks() for name in table.column_names}
                good = list(range(len(lines)))
            yield Table(columns, file.name, where, numbers=np.array(good, np.int64) + number, sparse=True)
            number += len(lines)
    if not number:
        yield Table({}, file.name)


def _numbers(file: File) -> Iterator[int]:
    """The line of each row."""
    with file.open() as stream:
        line = 0
        for block in blocks(stream):
            for text in block.split(b"\n")[: block.count(b"\n") + (not block.endswith(b"\n"))]:
                line += 1
                if text.strip():
                    yield line


def _read(block: bytes, rows: int, kinds: dict[str, str]) -> pa.Table | None:
    """The fast way; None if there is, or may be, an error. `kinds` has the type of each key so far."""
    try:
        table = _table(block)
        dates = [(field.name, pa.string()) for field in table.schema if pa.types.is_timestamp(field.type)]
        table = _table(block, pa.schema(dates)) if dates else table  # a text that looks like a date stays text
        table.validate(full=True)  # checks that texts are UTF-8
    except pa.ArrowInvalid:
        return None
    if len(table) != rows:  # an object on several lines, or several on one
        return None
    types = {field.name: _kind(field.type) for field in table.schema if not pa.types.is_null(field.type)}
    if any(kinds.get(name, kind) != kind for name, kind in types.items()):
        return None
    kinds |= types
    return table


def _table(block: bytes, schema: pa.Schema | None = None) -> pa.Table:
    options = pa_json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    return pa_json.read_json(pa.BufferReader(block), options, pa_json.ParseOptions(explicit_schema=schema))


def _kind(type: pa.DataType) -> str:
    """The name in KINDS of an Arrow type."""
    tests = {"boolean": pa.types.is_boolean, "text": pa.types.is_string, "list": pa.types.is_list}
    named = next((kind for kind, test in tests.items() if test(type)), "number")
    return "object" if pa.types.is_struct(type) else named


def _line_by_line(
    lines: list[bytes], kinds: dict[str, str], first: int, where: Callable[[int], str], bad: BadRows
) -> tuple[dict[str, list[Any]], list[int]]:
    """The slow way, used only after an error, to locate it. Returns the columns, and the indices of their lines."""
    rows: list[dict[str, Any]] = []
    good: list[int] = []
    for index, line in enumerate(lines):
        wrong, row = _parse(line, kinds)
        if wrong:
            bad.found(f"{where(first + index)}: {wrong}")
        else:
            rows.append(row)
            good.append(index)
    names = dict.fromkeys(key for row in rows for key in row)
    return {name: [row.get(name) for row in rows] for name in names}, good


def _parse(line: bytes, kinds: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A line -> an error message, empty if there is none, and its object; `kinds` has the type of each key so far."""
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
