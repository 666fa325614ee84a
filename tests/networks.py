"""Small networks of every topology, made the way that training makes them, from one table of toy sequences."""

import numpy as np
import torch

from elman.config.configuration import check_document
from elman.data import Batch, Examples, from_memory
from elman.data.layouts import Tables
from elman.layers import LAYERS
from elman.model.build import make_network
from elman.model.model import Model
from elman.training.prepare import prepare
from elman.training.train import make_document
from elman.types import Column

RANDOM = np.random.default_rng(0)
LETTERS = [list(RANDOM.choice(list("abcdefgh"), RANDOM.integers(1, 7))) for _ in range(40)]
TABLE = {
    "text": [" ".join(row) for row in LETTERS],
    "back": [" ".join([*row[::-1], "h"]) for row in LETTERS],
    "tags": [["v" if letter in "ae" else "c" for letter in row] for row in LETTERS],
    "slots": [["B-v" if letter in "ae" else "O" for letter in row] for row in LETTERS],
    "load": [[[float(ord(letter)), float(at)] for at, letter in enumerate(row)] for row in LETTERS],
    "label": [str("a" in row) for row in LETTERS],
    "count": [len(row) + 0.5 for row in LETTERS],
    "kind": [["x", "y", "z"][at % 3] for at in range(len(LETTERS))],
}
TEXT = {"text": {"kind": "text", "embedding": 5, "min_count": 1}}
BACK = {"back": {"kind": "text", "embedding": 5, "min_count": 1, "metrics": ["exact_match"]}}
LOAD, KIND = {"load": {"kind": "series"}}, {"kind": {"kind": "category", "embedding": 3}}
# By name: inputs, targets and options of [model].
PREDICTING = {
    "one-to-one": (TEXT, {"label": {}}, {"topology": "one-to-one"}),
    "many-to-one": (TEXT, {"label": {}}, {"bidirectional": True}),
    "many-to-one, attention": (TEXT | KIND, {"label": {}}, {"pooling": "attention", "condition": "end"}),
    "many-to-many": (TEXT | LOAD, {"tags": {"kind": "tags"}, "label": {}}, {"bidirectional": True}),
    "many-to-many, crf": (LOAD | KIND, {"slots": {"kind": "tags", "head": "crf"}}, {"condition": "state"}),
}
GENERATING = {
    "next-step": (TEXT, {}, {}),
    "one-to-many": (KIND, BACK, {}),
    "one-to-many, from a state": (KIND, BACK, {"condition": "state", "layers": 2}),
    "encoder-decoder": (TEXT, BACK, {"attention": "none", "layers": 2}),
    "encoder-decoder, additive": (TEXT | KIND, BACK, {"attention": "additive"}),
    "encoder-decoder, dot": (LOAD, BACK, {"attention": "dot", "bidirectional": False}),
    "encoder-decoder, fed": (TEXT, BACK, {"attention": "dot", "input_feeding": True}),
    "encoder-decoder, tied": (TEXT, {"back": BACK["back"] | {"tied": True}}, {}),
    "encoder-decoder, adaptive": (TEXT, {"back": BACK["back"] | {"softmax": "adaptive"}}, {}),
}
CASES = PREDICTING | GENERATING
CELLS = list(LAYERS)


def built(case: str, cell: str = "lstm", **model: object) -> tuple[Model, Examples]:
    """A model of a case, with drawn weights, in evaluation; and the rows of the table."""
    inputs, targets, options = CASES[case]
    options = options | ({} if options.get("topology") == "one-to-one" else {"cell": cell, "hidden": 6}) | model
    document = make_document(inputs, targets or None, {})
    document |= {"model": options, "data": {"valid_fraction": 0.0, "test_fraction": 0.0}}
    prepared = prepare(check_document(document), Tables(from_memory(TABLE)), lambda note: None)
    config, fields = prepared.config, prepared.fields
    torch.manual_seed(0)
    network = make_network(config, fields).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1 and "weight_hh" not in name:
                parameter *= 3  # as drawn they hardly tell one symbol from another
    return Model(config, fields, network), prepared.splits.train


def row_of(batch: Batch, row: int) -> Batch:
    """One row of a batch alone, without padding."""

    def alone(columns):
        found = {}
        for name, (values, lengths) in columns.items():
            own = values[row : row + 1]
            found[name] = (
                Column(own, None) if lengths is None else Column(own[:, : lengths[row]], lengths[row : row + 1])
            )
        return found

    return Batch(alone(batch.inputs), alone(batch.targets), batch.rows[row : row + 1], batch.chunk)


def poisoned(batch: Batch) -> Batch:
    """The batch with other symbols, or no numbers at all, in the padding."""

    def spoiled(columns):
        found = {}
        for name, (values, lengths) in columns.items():
            if lengths is not None:
                padding = np.arange(values.shape[1]) >= lengths[:, None]
                values = values.copy()
                values[padding] = float("nan") if values.dtype.kind == "f" else 1
            found[name] = Column(values, lengths)
        return found

    return batch._replace(inputs=spoiled(batch.inputs), targets=spoiled(batch.targets))
