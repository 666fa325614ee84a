"""The options of recurrent bodies: each topology has these and no others, in Python and in files."""

import pytest

import elman
from elman.config.configuration import resolved_options
from elman.errors import ConfigError
from elman.layers import LAYERS, RecurrentOptions
from elman.topologies import TOPOLOGIES

NOISE = {"locked": False, "recurrent_dropout": 0.0, "weight_drop": 0.0, "zoneout": 0.0}
BODY = {"cell": "lstm", "hidden": 128, "layers": 1, "dropout": 0.3, **NOISE, "backend": "auto", "memory": "full"}
SINGLE = {**BODY, "initial_state": "zero", "bptt": None}
READING = {**SINGLE, "bidirectional": False, "pooling": "last", "condition": None}
OPTIONS = {
    "one-to-one": {"pooling": "mean"},
    "one-to-many": {**SINGLE, "condition": "both", "scheduled_sampling": 0.0},
    "many-to-one": READING,
    "many-to-many": READING,
    "next-step": {**SINGLE, "scheduled_sampling": 0.0},
    "encoder-decoder": {
        **BODY, "bidirectional": True, "attention": "dot", "input_feeding": False, "scheduled_sampling": 0.0,
    },
    "encoder-decoder-ahead": {**BODY, "bidirectional": False, "attention": "none"},
}  # fmt: skip


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_topology_has_these_options_and_defaults_and_no_others(name):
    kind = TOPOLOGIES[name]
    assert resolved_options(kind, {}, "model", without=kind.without) == OPTIONS[name]


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_an_unknown_option_in_a_file_is_named_beside_the_nearest(name):
    with pytest.raises(ConfigError, match=r"a key of \[model\] must be one of .*, got 'condtion'\."):
        resolved_options(TOPOLOGIES[name], {"condtion": "step"}, "model")
    if "hidden" in OPTIONS[name]:
        with pytest.raises(ConfigError, match=r"got 'hiden'\. Did you mean 'hidden'\?"):
            resolved_options(TOPOLOGIES[name], {"hiden": 3}, "model")
        with pytest.raises(ConfigError, match=r"model\.hidden must be a valid integer, got '3'\."):
            resolved_options(TOPOLOGIES[name], {"hidden": "3"}, "model")


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_an_option_of_another_topology_is_refused_in_python_too(name):
    sizes = (3, 2, 2, 4)[
        : {"one-to-one": 2, "many-to-one": 2, "many-to-many": 2, "encoder-decoder-ahead": 4}.get(name, 3)
    ]
    others = {key for options in OPTIONS.values() for key in options} - OPTIONS[name].keys()
    for key in others - {"condition"} if name == "next-step" else others:
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{key}'"):
            TOPOLOGIES[name](*sizes, **{key: "none"})


@pytest.mark.parametrize("name", LAYERS)
def test_an_unknown_option_of_a_layer_is_named_beside_the_nearest(name):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'zone_out'\. Did you mean 'zoneout'\?"):
        LAYERS[name](3, 4, zone_out=0.1)


def test_every_option_of_a_layer_is_an_attribute_with_its_default():
    layer = elman.GRU(3, 4)
    for name in RecurrentOptions.__annotations__:
        assert hasattr(layer, name)
    given = {
        "bias": False, "bidirectional": True, "dropout": 0.1, "locked": True, "recurrent_dropout": 0.2,
        "weight_drop": 0.3, "zoneout": 0.4, "initial_state": "learned", "backend": "reference", "memory": "low",
    }  # fmt: skip
    layer = elman.GRU(3, 4, 2, **given)
    assert {name: getattr(layer, name) for name in given} == given
    assert elman.GRU(3, 4, bptt=5).bptt == 5
