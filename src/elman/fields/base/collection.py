"""The fields of a network: what it reads and what it answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.errors import BadValueError
from elman.fields.base.aligned import Aligned
from elman.fields.base.field import Field, Input, Target
from elman.fields.base.generated import Writable
from elman.fields.known import Known
from elman.fields.lags import Lags
from elman.fields.series import Series
from elman.fields.values.files import MEDIA
from elman.types import Json


class Fields(NamedTuple):
    """Inputs and targets by name."""

    inputs: dict[str, Input]
    targets: dict[str, Target]

    def by_role(self, targets: bool = True) -> dict[str, Field]:
        """Every field, as `input.NAME` or `target.NAME`; without the targets where only answers are wanted."""
        roles: dict[str, Field] = {f"input.{name}": field for name, field in self.inputs.items()}
        return roles | {f"target.{name}": field for name, field in self.targets.items() if targets}

    def learned(self) -> Json:
        """What the fields learned, as plain JSON."""
        return {role: field.learned() for role, field in self.by_role().items()}

    def restore(self, learned: Json) -> None:
        """Take back what `learned` gave."""
        for role, field in self.by_role().items():
            field.restore(learned[role])

    def single_targets(self) -> set[str]:
        """The targets with one answer a row."""
        return {name for name, field in self.targets.items() if not field.is_sequence}

    def past_of(self, column: str) -> list[tuple[str, int]]:
        """The inputs that read the past of a column, and its channel in each."""
        read = ((name, field) for name, field in self.inputs.items() if isinstance(field, Series | Lags))
        return [
            (name, field.columns.index(column))
            for name, field in read
            if not isinstance(field, Known) and field.columns and column in field.columns
        ]

    def singles(self) -> set[str]:
        """The inputs and targets with one value a row, which may be an array."""
        return {field.name for field in self.by_role().values() if not field.is_sequence}

    def named_files(self) -> list[str]:
        """The columns whose cells name files."""
        return [field.name for field in self.by_role().values() if field.kind in MEDIA]

    def in_step(self) -> list[str]:
        """The roles of the sequences that have the same steps, the first input first."""
        return [
            role
            for role, field in self.by_role().items()
            if field.is_sequence
            and not isinstance(field, Aligned)
            and not (isinstance(field, Writable) and field.written)
        ]

    def aligned(self) -> dict[str, Aligned]:
        """The targets whose symbols each stand at some of the steps of what is read, by role."""
        return {role: field for role, field in self.by_role().items() if isinstance(field, Aligned)}

    def tied_by_steps(self) -> list[str]:
        """The roles of sequences of which one says something about the steps of another; none of fewer than two."""
        roles = [*self.in_step(), *self.aligned()]
        return roles if len(roles) > 1 else []

    def out_of_step(self, encoded: Mapping[str, np.ndarray]) -> tuple[str, BadValueError] | None:
        """The role of a sequence of a row that does not go with the steps of the first, and what is said of it."""
        first, *others = [role for role in self.in_step() if role in encoded] or [""]
        for role in others:
            steps, found = len(encoded[first]), len(encoded[role])
            if steps != found:
                must = f"have a value for each of the {steps} steps of {column_of(first)!r}"
                return role, BadValueError(must, f"{found}")
        for role, field in self.aligned().items():
            if first and role in encoded and field.least_steps(encoded[role]) > len(encoded[first]):
                must = f"fit into the {len(encoded[first])} steps of {column_of(first)!r}"
                return role, BadValueError(must, f"{field.least_steps(encoded[role])} that its symbols need")
        return None


def column_of(role: str) -> str:
    """The column's name in `input.NAME` or `target.NAME`."""
    return role.partition(".")[2]


def split_roles(by_role: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands by role, as inputs and as targets by name."""
    inputs = {column_of(role): value for role, value in by_role.items() if role.startswith("input.")}
    targets = {column_of(role): value for role, value in by_role.items() if role.startswith("target.")}
    return inputs, targets
