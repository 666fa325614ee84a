"""A table of every kind of column, as a file of any format, and all that a training on it gives, to be compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import elman

RANDOM = np.random.default_rng(0)
ROWS = 240
WORDS = np.array(["good", "bad", "fine", "poor", "great", "dull", "naïve", "so-so"])
TABLE = pd.DataFrame(
    {
        "text": [" ".join(RANDOM.choice(WORDS, RANDOM.integers(2, 9))) for _ in range(ROWS)],
        "word": RANDOM.choice(WORDS, ROWS),
        "n": RANDOM.normal(size=ROWS),
        "v1": RANDOM.normal(size=ROWS),
        "v2": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(size=ROWS)),
        "user": RANDOM.integers(0, 30, ROWS),
        "day": [f"2026-{month:02}-{day:02}" for month, day in RANDOM.integers(1, 13, (ROWS, 2))],
        "label": RANDOM.choice(["yes", "no"], ROWS),
        "price": RANDOM.normal(size=ROWS),
    }
)
ARRAYS = [RANDOM.normal(size=(RANDOM.integers(1, 6), 2)).round(3).tolist() for _ in range(ROWS)]


def write(folder: Path, kind: str = "csv", table: pd.DataFrame = TABLE) -> Path:
    path = folder / f"t.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "jsonl":
        table = table.assign(a=ARRAYS)
        path.write_text("".join(json.dumps(row) + "\n" for row in table.replace({np.nan: None}).to_dict("records")))
    else:
        pq.write_table(pa.Table.from_pandas(table.assign(a=[np.array(a)[:, 0] for a in ARRAYS])), path)
    return path


def trained(path: object, input: object = "text", target: str = "label", *, in_memory: float = 200, **options):
    options = {"hidden": 4, "epochs": 2, **options}
    options["data"] = {"in_memory": in_memory, **options.get("data", {})}
    if options["hidden"] is None:
        del options["hidden"]
    return elman.train(path, input=input, target=target, quiet=True, **options)


def what_was_trained(model: elman.Model) -> tuple:
    log = [line.split(b'"seconds"')[0] for line in model.artifacts["log.jsonl"].splitlines()]
    scores = {part: model.metrics[part] for part in ("valid", "test")}
    weights = {name: value.tolist() for name, value in model.network.state_dict().items()}
    return weights, log, scores, model.input.learned(), model.target.learned(), model.input.describe(), model.skipped


def with_bad_rows() -> pd.DataFrame:
    table = TABLE.astype(object)
    table.loc[[3, 50, 51], "text"] = ["", " ", ""]
    table.loc[[7, 51, 200], "label"] = ""
    return table
