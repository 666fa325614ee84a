"""What a configuration leaves open, settled from the data: kinds of columns, topology, what makes one series."""

from elman.checks import check_choice, fail
from elman.config import RunConfig
from elman.data import Table, infer_kind
from elman.errors import ConfigError
from elman.fields import FIELDS
from elman.topologies import TOPOLOGIES, ManyToOne


def settle(config: RunConfig, table: Table) -> None:
    """Write the kinds and the topology into the configuration where it does not say them.

    Raises:
        ConfigError: settings that contradict each other, or the data.
        DataError: a column that is missing, or holds what no field can read.
    """
    _check_series(config, table)
    for fields, as_target in ((config.input, False), (config.target, True)):
        for name, options in fields.items():
            if "kind" not in options:
                options["kind"] = "series" if "columns" in options else infer_kind(table, name, as_target)
    kind = next(iter(config.input.values()))["kind"]
    sequence = FIELDS[kind].is_sequence if kind in FIELDS else True
    topology = config.model.setdefault("topology", "many-to-one" if sequence else "one-to-one")
    check_choice("config", "model.topology", topology, TOPOLOGIES, ConfigError)
    if topology == ManyToOne.name and not sequence:
        fail(
            "config",
            "model.topology",
            f"be one-to-one where the input is a {kind}, one value a row",
            repr(topology),
            "Leave it out, or read a sequence.",
            ConfigError,
        )


def _check_series(config: RunConfig, table: Table) -> None:
    """One column with an id is a series too; what gathers a series goes with nothing else."""
    data, ((name, options),) = config.data, config.input.items()
    pattern = name not in table.columns and any(sign in name for sign in "*?[")
    if (data.id is not None or pattern) and not options.keys() & {"kind", "columns"}:
        name, options = "series", {**options, "kind": "series", "columns": [name]}
        config.input = {name: options}
    if options.get("columns") and name in table.columns:
        fail(
            "config",
            f"input.{name}",
            "have a name that no column has",
            f"a column {name!r}",
            "Rename the column, or give the series another name in [input.NAME].",
            ConfigError,
        )
    if data.id is not None and not options.get("columns"):
        fail(
            "config",
            "data.id",
            "go with the columns of a series",
            f"the input {name!r}",
            "Leave it out, or name numeric columns with --input.",
            ConfigError,
        )
    if data.time is not None and data.id is None:
        fail("config", "data.time", "go with data.id", "no id", "Pass --id COLUMN, or leave the time out.", ConfigError)
    if data.split_time is not None and data.split_group is not None:
        fail(
            "config",
            "data.split_group",
            "be left out where data.split_time is set",
            repr(data.split_group),
            "Keep one of them.",
            ConfigError,
        )
