"""Parallel files: a row per line, a column per file, as for translations and aligned labels."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import NoReturn

import numpy as np
import pyarrow as pa

from elman.checks import fail
from elman.data.files import Digest, File
from elman.data.readers.base import decoded, lines_of
from elman.data.table import BadRows, Table, check_names
from elman.errors import DataError

TOGETHER = 1 << 15  # rows


def read_parallel(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read line n of each file into row n, in pieces.

    If the names differ only in their last suffix, such as train.en and train.fr, the suffixes are the column names;
    else the complete names are, such as seq.in, seq.out and label.

    Raises:
        DataError: the files have unequal numbers of lines, or a line is not UTF-8.
    """
    names = check_names(column_names(file), file.name)
    beside = zip_longest(*(chain.from_iterable(lines_of(one, digest)) for one in file.abreast))
    start = 0

    def where(number: int) -> str:
        return f"{file.name}:{number + 1}"

    while rows := list(islice(beside, TOGETHER)):
        cells: list[list[str]] = []
        numbers = []
        for number, lines in enumerate(rows, start):
            if None in lines:
                _refuse_unequal(file)
            texts, wrong = zip(*map(decoded, lines), strict=True)
            if any(wrong):
                column, what = next((n, w) for n, w in zip(names, wrong, strict=True) if w)
                bad.found(f"{where(number)}: column {column!r}: {what}")
            else:
                cells.append(list(texts))
                numbers.append(number)
        columns = {name: pa.array([row[i] for row in cells], pa.string()) for i, name in enumerate(names)}
        yield Table(columns, file.name, where, numbers=np.array(numbers, np.int64))
        start += len(rows)
    if not start:
        yield Table({name: [] for name in names}, file.name)


def column_names(file: File) -> Sequence[str]:
    """The column names of parallel files, see `read_parallel`."""
    names = [one.unpacked for one in file.abreast]
    endings = [name.suffix.removeprefix(".") for name in names]
    if len({name.stem for name in names}) == 1 and all(endings):
        return endings
    return [name.name for name in names]


def _refuse_unequal(file: File) -> NoReturn:
    """Raise an error with the number of lines of each file."""
    counts = {one.name: sum(map(len, lines_of(one))) for one in file.abreast}
    got = ", ".join(f"{count:,} in {name}" for name, count in counts.items())
    fail(file.name, "the files", "have equal numbers of lines", got, "Line n of each must belong together.", DataError)
