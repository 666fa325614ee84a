"""How the rows of a table make sequences; each layout decides it once, for training and for every later question."""

from elman.data.layouts.base import Layout, Note, Source, Sources, Splits, Tables
from elman.data.layouts.rows import RowsLayout
from elman.data.layouts.series import SeriesLayout
from elman.data.layouts.stream import StreamLayout
from elman.data.layouts.windows import WindowsLayout

__all__ = [
    "Layout",
    "Note",
    "RowsLayout",
    "SeriesLayout",
    "Source",
    "Sources",
    "Splits",
    "StreamLayout",
    "Tables",
    "WindowsLayout",
]
