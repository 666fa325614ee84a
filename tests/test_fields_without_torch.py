"""Fields need no PyTorch: a field of every kind works where importing torch fails; and each kind has just the encoder
and the head that its place in a network asks for."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from every_kind import CASES, encoded, fitted, parsed
from torch import nn
from without_torch import without_torch

from elman.config.configuration import check_document
from elman.encoders import ENCODERS
from elman.fields import FIELDS, INPUTS, TARGETS, Fields, Input, Target
from elman.heads import HEADS, Head
from elman.model.build import completed, make_fields, make_network

MODULES = ["elman.errors", "elman.checks", "elman.types"]
PACKAGES = ["config", "kernels", "media", "storage", "decoding", "fields", "data", "metrics", "cli"]
HERE = str(Path(__file__).parent)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_up_to_the_fields_and_the_command_line_imports_with_torch_blocked(package):
    without_torch(f"""
for name in {MODULES}:
    importlib.import_module(name)
package = importlib.import_module("elman.{package}")
for module in pkgutil.walk_packages(package.__path__, "elman.{package}."):
    importlib.import_module(module.name)
assert "torch" not in sys.modules
""")


def test_a_field_of_every_kind_is_fitted_encodes_and_decodes_with_torch_blocked():
    without_torch(f"""
sys.path.insert(0, {HERE!r})
from every_kind import CASES, fitted, there_and_back
from elman.fields import FIELDS
assert CASES.keys() == FIELDS.keys()
for kind in CASES:
    there_and_back(kind)
assert "torch" not in sys.modules
""")


def test_every_input_has_an_encoder_and_every_target_a_head_and_nothing_else_has():
    assert list(ENCODERS) == INPUTS == [kind for kind, field in FIELDS.items() if issubclass(field, Input)]
    assert list(HEADS) == TARGETS == [kind for kind, field in FIELDS.items() if issubclass(field, Target)]
    assert {*INPUTS, *TARGETS} == set(FIELDS)


@pytest.mark.parametrize("kind", FIELDS)
def test_encoders_and_heads_are_modules_of_the_sizes_that_they_name(kind):
    if kind in ENCODERS:
        field = fitted(kind, generated=False)
        encoder, values = ENCODERS[kind](field), torch.from_numpy(np.stack(encoded(field, kind)[:1]))
        assert isinstance(encoder, nn.Module)
        assert encoder(values).shape[-1] == encoder.output_size
    if kind in HEADS:
        field = fitted(kind, generated=True)
        head = HEADS[kind](field, 12)
        assert isinstance(head, Head)
        assert head(torch.randn(3, 12)).shape[0] == 3


# Inputs, targets and the options of [model] and [data], in which every kind stands as an input and as a target.
NETWORKS = [
    (
        ["text", "category", "number", "series"],
        ["category", "number", "labels", "tags"],
        {"topology": "many-to-many"},
        {},
    ),
    (["audio"], ["transcript"], {"topology": "many-to-many"}, {}),
    (["notes", "roll"], ["text"], {"topology": "encoder-decoder"}, {}),
    (["image"], ["notes"], {"topology": "one-to-many"}, {}),
    (["category"], ["roll"], {"topology": "one-to-many"}, {}),
    (["category"], ["audio"], {"topology": "one-to-many"}, {}),
    (["number"], ["series"], {"topology": "one-to-many"}, {}),
    (["lags", "known"], ["forecast"], {"topology": "one-to-one"}, {"horizon": 2, "window": 3}),
    (["text"], [], {"topology": "next-step"}, {}),
    (["series"], [], {"topology": "next-step"}, {}),
    (["roll"], [], {"topology": "next-step"}, {}),
]


def test_the_networks_below_have_every_kind_on_each_of_its_sides():
    assert {kind for inputs, *_ in NETWORKS for kind in inputs} == set(INPUTS)
    assert {kind for _, targets, *_ in NETWORKS for kind in targets} == set(TARGETS)


@pytest.mark.parametrize(("inputs", "targets", "model", "data"), NETWORKS, ids=str)
def test_a_field_is_whole_when_it_was_fitted_and_no_network_sets_an_attribute_of_it(inputs, targets, model, data):
    given = {"input": {f"in_{kind}": table(kind, "input") for kind in inputs}, "model": model, "data": data}
    given["target"] = {f"out_{kind}": table(kind, "target") for kind in targets}
    config = completed(check_document(given))
    fields = make_fields(config)
    for field in fields.by_role().values():
        field.fit(parsed(field, field.kind))
    before = state_of(fields)

    network = make_network(config, fields)

    assert network.fields is fields
    assert state_of(fields) == before
    network.train()
    assert state_of(fields) == before


def table(kind: str, side: str) -> dict[str, object]:
    """The table of a field in a configuration, with the options that its side of the network has."""
    field = FIELDS[kind]
    without = field.target_options if side == "input" else field.input_options
    return {"kind": kind} | {name: value for name, value in CASES[kind].options.items() if name not in without}


def state_of(fields: Fields) -> dict[str, dict[str, str]]:
    """Every attribute of every field, in full."""
    with np.printoptions(threshold=sys.maxsize):
        return {
            role: {name: repr(value) for name, value in vars(field).items()} for role, field in fields.by_role().items()
        }
