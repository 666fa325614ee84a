"""How answers are printed: tables for a person; JSON, JSON lines and CSV for a program. All on standard output."""

from __future__ import annotations  # so that the types below need no torch

import csv
import json
import re
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from elman.inference import Step
    from elman.types import Json

MOST_CLASSES = 5  # columns of a trace
BAR = 12  # characters of the bar of a probability of 1


class Format(StrEnum):
    """What `--format` offers."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


def print_rows(rows: Sequence[Json], format: Format, values: Sequence[str] | None = None, listed: bool = False) -> None:
    """Print objects, one a row; of none JSON prints an empty list, and the other formats nothing.

    Args:
        rows: may be nested; tables and CSV have dotted keys, and CSV has lists as JSON.
        format: JSON prints one object as it is and several as a list.
        values: the values that the rows answer, shown beside them in a table.
        listed: JSON prints a list of one object too, where any number may come.
    """
    if format is Format.json:
        print(json.dumps(rows[0] if len(rows) == 1 and not listed else rows, ensure_ascii=False, indent=1))
    elif not rows:
        return
    elif format is Format.jsonl:
        print("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), flush=True)
    elif format is Format.csv:
        flat = [_flat(row) for row in rows]
        writer = csv.DictWriter(sys.stdout, _keys(flat))
        writer.writeheader()
        writer.writerows({key: _as_cell(value) for key, value in row.items()} for row in flat)
    else:
        flat = [_flat(row) for row in rows]
        _print_table([{"value": text, **row} for text, row in zip(values, flat, strict=True)] if values else flat)


def print_trace(value: str, steps: Sequence[Step], format: Format) -> None:
    """Print a trace, a row a step: the input, the norm of the state, the answer so far and its probabilities.

    Of many classes a person sees those that are the likeliest at the end.
    """
    if format is not Format.table:
        print_rows([step._asdict() for step in steps], format)
        return
    rows, final = [], steps[-1].probabilities or {}
    shown = sorted(sorted(final, key=final.__getitem__)[-MOST_CLASSES:], key=list(final).index)
    for number, step in enumerate(steps, 1):
        row: Json = {"step": number, "read": step.piece}
        if step.norm is not None:
            row["state"] = f"|h{number}| = {step.norm:.3f}"
        row["answer so far"] = step.prediction
        for label in shown:
            row[label] = _bar((step.probabilities or {})[label])
        rows.append(row)
    print(f"\n{value}")
    _print_table(rows)
    print(f"-> {_words(steps[-1].prediction)}")


def with_files(answers: list[Json], data: Path | None) -> list[Json]:
    """The answers to a folder, each beside the name of its file; as they are if it is none, or if rows were skipped."""
    from elman.data import BadRows, read

    if data is None or not data.is_dir():
        return answers
    table = read(data, BadRows(skip=True))
    names = table.column("file") if "file" in table.columns else []
    if len(names) != len(answers):
        return answers
    return [{"file": name, **answer} for name, answer in zip(names, answers, strict=True)]


def print_next(answers: Sequence[Json], format: Format, values: Sequence[str] | None = None) -> None:
    """Print the likeliest next symbols of each row, in a table a row a symbol; of frames, the next one.

    Args:
        answers: {"prediction": ..., "probabilities": {symbol: probability}}, of frames the prediction alone.
        format: as `print_rows`.
        values: the prompts, shown above a table.
    """
    if format is not Format.table or not all("probabilities" in answer for answer in answers):
        print_rows(answers, format, values)
        return
    for number, answer in enumerate(answers):
        print(f"\n{values[number] if values else f'row {number + 1}'} ...")
        likeliest = answer["probabilities"].items()
        _print_table([{"next": _visible(symbol), "probability": _bar(each)} for symbol, each in likeliest])


def print_texts(rows: Sequence[Json], format: Format, alone: bool) -> None:
    """Print generated texts; a person gets the texts as they are, of several values in a table.

    Args:
        rows: each with "text", its scores, and the value that it was generated from.
        format: as `print_rows`.
        alone: all are of one value.
    """
    if format is not Format.table:
        print_rows(rows, format)
    elif alone:
        between = "\n\n" if any("\n" in row["text"] for row in rows) else "\n"
        print(between.join(row["text"] for row in rows))
    else:
        scores = ("log_probability", "score", "ended")
        _print_table([{key: value for key, value in row.items() if key not in scores} for row in rows])


def print_facts(facts: Json, format: Format) -> None:
    """Print one object, in a table as a row a key."""
    if format is Format.table:
        _print_table([{"": key, "value": _words(value)} for key, value in facts.items()])
    else:
        print_rows([facts], format)


def _print_table(rows: Sequence[Json]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table, keys = Table(box=box.SIMPLE_HEAD, pad_edge=False), _keys(rows)
    ends = {key: re.split(r"\.(?!\d)", key)[-1] for key in keys}
    several = len(set(ends.values())) < len(keys)  # targets that have the same figures
    for key in keys:
        numbers = all(isinstance(row.get(key), (int, float)) for row in rows)
        table.add_column(key if several else ends[key], justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_words(row.get(key)) for key in keys))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def _bar(probability: float) -> str:
    return f"{probability:.3f} {'█' * round(BAR * probability)}"


def _visible(symbol: str) -> str:
    """A symbol as it is; in quotation marks where it has white space or what cannot be printed."""
    return symbol if symbol.isprintable() and symbol == symbol.strip() else repr(symbol)


def _flat(row: Json, prefix: str = "") -> Json:
    """Nested objects as dotted keys."""
    flat: Json = {}
    for key, value in row.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _as_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _keys(rows: Sequence[Json]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    if isinstance(value, list) and all(isinstance(inner, float) for inner in value):
        return f"[{', '.join(map(_words, value))}]"
    if isinstance(value, list) and value and all(isinstance(inner, str) for inner in value):  # tags, or classes
        return (", " if any(" " in inner for inner in value) else " ").join(value)
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)
