"""From files and tables to padded batches."""

from elman.data.batch import Batch, Examples
from elman.data.fetch import Source, fetch, github
from elman.data.infer import infer_kind
from elman.data.order import batches_an_epoch, in_order_of_length, padding_share, shuffled
from elman.data.permutation import Permutation
from elman.data.prepare import Parsed, encode, gather, parse
from elman.data.readers import READERS, read
from elman.data.reshape import from_long, from_wide, matching_columns
from elman.data.split import Split, split_rows
from elman.data.table import BadRows, Table, from_memory

__all__ = [
    "READERS",
    "BadRows",
    "Batch",
    "Examples",
    "Parsed",
    "Permutation",
    "Source",
    "Split",
    "Table",
    "batches_an_epoch",
    "encode",
    "fetch",
    "from_long",
    "from_memory",
    "from_wide",
    "gather",
    "github",
    "in_order_of_length",
    "infer_kind",
    "matching_columns",
    "padding_share",
    "parse",
    "read",
    "shuffled",
    "split_rows",
]
