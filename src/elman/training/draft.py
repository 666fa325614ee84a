"""A configuration while it is being resolved."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from elman.config.configuration import DataConfig, RunConfig
from elman.fields import Series

JOINED = "series"  # the name of the input that several columns become


@dataclass
class Draft:
    """A copy of a configuration, into which what it leaves open is written."""

    data: DataConfig
    input: dict[str, dict[str, Any]]
    target: dict[str, dict[str, Any]]
    model: dict[str, Any]
    train: dict[str, Any]
    decode: dict[str, Any]

    @classmethod
    def of(cls, config: RunConfig) -> "Draft":
        """A draft that begins with what a configuration says."""
        return cls(**deepcopy(dict(config)))

    def join_inputs(self, names: list[str]) -> None:
        """Make these inputs one, the series of their columns; options are kept where it is a single one."""
        own = self.input[names[0]] if len(names) == 1 else {}
        series = {JOINED: {**own, "kind": Series.kind, "columns": names}}
        self.input = series | {name: options for name, options in self.input.items() if name not in names}
