"""ETTh1 (Zhou et al. 2021, arXiv 2012.07436): load and oil temperature of an electricity transformer, hour by hour."""

from itertools import pairwise

import pyarrow.csv

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables

CSV: PublicFile = github(
    "etth1/ETTh1.csv",
    "zhouhaoyi/ETDataset",
    "1d16c8f4f943005d613b5bc962e9eeb06058cf07",
    "ETT-small/ETTh1.csv",
    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
)
BORDERS = (0, 8640, 11520, 14400)  # rows: 12, 4 and 4 months of 30 days, as in the paper; the rest is not used


def etth1() -> Tables:
    """Columns `date`, HUFL, HULL, MUFL, MULL, LUFL, LULL (loads) and OT (oil temperature, degrees Celsius): 8,640 hours
    for training, 2,880 for validation, 2,880 for test.

    Raises:
        DataError: the file is not available.
    """
    strings = pyarrow.csv.ConvertOptions(column_types={"date": "string"})
    table = pyarrow.csv.read_csv(fetch(CSV), convert_options=strings)
    splits = [table.slice(begin, end - begin) for begin, end in pairwise(BORDERS)]
    names = "ETTh1", "ETTh1, validation", "ETTh1, test"
    return Tables(
        *(
            Table(dict(zip(split.column_names, split.columns, strict=True)), name)
            for split, name in zip(splits, names, strict=True)
        )
    )
