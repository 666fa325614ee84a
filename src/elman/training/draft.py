"""A configuration while it is being resolved."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from elman.config.configuration import DataConfig, RunConfig


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
