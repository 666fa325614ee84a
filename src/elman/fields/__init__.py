"""What a column can hold. A new field is one file here and one line in this table."""

from elman.fields.base import Field, Input, InStep, Single, Steps, Target
from elman.fields.category import Category
from elman.fields.labels import Labels
from elman.fields.notes import Notes
from elman.fields.number import Number
from elman.fields.roll import Roll
from elman.fields.series import Series
from elman.fields.sides import Fields, column_of, split_roles
from elman.fields.tags import Tags
from elman.fields.text import Text
from elman.fields.writable import Frames, Symbols, Writable

FIELDS: dict[str, type[Field]] = {
    "text": Text,
    "category": Category,
    "number": Number,
    "series": Series,
    "tags": Tags,
    "labels": Labels,
    "notes": Notes,
    "roll": Roll,
}
INPUTS = [kind for kind, field in FIELDS.items() if issubclass(field, Input)]
TARGETS = [kind for kind, field in FIELDS.items() if issubclass(field, Target)]

__all__ = [
    "FIELDS",
    "INPUTS",
    "TARGETS",
    "Category",
    "Field",
    "Fields",
    "Frames",
    "InStep",
    "Input",
    "Labels",
    "Notes",
    "Number",
    "Roll",
    "Series",
    "Single",
    "Steps",
    "Symbols",
    "Tags",
    "Target",
    "Text",
    "Writable",
    "column_of",
    "split_roles",
]
