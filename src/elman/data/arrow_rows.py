"""Parsed rows of a source that is larger than memory: in an Arrow file that is mapped, not read."""

import mmap
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from elman.checks import fail
from elman.data.split import Rows
from elman.errors import IntegrityError
from elman.fields import Field

TOUCHED = 32  # rows after which what was read is let go; a row may bring 2 MB in, for systems read ahead
TOGETHER = 4096  # rows that are read together where many are passed over


class Stored:
    """Columns `input.NAME`, `target.NAME` and, where there is a split by value, `split`; and `row`, each row's number.

    What is read of a map stays in the process's memory until the system takes it back, which on a quiet machine is
    never: it is let go every few rows, which costs microseconds.

    Args:
        path: an Arrow file; its batches are some megabytes each.
        source: what messages call the source.
        where: number of a row -> where it stands.
        witnesses: of each column, values that stand for all (see `Field.witnesses`).
        pieces: where each batch of the file ends, and its CRC-32; the same of the rest. A batch is checked when it is
            first read, which all methods that read do.

    Raises:
        OSError, ValueError: the file is not there or not whole.
        IntegrityError: of the methods that read: a batch is not what was written.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        where: Callable[[int], str],
        witnesses: dict[str, list[Any]],
        pieces: Sequence[Sequence[int]],
    ) -> None:
        self.path, self.source, self.where, self.witnesses = path, source, where, witnesses
        self._pieces = pieces
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._map)))
        if len(pieces) != reader.num_record_batches + 1 or not self._is_as_written(len(pieces) - 1):
            raise ValueError("the file is not what was written")
        self._unread = set(range(reader.num_record_batches))
        self._batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
        self._columns = {name: [batch.column(name) for batch in self._batches] for name in reader.schema.names}
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])
        self._touched = 0

    def __len__(self) -> int:
        return int(self._starts[-1])

    def place(self, row: int) -> str:
        """Where a row stands in the source, for messages."""
        (number,) = self.values("row", np.array([row]), lambda stored: stored.as_py())
        return self.where(number)

    def values(self, column: str, rows: np.ndarray, unpack: Callable[[pa.Scalar], Any]) -> list[Any]:
        """The values of these rows, in their order."""
        index = np.searchsorted(self._starts, rows, side="right") - 1
        inside = rows - self._starts[index]
        parts = self._columns[column]
        found = []
        for i, j in zip(index.tolist(), inside.tolist(), strict=True):
            if i in self._unread:
                self._check(i)
            found.append(unpack(parts[i][j]))
            self._touched += 1
            if self._touched >= TOUCHED:
                self.let_go()
        return found

    def counts(self, column: str, part: Rows) -> Counter[Any]:
        """How often each value stands in the rows of a part."""
        counted: Counter[Any] = Counter()
        for start, array in self.arrays(column):
            inside = part.places(np.arange(start, start + len(array))) >= 0
            values, counts = array.filter(pa.array(inside)).value_counts().flatten()
            counted.update(dict(zip(values.to_pylist(), counts.to_pylist(), strict=True)))
        return counted

    def arrays(self, column: str) -> Iterator[tuple[int, pa.Array]]:
        """A column from front to end: the number of an array's first row, and the array."""
        for index, (start, array) in enumerate(zip(self._starts.tolist(), self._columns[column], strict=False)):
            if index in self._unread:
                self._check(index)
            yield start, array
            self.let_go()

    def together(self, columns: Sequence[str]) -> Iterator[tuple[int, list[pa.Array]]]:
        """Several columns from front to end, their arrays side by side."""
        if not columns:
            return
        for parts in zip(*(self.arrays(column) for column in columns), strict=True):
            yield parts[0][0], [array for _, array in parts]

    def numbered(self, column: str) -> np.ndarray:
        """A number for each row, (rows,), by which its values are told apart and in order: themselves, or of texts."""
        if not pa.types.is_string(self._columns[column][0].type):
            return np.concatenate([array.to_numpy() for _, array in self.arrays(column)])
        codes: dict[str, int] = {}
        coded = []
        for _, array in self.arrays(column):
            part = array.dictionary_encode()
            own = [codes.setdefault(text, len(codes)) for text in part.dictionary.to_pylist()]
            coded.append(np.array(own, np.int32)[part.indices.to_numpy()])
        ranks = np.empty(len(codes), np.int32)
        ranks[[codes[text] for text in sorted(codes)]] = np.arange(len(codes))
        found: np.ndarray = ranks[np.concatenate(coded)]
        return found

    def _check(self, batch: int) -> None:
        """Refuse a batch that is not what was written, and forget the file, so that it is made anew."""
        if not self._is_as_written(batch):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            then = "Start again: it is made anew. Where this comes back, look after the disk."
            fail("data", str(self.path), "hold what was written there", "other bytes", then, IntegrityError)
        self._unread.discard(batch)
        self.let_go()

    def _is_as_written(self, piece: int) -> bool:
        begin = self._pieces[piece - 1][0] if piece else 0
        end, expected = self._pieces[piece]
        with memoryview(self._map) as whole, whole[begin:end] as part:
            return zlib.crc32(part) == expected

    def let_go(self) -> None:
        """Give the memory of the pages that were read back to the system, which still has them at hand."""
        self._touched = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


class Some(Sequence[Any]):
    """The values of some rows of a column, ascending, read when they are asked for."""

    def __init__(self, stored: Stored, column: str, rows: np.ndarray, field: Field) -> None:
        self.stored, self.column, self.rows, self.field = stored, column, rows, field

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.stored.values(self.column, self.rows[index : index + 1], self.field.unpack)[0]

    def __iter__(self) -> Iterator[Any]:
        for start, array in self.stored.arrays(self.column):
            first, end = np.searchsorted(self.rows, (start, start + len(array)))
            for begin in range(first, end, TOGETHER):
                chosen = array.take(pa.array(self.rows[begin : min(begin + TOGETHER, end)] - start))
                yield from self.field.unpack_column(chosen)
