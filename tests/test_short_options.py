"""The short options are one table: `elman.train`, the command line and the configuration agree on it."""

import inspect

import pytest
import typer

import elman
from elman.cli import train as verb
from elman.cli.app import VERBS, make_app
from elman.config.configuration import DataConfig, resolved_options
from elman.config.short_options import SHORT_OPTIONS, given_options
from elman.topologies import TOPOLOGIES
from elman.training import TrainingOptions
from elman.training.train import make_document

LONG = {"input", "target"}
OF_THE_LIBRARY = {"source", "data", "model", "train", "decode", "out", "force", "quiet"}
OF_THE_VERB = {"source", "set", "config", "out", "force", "resume"}


def names(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_library_and_the_verb_take_every_short_option_in_the_order_of_the_table():
    for function, others in ((elman.train, OF_THE_LIBRARY), (verb.train, OF_THE_VERB)):
        assert [name for name in names(function) if name not in LONG | others] == list(SHORT_OPTIONS)


def test_the_command_line_has_the_names_and_the_help_of_the_table():
    parameters = {one.name: one for one in typer.main.get_command(make_app()).commands["train"].params}
    for name, option in SHORT_OPTIONS.items():
        assert parameters[name].opts == [f"--{name.replace('_', '-')}"]
        assert not parameters[name].secondary_opts
        assert parameters[name].help == option.help


@pytest.mark.parametrize("name", SHORT_OPTIONS)
def test_a_short_option_is_a_key_of_its_section(name):
    section, key = SHORT_OPTIONS[name].key.split(".")
    of_models = {key for kind in TOPOLOGIES.values() for key in resolved_options(kind, {}, "model")}
    keys = {"data": DataConfig.model_fields, "train": names(TrainingOptions), "model": {"topology", *of_models}}
    assert key in keys[section]
    assert make_document("x", None, {name: 3}) == {"input": {"x": {}}, section: {key: 3}}


def test_what_was_not_given_is_left_out():
    arguments = dict.fromkeys(SHORT_OPTIONS) | {"seed": 0, "bidirectional": False, "out": "run"}
    assert given_options(arguments) == {"bidirectional": False, "seed": 0}


def test_every_file_of_a_verb_is_in_the_table_of_verbs():
    from pathlib import Path

    shared = {"__init__", "app", "exits", "messages", "options", "output"}
    files = {path.stem for path in Path(verb.__file__).parent.glob("*.py")} - shared
    assert files == VERBS.keys()
    assert all(function.__module__ == f"elman.cli.{name}" for name, (function, _) in VERBS.items())
