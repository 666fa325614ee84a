"""From files and tables to padded batches."""

from elman.data.arrow_rows import ArrowRows
from elman.data.batch import Batch, Examples
from elman.data.cache import cache_folder, key_of, read_checked, write_checked
from elman.data.fetch import PublicFile, fetch, fetch_together, github
from elman.data.files import File, Paths, find_files, is_path, run_name, seen_from, source_name
from elman.data.infer import are_single_words, infer_kind
from elman.data.lazy import lazy_examples
from elman.data.order import Lengths, batches_an_epoch, in_order_of_length, padding_fraction, shuffled
from elman.data.paths import root_of, with_whole_paths
from elman.data.permutation import Permutation
from elman.data.prefetch import prefetched
from elman.data.prepare import Parsed, encode, gather, parse, spread_series
from elman.data.readers import (
    READERS,
    blocks_of,
    head,
    read,
    read_files,
    read_pieces,
    read_rows,
    read_stream,
    table_of,
)
from elman.data.reshape import from_long, from_wide, matching_columns
from elman.data.split import Rows, Split, split_rows
from elman.data.split_in_time import fractions_in_time, joined_in_time
from elman.data.store import StoredColumn, open_stored, stored_field, stored_value
from elman.data.stream import StreamExamples
from elman.data.table import BadRows, Table, from_memory
from elman.data.timeline import Timeline, dates_of, plain, timelines
from elman.data.window import WindowExamples

__all__ = [
    "READERS",
    "ArrowRows",
    "BadRows",
    "Batch",
    "Examples",
    "File",
    "Lengths",
    "Parsed",
    "Paths",
    "Permutation",
    "PublicFile",
    "Rows",
    "Split",
    "StoredColumn",
    "StreamExamples",
    "Table",
    "Timeline",
    "WindowExamples",
    "are_single_words",
    "batches_an_epoch",
    "blocks_of",
    "cache_folder",
    "dates_of",
    "encode",
    "fetch",
    "fetch_together",
    "find_files",
    "fractions_in_time",
    "from_long",
    "from_memory",
    "from_wide",
    "gather",
    "github",
    "head",
    "in_order_of_length",
    "infer_kind",
    "is_path",
    "joined_in_time",
    "key_of",
    "lazy_examples",
    "matching_columns",
    "open_stored",
    "padding_fraction",
    "parse",
    "plain",
    "prefetched",
    "read",
    "read_checked",
    "read_files",
    "read_pieces",
    "read_rows",
    "read_stream",
    "root_of",
    "run_name",
    "seen_from",
    "shuffled",
    "source_name",
    "split_rows",
    "spread_series",
    "stored_field",
    "stored_value",
    "table_of",
    "timelines",
    "with_whole_paths",
    "write_checked",
]
