"""What a column can hold. A new field is one file here and one line in this table."""

from elman.fields.aligned import Aligned
from elman.fields.audio import Audio
from elman.fields.base import Field, Input, InStep, Single, Steps, Target
from elman.fields.category import Category
from elman.fields.image import Image
from elman.fields.labels import Labels
from elman.fields.notes import Notes
from elman.fields.number import Number
from elman.fields.series import Series
from elman.fields.sides import Fields, column_of, split_roles
from elman.fields.tags import Tags
from elman.fields.text import Text
from elman.fields.transcript import Transcript
from elman.fields.writable import Frames, Symbols, Writable

FIELDS: dict[str, type[Field]] = {
    "text": Text,
    "category": Category,
    "number": Number,
    "series": Series,
    "tags": Tags,
    "labels": Labels,
    "image": Image,
    "audio": Audio,
    "transcript": Transcript,
    "notes": Notes,
}
INPUTS = [kind for kind, field in FIELDS.items() if issubclass(field, Input)]
TARGETS = [kind for kind, field in FIELDS.items() if issubclass(field, Target)]

__all__ = [
    "FIELDS",
    "INPUTS",
    "TARGETS",
    "Aligned",
    "Audio",
    "Category",
    "Field",
    "Fields",
    "Frames",
    "Image",
    "InStep",
    "Input",
    "Labels",
    "Notes",
    "Number",
    "Series",
    "Single",
    "Steps",
    "Symbols",
    "Tags",
    "Target",
    "Text",
    "Transcript",
    "Writable",
    "column_of",
    "split_roles",
]
