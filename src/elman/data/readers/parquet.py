"""Parquet: columns with types of their own."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from elman.checks import fail, shown
from elman.data.table import BadRows, Table, check_names
from elman.errors import DataError


def read_parquet(path: Path, bad: BadRows) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: it is none, or it is damaged.
    """
    try:
        check_names(pq.read_schema(path).names, path.name)
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        fail(path.name, "the file", "be a whole Parquet file", shown(str(error)), "Write it again.", DataError)
    return Table({name: table.column(name) for name in table.column_names}, path.name)
