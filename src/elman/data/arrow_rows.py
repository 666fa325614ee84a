"""Parsed rows of a source larger than memory, in a memory-mapped Arrow file."""

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

RELEASE_AFTER = 32  # rows after which pages are released; a row may load 2 MB, because systems read ahead
BLOCK = 4096  # rows that are read at once when many are skipped


class ArrowRows:
    """Columns `input.NAME`, `target.NAME`, with a split by value also `split`; and `row`, the number of each row.

    Pages of a memory map stay in the process's memory until the system needs it, which may be never: they are released
    every few rows, which costs microseconds.

    Args:
        path: an Arrow file with batches of some megabytes each.
        source: the name of the source in messages.
        where: number of a row -> its place.
        representatives: representative values of each column (see `Field.representative_values`).
        pieces: the end and the CRC-32 of each batch in the file, and of the rest. A batch is verified when it is first
            read.

    Raises:
        OSError, ValueError: the file is missing or damaged.
        IntegrityError: from the reading methods: a batch is damaged.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        where: Callable[[int], str],
        representatives: dict[str, list[Any]],
        pieces: Sequence[Sequence[int]],
    ) -> None:
        self.path, self.source, self.where, self.representatives = path, source, where, representatives
        self._pieces = pieces
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._map)))
        if len(pieces) != reader.num_record_batches + 1 or not self._is_intact(len(pieces) - 1):
            raise ValueError("the file is damaged")
        self._unread = set(range(reader.num_record_batches))
        self._batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
        self._columns = {name: [batch.column(name) for batch in self._batches] for name in reader.schema.names}
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])
        self._rows_read = 0

    def __len__(self) -> int:
        return int(self._starts[-1])

    def place(self, row: int) -> str:
        """The place of a row in the source, for messages."""
        (number,) = self.values("row", np.array([row]), lambda stored: stored.as_py())
        return self.where(number)

    def values(self, column: str, rows: np.ndarray, unpack: Callable[[pa.Scalar], Any]) -> list[Any]:
        """The values of these rows, in their order."""
        index = np.searchsorted(self._starts, rows, side="right") - 1
        inside = rows - self._starts[index]
        parts = self._columns[column]
        values = []
        for i, j in zip(index.tolist(), inside.tolist(), strict=True):
            if i in self._unread:
                self._check(i)
            values.append(unpack(parts[i][j]))
            self._rows_read += 1
            if self._rows_read >= RELEASE_AFTER:
                self.release()
        return values

    def counts(self, column: str, split: Rows) -> Counter[Any]:
        """The number of occurrences of each value in the rows of a split."""
        totals: Counter[Any] = Counter()
        for start, array in self.arrays(column):
            inside = split.places(np.arange(start, start + len(array))) >= 0
            values, counts = array.filter(pa.array(inside)).value_counts().flatten()
            totals.update(dict(zip(values.to_pylist(), counts.to_pylist(), strict=True)))
        return totals

    def arrays(self, column: str) -> Iterator[tuple[int, pa.Array]]:
        """A column from beginning to end: the number of each array's first row, and the array."""
        for index, (start, array) in enumerate(zip(self._starts.tolist(), self._columns[column], strict=False)):
            if index in self._unread:
                self._check(index)
            yield start, array
            self.release()

    def together(self, columns: Sequence[str]) -> Iterator[tuple[int, list[pa.Array]]]:
        """Several columns from beginning to end, their arrays side by side."""
        if not columns:
            return
        for parts in zip(*(self.arrays(column) for column in columns), strict=True):
            yield parts[0][0], [array for _, array in parts]

    def codes(self, column: str) -> np.ndarray:
        """The values of a column as numbers in the same order, (rows,): themselves, or the ranks of texts."""
        if not pa.types.is_string(self._columns[column][0].type):
            return np.concatenate([array.to_numpy() for _, array in self.arrays(column)])
        codes: dict[str, int] = {}
        coded = []
        for _, array in self.arrays(column):
            encoded = array.dictionary_encode()
            own = [codes.setdefault(text, len(codes)) for text in encoded.dictionary.to_pylist()]
            coded.append(np.array(own, np.int32)[encoded.indices.to_numpy()])
        ranks = np.empty(len(codes), np.int32)
        ranks[[codes[text] for text in sorted(codes)]] = np.arange(len(codes))
        ordered: np.ndarray = ranks[np.concatenate(coded)]
        return ordered

    def _check(self, batch: int) -> None:
        """Refuse a damaged batch, and delete the file, so that it is written again."""
        if not self._is_intact(batch):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            then = "Start again: the file is written again. If this happens again, check the disk."
            fail("data", str(self.path), "have its original content", "other bytes", then, IntegrityError)
        self._unread.discard(batch)
        self.release()

    def _is_intact(self, piece: int) -> bool:
        begin = self._pieces[piece - 1][0] if piece else 0
        end, expected = self._pieces[piece]
        with memoryview(self._map) as whole, whole[begin:end] as part:
            return zlib.crc32(part) == expected

    def release(self) -> None:
        """Release the memory of the pages that were read; the system still has them cached."""
        self._rows_read = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


class ColumnValues(Sequence[Any]):
    """The values of some rows of a column, in ascending order, read on demand."""

    def __init__(self, stored: ArrowRows, column: str, rows: np.ndarray, field: Field) -> None:
        self.stored, self.column, self.rows, self.field = stored, column, rows, field

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.stored.values(self.column, self.rows[index : index + 1], self.field.unpack)[0]

    def __iter__(self) -> Iterator[Any]:
        for start, array in self.stored.arrays(self.column):
            first, end = np.searchsorted(self.rows, (start, start + len(array)))
            for begin in range(first, end, BLOCK):
                chosen = array.take(pa.array(self.rows[begin : min(begin + BLOCK, end)] - start))
                yield from self.field.unpack_column(chosen)
