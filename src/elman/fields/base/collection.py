"""The fields of a network: what it reads and what it predicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import numpy as np

from elman.errors import BadValueError
from elman.fields.base.field import Field, Input, Target
from elman.fields.base.generated import Generated
from elman.fields.base.in_step import Aligned
from elman.types import Json


@dataclass(frozen=True)
class Fields:
    """Inputs and targets by name, and the weight of each target's loss where there are several (1 if it is not named).

    A role is a field's place in the network, `input.NAME` or `target.NAME`: a column may be both.
    """

    inputs: dict[str, Input]
    targets: dict[str, Target]
    weights: dict[str, float] = default(default_factory=dict)

    @property
    def sides(self) -> tuple[Mapping[str, Field], Mapping[str, Field]]:
        """Inputs and targets."""
        return self.inputs, self.targets

    def weight(self, target: str) -> float:
        """The weight of a target's loss."""
        return self.weights.get(target, 1.0)

    def by_role(self, targets: bool = True) -> dict[str, Field]:
        """Every field by role; without the targets where only predictions are wanted."""
        roles: dict[str, Field] = {f"input.{name}": field for name, field in self.inputs.items()}
        return roles | {f"target.{name}": field for name, field in self.targets.items() if targets}

    def learned(self) -> Json:
        """What the fields learned, as plain JSON."""
        return {role: field.learned() for role, field in self.by_role().items()}

    def restore(self, learned: Json) -> None:
        """Take back what `learned` gave."""
        for role, field in self.by_role().items():
            field.restore(learned[role])

    def past_of(self, column: str) -> list[tuple[str, int]]:
        """The inputs that read the past of a column, and its channel in each."""
        read = ((name, list(field.past_columns)) for name, field in self.inputs.items())
        return [(name, columns.index(column)) for name, columns in read if column in columns]

    def singles(self) -> set[str]:
        """The inputs and targets with one value a row, which may be an array."""
        return {field.name for field in self.by_role().values() if not field.is_sequence}

    def file_columns(self) -> list[str]:
        """The columns whose cells name files."""
        return [field.name for field in self.by_role().values() if field.names_files]

    def in_step(self) -> list[str]:
        """The roles of the sequences that have the same steps, the first input first."""
        return [
            role
            for role, field in self.by_role().items()
            if field.is_sequence
            and not isinstance(field, Aligned)
            and not (isinstance(field, Generated) and field.generated)
        ]

    def aligned(self) -> dict[str, Aligned]:
        """The targets whose symbols are each aligned with some of the input's steps, by role."""
        return {role: field for role, field in self.by_role().items() if isinstance(field, Aligned)}

    def tied_by_steps(self) -> list[str]:
        """The roles of sequences of which one says something about the steps of another; none of fewer than two."""
        roles = [*self.in_step(), *self.aligned()]
        return roles if len(roles) > 1 else []

    def out_of_step(self, encoded: Mapping[str, np.ndarray]) -> tuple[str, BadValueError] | None:
        """The role of a sequence of a row that does not fit the steps of the first, and the error that says so."""
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
    """Values by role, as those of inputs and those of targets by name."""
    inputs = {column_of(role): value for role, value in by_role.items() if role.startswith("input.")}
    targets = {column_of(role): value for role, value in by_role.items() if role.startswith("target.")}
    return inputs, targets
