"""Parquet files."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from elman.checks import fail, shown
from elman.data.files import Digest, File
from elman.data.table import BadRows, Table, check_names
from elman.errors import DataError

ROWS = 1 << 16  # that are read at once


def read_parquet(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read a Parquet file, in pieces.

    Raises:
        DataError: it is not a Parquet file, or it is damaged.
    """
    if digest is not None:  # the columns are not read in order
        with file.open(digest, again=True) as stream:
            while stream.read(1 << 20):
                pass
    number = 0
    for batch in _batches(file):
        columns = {name: batch.column(name) for name in batch.schema.names}
        yield Table(columns, file.name, numbers=np.arange(number, number + batch.num_rows))
        number += batch.num_rows
    if not number:
        yield Table({}, file.name)


def _batches(file: File) -> Iterator[pa.RecordBatch]:
    try:
        # Not memory-mapped, because touched pages of a map count as memory of this process.
        with file.open() as stream, pq.ParquetFile(stream) as parquet:
            check_names(parquet.schema_arrow.names, file.name)
            yield from parquet.iter_batches(ROWS, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        fail(file.name, "the file", "be a complete Parquet file", shown(str(error)), "Write it again.", DataError)
